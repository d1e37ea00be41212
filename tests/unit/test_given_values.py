"""Values that users write: labels, logins and names are taken, and what no row has is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import octane_flows as of
from octane_flows import warehouse
from octane_flows.actions import make_plan
from octane_flows.cli import app
from octane_flows.errors import ModelError, UsageError
from octane_flows.lake import FieldEntry
from octane_flows.models.header import parse_header
from octane_flows.models.parameter_sources import ValueSource
from octane_flows.questions import (
    Kind,
    PresentInPastWarning,
    UnknownValueWarning,
    Value,
    given_values,
    parse_parameters,
    past_limit,
    question_named,
    run_question,
)
from octane_flows.warehouse import build
from octane_flows.warehouse.user_defined_values import COLUMNS, VIEW
from tests.golden import kit

EPIC, TOPIC, CLUSTER = "21", "31", "1124ba75a369"
HIGH, FAILED = "list_node.severity.high", "list_node.run_status.failed"
OPENED, NATIVE = "phase.defect.opened", "list_node.run_native_status.failed"
ROWS: dict[str, list[dict[str, Any]]] = {
    "list_node": [
        {"id": "11", "type": "list_node", "name": "High", "logical_name": HIGH},
        {"id": "12", "type": "list_node", "name": "Failed", "logical_name": FAILED},
        {"id": "13", "type": "list_node", "name": "Failed", "logical_name": NATIVE},
    ],
    "phase": [
        {"id": "1", "type": "phase", "name": "Opened", "logical_name": OPENED, "entity": "defect"},
        {
            "id": "2",
            "type": "phase",
            "name": "Opened",
            "logical_name": "phase.story.opened",
            "entity": "story",
        },
    ],
    "workspace_user": [
        {"id": "7", "type": "workspace_user", "name": "sam.simulator", "full_name": "Sam S"},
        {"id": "8", "type": "workspace_user", "name": "ann", "full_name": "Twin"},
        {"id": "9", "type": "workspace_user", "name": "bob", "full_name": "Twin"},
    ],
    "release": [
        {"id": "5", "type": "release", "name": "2023.1"},
        {"id": "6", "type": "release", "name": "Caf\u00e9"},
        {"id": "7", "type": "release", "name": "Größe"},
        {"id": "5", "type": "release", "name": "elsewhere", "_workspace_id": "1003"},
    ],
    "product_area": [{"id": "3", "type": "product_area", "name": "Grid"}],
    "defect": [
        {
            "id": "1",
            "type": "defect",
            "name": "Crash",
            "phase_id": "1",
            "severity_id": "11",
        }
    ],
    "epic": [{"id": EPIC, "type": "epic", "subtype": "epic", "name": "Checkout"}],
    "requirement_document": [{"id": TOPIC, "type": "requirement_document", "name": "Law"}],
    "ci_build": [{"id": "41", "type": "ci_build", "name": "#1", "result": "failure"}],
    "run_history": [
        {
            "id": "51",
            "type": "run_history",
            "test_id": 1,
            "run_id": 501,
            "run_native_status_id": NATIVE,
            "run_started": kit.AS_OF.replace(tzinfo=None),
            "error_type": "IOError",
            "error_message": "disk full",
        }
    ],
    "defect__product_areas": [{"source_id": "1", "target_id": "3", "target_type": "product_area"}],
}


#: What the server's metadata names: kinds of items, and their fields.
FIELDS = [
    FieldEntry("1002", entity, "severity", "Severity", "reference", False, False, (), None, 1, 1)
    for entity in ("defect", "story", "test_manual", "test_suite")
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    kit.write_lake(folder, ROWS, fields=FIELDS)
    build(folder)
    shown = {"workspace_id": "1002", "entity_id": "1", "entity_name": "Crash"}
    listed = ", ".join(f"'{shown.get(name, '')}' as {name}" for name in COLUMNS)
    with warehouse.open_file(warehouse.warehouse_path(folder), read_only=False) as opened:
        # the lake of these tests has no user-defined field
        opened.execute(f"create or replace view {VIEW} as select {listed}")
    return folder


@pytest.fixture(scope="module")
def connection(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(home) as opened:
        yield opened


@pytest.mark.parametrize(
    ("slug", "parameter", "given", "taken"),
    [
        ("open_high_severity_defects", "severity_codes", "High", HIGH),
        ("open_high_severity_defects", "severity_codes", f"high, {HIGH}", f"{HIGH},{HIGH}"),
        ("open_high_severity_defects", "phase_codes", "opened", OPENED),
        ("recent_failed_automated_tests", "status_codes", "failed", FAILED),
        ("closed_defects_of_failed_runs", "status_code", NATIVE, NATIVE),
        ("my_new_stories", "user_id", "sam.simulator", "7"),
        ("my_new_stories", "user_id", "Sam S", "7"),
        ("my_new_stories", "user_id", "7", "7"),
        ("my_new_stories", "release_name", "2023*", "2023*"),
        ("my_new_stories", "release_name", "GRÖSSE", "Größe"),
        ("descendants_of_items", "root_ids", f"{EPIC},law", f"{EPIC},{TOPIC}"),
        ("user_defined_field_values", "entity_id", "crash", "1"),
        ("reported_builds", "build_results", "Failure", "Failure"),
        ("my_new_stories", "release_name", " CAFE\u0301 ", "Caf\u00e9"),
        ("open_high_severity_defects", "severity_codes", "High,, ", HIGH),
        ("user_defined_field_values", "field_name", "sever*", "sever*"),
        ("planned_runs", "test_types", "Test_Manual , test_suite", "Test_Manual,test_suite"),
        ("stories_with_completed_tasks", "work_item_types", "story", "story"),
    ],
)
def test_labels_logins_and_names_are_taken_for_codes_and_ids(
    connection: duckdb.DuckDBPyConnection, slug: str, parameter: str, given: str, taken: str
) -> None:
    values, unknown = given_values(connection, question_named("flow", slug), {parameter: given})

    assert (values, unknown) == ({parameter: taken}, ())


def test_the_label_gives_the_rows_of_its_code(connection: duckdb.DuckDBPyConnection) -> None:
    flow = question_named("flow", "open_high_severity_defects")
    values, _ = given_values(connection, flow, {"severity_codes": "High", "phase_codes": "Opened"})

    assert run_question(connection, flow, values)["defect_id"].to_pylist() == ["1"]


@pytest.mark.parametrize(
    ("slug", "parameter", "given", "nearest"),
    [
        ("open_high_severity_defects", "severity_codes", "Hihg", HIGH),
        ("my_new_stories", "user_id", "sam.simulatr", "7"),
        ("my_new_stories", "release_name", "2023", "2023.1"),
        ("open_high_severity_defects", "application_module_name", "Gird", "Grid"),
        ("planned_runs", "test_types", "tset_manual", "test_manual"),
        ("stories_with_completed_tasks", "work_item_types", "storys", "story"),
        ("user_defined_field_values", "field_name", "risk_udf", "severity"),
        ("user_defined_field_values", "entity_type", "defects", "defect"),
        ("user_defined_field_values", "entity_id", "999", "1"),
        ("descendants_of_items", "root_ids", "219", EPIC),
        ("descendants_of_items", "root_ids", "319", TOPIC),
        ("reported_builds", "build_results", "failed", "failure"),
    ],
)
def test_what_no_row_has_is_told_with_its_nearest(
    connection: duckdb.DuckDBPyConnection, slug: str, parameter: str, given: str, nearest: str
) -> None:
    flow = question_named("flow", slug)
    values, (unknown,) = given_values(connection, flow, {parameter: given})
    [(word, told, _)] = connection.execute(
        f"from er.unknown_values('flow.{slug}', '{parameter}', '{given}')"
    ).fetchall()

    assert values == {parameter: given}
    assert (unknown.value, unknown.nearest[0]) == (given, nearest)
    assert (word, told[0]) == (given, nearest)
    assert given in unknown.sentence
    assert nearest in unknown.sentence


def test_a_list_names_each_value_that_no_row_has(connection: duckdb.DuckDBPyConnection) -> None:
    flow = question_named("flow", "descendants_of_items")

    values, unknown = given_values(connection, flow, {"root_ids": f"{EPIC},998,Law,-1"})

    assert values == {"root_ids": f"{EPIC},998,{TOPIC},-1"}
    assert {each.value for each in unknown} == {"998", "-1"}


def test_a_cluster_that_no_failure_has_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    plan = question_named("plan", "triage")

    _, unknown = given_values(connection, plan, {"cluster_ids": f"{CLUSTER},1124ba75a36"})
    _, elsewhere = given_values(connection, plan, {"cluster_ids": CLUSTER, "workspace_id": "1003"})

    assert [(each.value, each.nearest) for each in unknown] == [("1124ba75a36", (CLUSTER,))]
    # there is no failure at all, which says nothing of clusters
    assert [each.parameter for each in elsewhere] == ["workspace_id"]


@pytest.mark.parametrize("workspace", ["null", "'1002'"])
def test_sql_tells_words_of_our_own_too(
    connection: duckdb.DuckDBPyConnection, workspace: str
) -> None:
    rows = connection.execute(
        "select unknown_value, nearest_values[1] from er.unknown_values("
        f"'metric.test_states', 'state_codes', 'flaky,flakey', in_workspace := {workspace})"
    ).fetchall()

    assert rows == [("flakey", "flaky")]


def test_a_name_of_two_users_is_no_id(connection: duckdb.DuckDBPyConnection) -> None:
    flow = question_named("flow", "my_new_stories")

    _, (unknown,) = given_values(connection, flow, {"user_id": "Twin"})

    assert unknown.nearest == ("8", "9")
    assert "several" in unknown.sentence


def test_a_value_of_another_workspace_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    flow = question_named("flow", "my_new_stories")
    given: dict[str, Value] = {"release_name": "elsewhere", "workspace_id": "1002"}

    _, (unknown,) = given_values(connection, flow, given)
    _, anywhere = given_values(connection, flow, {"release_name": "elsewhere"})

    assert (unknown.value, anywhere) == ("elsewhere", ())
    assert "elsewhere" not in unknown.nearest


@pytest.mark.parametrize("given", [",", " , ,"])
def test_a_list_of_nothing_is_refused(connection: duckdb.DuckDBPyConnection, given: str) -> None:
    flow = question_named("flow", "open_high_severity_defects")

    with pytest.raises(UsageError, match="names nothing; write values with commas"):
        given_values(connection, flow, {"severity_codes": given})


@pytest.mark.parametrize(
    ("kind", "slug", "parameter"),
    [
        ("metric", "triage", "failure_states"),
        ("metric", "clustered_failures", "failure_states"),
        ("metric", "test_states", "state_codes"),
        ("plan", "triage", "failure_states"),
        ("plan", "triage", "parts"),
        ("flow", "descendants_of_items", "tree"),
    ],
)
def test_words_of_our_own_are_checked(kind: Kind, slug: str, parameter: str) -> None:
    question = question_named(kind, slug)
    default = question.defaults[parameter] or next(
        each.list_choices[0] for each in question.parameters if each.name == parameter
    )

    assert parse_parameters(question, {parameter: default}) == {parameter: default}
    with pytest.raises(UsageError, match=f"{parameter} of {slug} .*'other'; write (one|some) of"):
        parse_parameters(question, {parameter: "other"})


def test_a_relation_without_rows_says_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    flow = question_named("flow", "my_opened_defects_to_test")

    assert given_values(connection, flow, {"sprint_name": "any"}) == ({"sprint_name": "any"}, ())


def test_the_command_warns_and_strict_refuses(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(home))
    asked = ["flow", "open_high_severity_defects", "--param", "severity_codes=Hihg"]

    told = CliRunner().invoke(app, asked)
    refused = CliRunner().invoke(app, [*asked, "--strict"])

    assert told.exit_code == 0
    assert "severity_codes 'Hihg' is in no row of the warehouse" in told.stderr
    assert HIGH in told.stderr
    assert isinstance(refused.exception, UsageError)
    assert HIGH in str(refused.exception)


def test_python_warns(home: Path) -> None:
    with of.open(home) as opened, pytest.warns(UnknownValueWarning, match="2023.1"):
        assert opened.flow("my_new_stories", release_name="2023").fetchall() == []


def test_every_parameter_that_names_rows_has_a_source(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = connection.execute(
        "select distinct parameter from meta.parameters where source is null and type = 'text' "
        "and question not like 'plan.%' "
        "and regexp_matches(parameter, '_(name|codes?|ids?|results|types?)$')"
    ).fetchall()

    assert rows == []


def test_a_header_gives_a_parameter_its_source() -> None:
    text = (
        "-- Which?\n-- grain: a row\n-- key: a\n-- order: a\n"
        "-- param: tester text = null -- login\n"
        "-- values: tester = er.users.user_id, user_name, email\n"
    )
    header = parse_header(text, schema="flow", where="f.sql")

    source = ValueSource("er.users", "user_id", ("user_name", "email"))
    assert header.values == (("tester", source),)
    with pytest.raises(ModelError, match="no parameter"):
        parse_header(text.replace("values: tester", "values: other"), schema="flow", where="f.sql")
    with pytest.raises(ModelError, match="where values come from"):
        parse_header(text.replace("er.users.user_id", "users"), schema="flow", where="f.sql")


def test_an_answer_about_the_past_says_what_is_of_now(
    home: Path, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = question_named("metric", "release_readiness")
    day = "2021-01-10"
    sentence = past_limit(connection, question, {"as_of": day})
    monkeypatch.setenv("OCTANE_HOME", str(home))
    command = ["metric", "release_readiness", "--param"]
    told, silent = (
        CliRunner().invoke(app, [*command, f"as_of={moment}"]) for moment in (day, "2031-01-10")
    )

    assert sentence is not None
    assert sentence.startswith("as_of 2021-01-10T00:00:00 is before this warehouse, and in ")
    assert "'octane-flows metric release_readiness --as-of 2021-01-10T00:00:00'" in sentence
    assert (told.exit_code, " ".join(told.stderr.split())) == (0, f"warning {sentence}")
    assert (silent.exit_code, silent.stderr) == (0, "")
    assert past_limit(connection, question, {}) is None
    assert past_limit(connection, question_named("metric", "burn_up"), {"as_of": day}) is None
    with of.open(home) as opened, pytest.warns(PresentInPastWarning, match="last runs"):
        opened.metrics.release_readiness(as_of=day)


def test_a_plan_with_an_empty_value_that_makes_no_request_is_refused(home: Path) -> None:
    with (
        warehouse.connect(home) as opened,
        pytest.raises(UsageError, match="request that cannot be sent"),
    ):
        make_plan(
            opened,
            "work_items_without_test_task",
            {"work_item_types": "defect", "task_type_code": ""},
        )


def test_a_plan_takes_labels_and_keeps_what_they_stand_for(home: Path) -> None:
    with warehouse.connect(home) as opened:
        made = make_plan(opened, "my_gherkin_tests_to_automate", {"user_id": "sam.simulator"})

    assert made.plan.parameters == {"user_id": "7"}
    assert made.warnings == ()


def test_a_plan_that_would_send_a_code_of_no_row_is_refused(home: Path) -> None:
    defects = {"work_item_types": "defect"}
    with warehouse.connect(home) as opened:
        slug = "work_items_without_test_task"
        whole = make_plan(opened, slug, defects)
        with pytest.raises(UsageError, match=r"task_type_code 'zzz' .* no plan was made"):
            make_plan(opened, slug, {**defects, "task_type_code": "zzz"})
        nothing = make_plan(opened, slug, {**defects, "release_name": "zzz"})

    assert len(whole.plan.requests) == 1
    assert nothing.plan.requests == ()
    assert [warning.split(";")[0] for warning in nothing.warnings] == [
        "release_name 'zzz' is in no row of the warehouse, so that it finds nothing, unless it "
        "names something new"
    ]
