"""The commands about the past, as a user calls them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.config import LakePlace
from octane_flows.errors import UsageError
from octane_flows.lake import open_lake
from octane_flows.warehouse import build
from octane_flows.warehouse.warehouse_as_of import past_path
from tests.golden import kit


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for day, name in enumerate(("2.8", "2.8 final", "2.8 final again")):
        release = {"id": "5", "type": "release", "name": name}
        kit.write_lake(tmp_path, {"release": [release]}, as_of=kit.AS_OF + timedelta(days=day))
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generations_and_histories_are_listed(home: Path) -> None:
    listed = json.loads(ask("generations", "--format", "json"))
    assert [(row["generation"], row["as_of"][:10]) for row in listed] == [
        (1, "2021-01-20"),
        (2, "2021-01-21"),
        (3, "2021-01-22"),
    ]
    versions = json.loads(ask("history", "release", "5", "--format", "json"))
    assert [row["name"] for row in versions] == ["2.8", "2.8 final", "2.8 final again"]
    with pytest.raises(UsageError, match="no version of release 6"):
        ask("history", "release", "6")


def test_a_query_looks_back_and_expiry_forgets(home: Path) -> None:
    sql = (
        "select releases.release_name, count(*) as versions from er.releases as releases "
        "join octane_history.release as release on release.id = releases.release_id group by all"
    )
    answer = json.loads(ask("query", "--as-of", "2021-01-21", sql, "--format", "json"))
    assert answer == [{"release_name": "2.8 final", "versions": 3}]
    assert past_path(home, 2).is_file()

    would = ask("expire", "--keep", "1", "--dry-run")
    # of each its manifest, and the part that names its files
    assert would.startswith("expire       would let go of 2 generations and 4 files")
    assert past_path(home, 2).is_file()
    assert ask("expire", "--keep", "1").startswith("expire       let go of 2 generations")
    assert not past_path(home, 2).exists()
    assert "nothing to do" in ask("compact", "--dry-run")


def test_expire_wants_to_know_what_may_go(home: Path) -> None:
    with pytest.raises(UsageError, match="--keep N generations, --older-than DAYS"):
        ask("expire")


def test_commands_find_a_lake_in_a_bucket(
    home: Path, bucket: LakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_LAKE", f"s3://{bucket.bucket}/{bucket.prefix}")
    monkeypatch.setenv("OCTANE_LAKE_ENDPOINT", str(bucket.endpoint))
    monkeypatch.setenv("OCTANE_LAKE_KEY_ID", "key")
    monkeypatch.setenv("OCTANE_LAKE_SECRET", "canary-secret")
    release = {"id": "5", "type": "release", "name": "in the bucket"}
    kit.write_lake(home, {"release": [release]}, lake=open_lake(home, bucket))

    assert len(json.loads(ask("generations", "--format", "json"))) == 1
    versions = json.loads(ask("history", "release", "--format", "json"))
    assert [version["name"] for version in versions] == ["in the bucket"]


def test_questions_reports_and_status_look_back_quietly(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.status._print_politeness", lambda *_: None)  # no server here
    build(home)
    current = (home / "warehouse.duckdb").read_bytes()
    done = CliRunner().invoke(
        app, ["metric", "release_readiness", "--as-of", "2021-01-21", "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    assert [row["release_name"] for row in json.loads(done.stdout)] == ["2.8 final"]
    assert done.stderr.splitlines() == [
        "building the warehouse of generation 2 for questions about that time; it is kept for "
        "later ones"
    ]
    again = CliRunner().invoke(app, ["flow", "planned_runs", "--as-of", "2", "--format", "json"])
    assert (json.loads(again.stdout), again.stderr) == ([], "")

    page = Path(ask("report", "--as-of", "2").strip())
    assert page == home / "report-20210121T210000.html"
    assert "2.8 final" in page.read_text("utf-8")
    assert "final again" not in page.read_text("utf-8")
    assert not (home / "report.html").exists()

    status = ask("status", "--as-of", "2021-01-21")
    assert "generation   2, as of 2021-01-21" in status
    assert "warehouse" not in status
    assert (home / "warehouse.duckdb").read_bytes() == current


def test_the_steps_of_a_build_of_the_past_are_told_on_request(home: Path) -> None:
    done = CliRunner().invoke(app, ["query", "--as-of", "1", "--progress", "select 1 as one"])

    assert done.exit_code == 0, done.output
    assert len(done.stderr.splitlines()) > 20
    with pytest.raises(UsageError, match="no generation 9; it keeps 3, from"):
        ask("status", "--as-of", "9")
    with pytest.raises(UsageError, match="leave --engine spark out"):
        ask("flow", "planned_runs", "--as-of", "1", "--engine", "spark")
