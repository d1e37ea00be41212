"""`tests.golden.new`: the files that a question begins with are valid and pass their own test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from octane_flows.models import load_models
from tests.golden.new import ROOT, ScaffoldError, next_steps, write_scaffold
from tests.golden.pages import format_page, parse_page


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    return tmp_path


def test_the_files_of_every_kind_can_be_read(root: Path) -> None:
    written = [
        path
        for kind, slug in [
            ("flow", "open_things"),
            ("metric", "thing_counts"),
            ("plan", "open_things"),
            ("er", "things"),
        ]
        for path in write_scaffold(root, kind, slug)
    ]

    names = {model.name for model in load_models(root / "sql")}
    assert {"flow.open_things", "metric.thing_counts", "plan.open_things", "er.things"} <= names
    pages = [path for path in written if path.suffix == ".md"]
    assert len(pages) == 11
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert format_page(parse_page(text, page.name)) == text


def test_the_pages_of_a_new_metric_pass(root: Path) -> None:
    left_out = ("__pycache__", "node_modules", "benchmarks", "contract", "e2e", "property", "spark")
    ignored = shutil.ignore_patterns(*left_out)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", root / "tests", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", root / "pyproject.toml")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = run("tests.golden.new", "metric", "thing_counts")
    tested = run("pytest", "-q", "tests/unit/test_golden.py", "-k", "thing_counts")

    assert "wrote sql/metric/thing_counts.sql" in said
    assert "METRIC_AREAS" in said
    assert "passed" in tested


@pytest.mark.parametrize(
    ("kind", "slug", "message"),
    [
        ("flow", "Planned-Runs", "is no slug"),
        ("flow", "planned_runs", "is there already"),
        ("plan", "nothing_like_it", "begin the flow first"),
    ],
)
def test_what_cannot_be_begun_is_refused_and_writes_nothing(
    root: Path, kind: str, slug: str, message: str
) -> None:
    with pytest.raises(ScaffoldError, match=message):
        write_scaffold(root, kind, slug)

    assert not (root / "tests").exists()


def test_the_next_steps_of_a_flow_name_its_files() -> None:
    steps = " ".join(next_steps("flow", "open_things"))

    assert "sql/flow/open_things.sql" in steps
    assert "parity/requests" in steps
    assert "octane-flows flow open_things" in steps
