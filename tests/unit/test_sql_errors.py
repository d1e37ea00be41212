"""SQL that does not bind or run stops a build, and the error names the file and the line."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import duckdb
import pytest

from octane_flows.cli.published_messages import print_build
from octane_flows.console import plain_console
from octane_flows.errors import ModelError
from octane_flows.lake import Lake, Manifest
from octane_flows.models import shared_functions
from octane_flows.models.model import read_model
from octane_flows.models.models_digest import models_digest
from octane_flows.status import print_status
from octane_flows.warehouse import (
    Model,
    build,
    connect,
    gaps_of_report,
    gaps_of_warehouse,
    load_models,
    warehouse_path,
)
from tests.golden import kit

RELEASE = {"id": "5", "type": "release", "name": "version 2.8"}
RUN = {"id": "8", "type": "run_automated", "name": "run"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    kit.write_lake(tmp_path, {"release": [RELEASE], "run_automated": [RUN]})
    return tmp_path


def with_typo(folder: Path, name: str, right: str, wrong: str) -> tuple[list[Model], int]:
    """The models with one text replaced where it first stands, and the line of the replacement."""
    models = load_models()
    [model] = [model for model in models if model.name == name]
    assert right in model.sql
    line = model.sql[: model.sql.index(right)].count("\n") + 1
    file = folder / f"{model.slug}.sql"
    file.write_text(model.sql.replace(right, wrong, 1), encoding="utf-8")
    with duckdb.connect() as connection:
        broken = read_model(file, model.schema, connection)
    return [broken if model.name == name else model for model in models], line


TYPOS = {
    "a field of a table": ("er.runs", ".started", ".startedd"),
    "a table that no server has": ("er.releases", "octane.release as", "octane.releasee as"),
    "a field of a model": (
        "flow.failed_previous_runs",
        "releases.release_id",
        "releases.id",
    ),
    "a function": ("metric.slow_tests", "count(", "countt("),
    "a shared function": ("flow.planned_runs", "er.item_url(", "er.item_urll("),
    "a field in a plan": (
        "plan.stories_with_completed_tasks",
        "current_phases.phase_id",
        "current_phases.phase",
    ),
    "a field in a check": (
        "check.certificate_adds_up",
        "completeness.rows_held,",
        "completeness.row_count,",
    ),
    "a table in a check": ("check.previous_run_ids", "join er.runs", "join octane.run"),
}


@pytest.mark.parametrize("case", TYPOS)
def test_a_typo_is_an_error_with_file_and_line(home: Path, case: str) -> None:
    name, right, wrong = TYPOS[case]
    models, line = with_typo(home, name, right, wrong)

    with pytest.raises(ModelError) as caught:
        build(home, models=models)

    where = f"sql/{name.replace('.', '/')}.sql"
    assert str(caught.value).startswith(f"{where}:{line}: DuckDB cannot run this SQL (")
    assert not warehouse_path(home).exists()
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_a_typo_keeps_the_published_warehouse(home: Path) -> None:
    build(home)
    published = warehouse_path(home).read_bytes()
    models, _ = with_typo(home, "er.runs", ".started", ".startedd")

    with pytest.raises(ModelError, match=r"^sql/er/runs\.sql:\d+: "):
        build(home, models=models)

    assert warehouse_path(home).read_bytes() == published


def test_sql_that_fails_on_the_data_names_its_file(home: Path) -> None:
    models, _ = with_typo(
        home,
        "er.releases",
        "release.id as",
        "cast(cast(release.name as integer) as varchar) as",
    )
    with pytest.raises(ModelError, match=r"^sql/er/releases\.sql:1: .*2\.8"):
        build(home, models=models)


def test_a_typo_in_a_shared_function_names_its_file_and_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = "is_listed(code, codes)"
    comment, body = shared_functions.FUNCTIONS[signature]
    monkeypatch.setitem(
        shared_functions.FUNCTIONS, signature, (comment, body.replace("lower(", "lowerr(", 1))
    )
    source = Path(shared_functions.__file__).read_text(encoding="utf-8")
    line = source[: source.index(f'"{signature}"')].count("\n") + 1

    with pytest.raises(ModelError, match=rf"^models/shared_functions\.py:{line}: .*er\.is_listed"):
        build(home)


def test_the_goldens_refuse_sql_that_does_not_bind(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, line = with_typo(home, "er.runs", ".started", ".startedd")
    monkeypatch.setattr(kit, "load_models", lambda: models)

    with pytest.raises(ModelError, match=rf"^sql/er/runs\.sql:{line}: "):
        kit.open_empty()


@pytest.mark.parametrize(
    ("without", "reason", "model", "check"),
    [
        (
            "run_history",
            "the lake has no octane.run_history",
            "er.previous_runs",
            "key:er.previous_runs",
        ),
        ("ci_build.result", "the lake has no octane.ci_build.result", "er.builds", "key:er.builds"),
    ],
)
def test_what_the_server_lacks_makes_models_and_checks_partial_and_is_told(
    tmp_path: Path, without: str, reason: str, model: str, check: str
) -> None:
    kit.write_lake(tmp_path, {"release": [RELEASE]}, without=(without,))
    report = build(tmp_path)

    models = {result.name: result for result in report.models}
    checks = {result.name: result for result in report.checks}
    assert (models[model].status, models[model].reason) == ("partial", reason)
    assert (checks[check].passed, checks[check].reason) == (True, reason)
    assert (models["er.releases"].status, models["er.releases"].reason) == ("available", None)
    assert checks["key:er.releases"].reason is None
    [gap] = gaps_of_report(report)
    assert gap.startswith("partial: ")
    assert [text in gap for text in (reason, model, check, "er.releases")] == [True] * 3 + [False]
    with connect(tmp_path) as connection:
        assert gaps_of_warehouse(connection) == [gap]


def test_a_changed_shared_function_makes_counts_of_answers_unknown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = models_digest(load_models())
    build(home, count_questions=True)
    signature = "name_matches(name, pattern)"
    comment, _ = shared_functions.FUNCTIONS[signature]
    monkeypatch.setitem(shared_functions.FUNCTIONS, signature, (comment, "false"))

    assert models_digest(load_models()) != digest
    rows = {model.name: model.rows is None for model in build(home).models}
    assert rows["flow.planned_runs"]
    assert not rows["er.releases"]


def test_another_default_of_a_parameter_makes_counts_of_answers_unknown() -> None:
    models = load_models()
    [model] = [model for model in models if model.name == "flow.modules_with_recent_failures"]
    *others, last = model.header.parameters
    header = dataclasses.replace(
        model.header, parameters=(*others, dataclasses.replace(last, default="7"))
    )
    changed = dataclasses.replace(model, header=header)

    assert models_digest([changed]) != models_digest([model])


def test_status_and_the_build_command_name_the_gaps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = kit.write_lake(tmp_path, {"release": [RELEASE]}, without=("run_history",))
    report = build(tmp_path)
    [gap] = gaps_of_report(report)

    print_build(report)
    assert gap in capsys.readouterr().err
    output = io.StringIO()
    print_status(tmp_path, _QuietLake(tmp_path / "lake"), plain_console(file=output))
    assert manifest.generation == report.generation
    assert f"gap          {gap}" in output.getvalue()


class _QuietLake(Lake):
    """A lake that has no figures of the requests to the server."""

    def current(self) -> Manifest | None:
        manifest = super().current()
        return dataclasses.replace(manifest, politeness={}) if manifest is not None else None
