"""The Python interface: typed questions, relations, the past, and the command line's sentences."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

import octane_flows as of
from octane_flows.api import OpenWarehouse
from octane_flows.errors import UsageError
from octane_flows.questions import Question, list_questions, parse_parameters
from octane_flows.warehouse import build, load_models
from tests.golden import kit
from tests.pages.api_stub import STUB

QUESTIONS = [*list_questions("flow"), *list_questions("metric"), *list_questions("plan")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release 5 is renamed in the second generation; the warehouse holds that one."""
    folder = tmp_path_factory.mktemp("api")
    release = {"id": "5", "type": "release"}
    kit.write_lake(folder, {"release": [{**release, "name": "2.8"}]})
    later = kit.AS_OF + timedelta(days=1)
    kit.write_lake(folder, {"release": [{**release, "name": "2.8 final"}]}, as_of=later)
    build(folder)
    return folder


@pytest.fixture(scope="module")
def wh(home: Path) -> Iterator[OpenWarehouse]:
    with of.open(home) as opened:
        yield opened


def test_importing_the_package_loads_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import octane_flows; octane_flows.open; "
        "print({name.split('.')[0] for name in set(sys.modules) - before} "
        "- set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "{'octane_flows'}"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_is_a_method_that_answers_as_by_name(
    question: Question, wh: OpenWarehouse
) -> None:
    methods = {"flow": wh.flows, "metric": wh.metrics, "plan": wh.plans}[question.kind]
    by_name = {"flow": wh.flow, "metric": wh.metric, "plan": wh.plan}[question.kind]
    method = getattr(methods, question.slug)
    parameters = inspect.signature(method).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}

    answer = method()

    assert parse_parameters(question, defaults) == parse_parameters(question, question.defaults)
    assert answer.columns == [column.name for column in question.columns]
    assert answer.fetchall() == by_name(question.slug).fetchall()
    assert all(f"{name}: " in (method.__doc__ or "") for name in question.defaults)


def test_the_stub_says_what_the_methods_are(wh: OpenWarehouse) -> None:
    stub = ast.parse(STUB.read_text(encoding="utf-8"))
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    for methods in (wh.flows, wh.metrics, wh.plans):
        written = {
            node.name: node
            for node in classes[type(methods).__name__].body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        }
        assert set(written) == {name for name in dir(methods) if not name.startswith("_")} - {
            "kind"
        }
        for name, node in written.items():
            method = getattr(methods, name)
            defaults = [ast.literal_eval(default) for default in node.args.kw_defaults if default]
            parameters = inspect.signature(method).parameters
            assert [argument.arg for argument in node.args.kwonlyargs] == list(parameters)
            assert defaults == [parameter.default for parameter in parameters.values()]
            assert (ast.get_docstring(node) or "").split() == (method.__doc__ or "").split()


def test_the_questions_list_themselves(wh: OpenWarehouse) -> None:
    flows, metrics = list_questions("flow"), list_questions("metric")

    assert [row[1] for row in wh.flows().fetchall()] == [flow.slug for flow in flows]
    assert [row[0] for row in wh.metrics().fetchall()] == [metric.slug for metric in metrics]


def test_a_method_that_is_not_there_names_the_nearest(wh: OpenWarehouse) -> None:
    with pytest.raises(AttributeError, match="did you mean 'planned_runs'"):
        wh.flows.planed_runs()  # type: ignore[attr-defined]
    assert not hasattr(wh.metrics, "__wrapped__")


def test_mypy_checks_the_parameters(wh: OpenWarehouse) -> None:
    # mypy calls an ignore that hides nothing an error
    with pytest.raises(UsageError, match="write a whole number"):
        wh.flows.modules_with_recent_failures(hours="many")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'hour'"):
        wh.flows.modules_with_recent_failures(hour=24)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="too many positional arguments"):
        wh.flows.modules_with_recent_failures(24)  # type: ignore[call-arg, arg-type]


def test_an_answer_is_a_relation(wh: OpenWarehouse) -> None:
    ready = wh.metric("release_readiness", release_name="2.8*")

    assert isinstance(ready, duckdb.DuckDBPyRelation)
    assert ready.df().release_name.tolist() == ["2.8 final"]
    assert ready.arrow().read_all().column("release_name").to_pylist() == ["2.8 final"]
    assert ready.filter("release_name = '2.8'").fetchall() == []
    assert wh.table("er.releases").columns[:1] == ["workspace_id"]
    assert wh.sql("select $days + 1", days=2).fetchall() == [(3,)]
    assert wh.sql("set threads = 1").fetchall() == []


def test_the_past_is_opened_beside_the_present(
    wh: OpenWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = [model for model in load_models() if model.name == "er.releases"]  # all take longer
    monkeypatch.setattr("octane_flows.warehouse.warehouse_as_of.load_models", lambda: releases)
    name = "select release_name from er.releases"

    with wh.as_of(date(2021, 1, 20)) as then:
        assert then.sql(name).fetchall() == [("2.8",)]
        assert repr(then).endswith("generation 1, as of 2021-01-20 21:00:00 UTC>")
    assert wh.sql(name).fetchall() == [("2.8 final",)]
    assert wh.generations().df().generation.tolist() == [1, 2]
    assert wh.history("release", "5").df().name.tolist() == ["2.8", "2.8 final"]
    named = wh.sql("select name from octane_history.release order by valid_from")
    assert named.fetchall() == [("2.8",), ("2.8 final",)]


def test_the_data_folder_is_that_of_the_command_line(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"There is no warehouse at data/warehouse\.duckdb"):
        of.open()
    Path("octane-flows.toml").write_text(f"home = '{home}'\n")
    with of.open() as from_file:
        assert from_file.home == home
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="set OCTANE_HOME to the folder that has one"):
        of.open()


MISTAKES = [
    (lambda wh: wh.flow("planed_runs"), "did you mean 'planned_runs'"),
    (lambda wh: wh.metric("flaky"), "There is no metric 'flaky'"),
    (lambda wh: wh.flow("planned_runs", hour=1), "has no parameter 'hour'"),
    (
        lambda wh: wh.metric("defect_flow", group_by="owner"),
        "group_by of defect_flow is 'owner'; write one of none, severity, module, release",
    ),
    (lambda wh: wh.table("releases"), "Name the schema too"),
    (lambda wh: wh.table("er.release"), "There is no table er.release"),
    (lambda wh: wh.table("er"), "er is a schema; name one of its tables: er."),
    (lambda wh: wh.table("flow.planned_runs"), "octane-flows flow planned_runs"),
    (lambda wh: wh.table("metric"), "octane-flows metrics"),
    (lambda wh: wh.table("release"), r"such as er\.releases or octane\.release\."),
    (lambda wh: wh.metric("planned_runs"), "but a flow; ask it with 'octane-flows flow"),
    (lambda wh: wh.flow("flaky_tests"), "but a metric; ask it with 'octane-flows metric"),
    (lambda wh: of.open(wh.home / "warehouse.duckdb"), "takes the data folder"),
    (lambda wh: wh.sql("selct 1"), "did not accept this SQL"),
    (lambda wh: wh.sql("create table er.mine (a int)"), "read-only"),
    (lambda wh: wh.as_of("yesterday"), "neither a generation nor a time"),
]


@pytest.mark.parametrize(("ask", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_gets_one_sentence(ask: object, said: str, wh: OpenWarehouse) -> None:
    assert callable(ask)
    with pytest.raises(UsageError, match=said):
        ask(wh)
