"""Every flow against its documented REST requests: made-up workspaces, drawn parameters."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from octane_flows import parity, refresh, warehouse
from octane_flows.cli import app
from octane_flows.client import Octane, Workspace, field
from octane_flows.config import Settings, load_settings
from octane_flows.errors import UsageError
from octane_flows.parity.comparison_record import RECORD_FILE, read_comparisons
from octane_flows.questions import Question, list_questions, question_named, run_question
from octane_flows.reports.report_page import render
from octane_flows.warehouse import load_models
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of

WORKSPACES = ("1002", "1003")
RUNS = 300
DRAWS = 5
#: Parameter -> SQL of values worth asking for, in one workspace ($workspace); others keep defaults.
POOLS = {
    "user_id": "select user_id from er.users where workspace_id = $workspace",
    "run_by_user_id": "select user_id from er.users where workspace_id = $workspace",
    "release_name": "select unnest([release_name, upper(release_name), release_name[:4] || '*']) "
    "from er.releases where workspace_id = $workspace",
    "sprint_name": "select unnest([sprint_name, 'sprint*']) from er.sprints "
    "where workspace_id = $workspace",
    "sprint_id": "select sprint_id from er.sprints where workspace_id = $workspace",
    "phase_codes": "select string_agg(phase_code, ', ') from er.phases where workspace_id = "
    "$workspace and entity_type in ('story', 'defect') group by phase_label",
    "severity_codes": "select unnest(['list_node.severity.high', '', "
    "'list_node.severity.urgent,list_node.severity.very_high,list_node.severity.medium'])",
    "priority_codes": "select unnest(['', 'list_node.priority.high,list_node.priority.low'])",
    "status_codes": "select unnest(['list_node.run_status.passed', "
    "'list_node.run_status.failed,list_node.run_status.requires_attention'])",
    "automation_status_codes": "select distinct automation_status_code from er.tests "
    "where workspace_id = $workspace and automation_status_code is not null",
    "test_types": "select unnest(['test_manual', 'gherkin_test,test_suite', 'test_manual, "
    "gherkin_test'])",
    "user_tag_name": "select unnest([user_tag_name, user_tag_name[:1] || '*', '*']) "
    "from er.user_tags where workspace_id = $workspace",
    "application_module_name": "select unnest([application_module_name, "
    "application_module_name[:3] || '*', '*']) from er.application_modules "
    "where workspace_id = $workspace",
    "environment_category_name": "select environment_category_name from er.environments "
    "where workspace_id = $workspace",
    "environment_name": "select unnest([environment_name, lower(environment_name[:2]) || '*']) "
    "from er.environments where workspace_id = $workspace",
    "hours": "select unnest([1, 24, 240, 2400, 24000])",
    "days": "select unnest([3, 30, 300])",
    "as_of": "select unnest(['2026-06-30T18:00:00Z', '2026-03-01', '2025-01-01'])",
    "since": "select unnest(['2026-06-01', '2025-06-01', '2024-01-01'])",
    "until": "select unnest(['2026-06-30T12:00:00Z', '2026-01-01'])",
    "status_code": "select unnest(['list_node.run_status.failed', 'list_node.run_status.passed', "
    "'list_node.run_native_status.failed'])",
    "test_id": "select unnest([test_id, '1']) from er.runs where workspace_id = $workspace",
    "test_name": "select unnest([test_name, test_name[:3] || '*']) from er.tests "
    "where workspace_id = $workspace and test_type = 'test_manual'",
    "file_name": "select unnest([file_name, '*' || file_name[-4:]]) from er.attachments "
    "where workspace_id = $workspace",
    "run_id": "select run_id from er.previous_runs where workspace_id = $workspace",
    "build_id": "select build_id from er.runs where workspace_id = $workspace "
    "and build_id is not null",
    "pipeline_name": "select unnest([pipeline_name, pipeline_name[:4] || '*']) from er.pipelines "
    "where workspace_id = $workspace",
    "pipeline_id": "select pipeline_id from er.pipelines where workspace_id = $workspace",
    "owner_user_id": "select user_id from er.users where workspace_id = $workspace",
    "test_suite_id": "select test_id from er.tests where workspace_id = $workspace "
    "and test_type = 'test_suite'",
    "test_suite_name": "select unnest([test_name, test_name[:5] || '*']) from er.tests "
    "where workspace_id = $workspace and test_type = 'test_suite'",
    "covered_work_item_id": "select work_item_id from er.test_work_items "
    "where workspace_id = $workspace",
    "work_item_types": "select unnest(['story', 'story,quality_story', 'story, defect'])",
    "child_types": "select unnest(['story', 'story,defect', 'story,quality_story,defect'])",
    "task_type_code": "select unnest(['list_node.task_item_type.test', "
    "'list_node.task_item_type.develop'])",
    "entity_type": "select unnest(['defect', 'story'])",
    "field_name": "select unnest(['*', 'tested*', 'risk_udf'])",
    "entity_id": "select defect_id from er.defects where workspace_id = $workspace",
    "root_ids": "select work_item_id from er.work_items where workspace_id = $workspace "
    "and work_item_type in ('epic', 'feature', 'story')",
    "max_depth": "select unnest([0, 1, 2])",
}
BOOLEANS = ("true", "false")


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    made = Simulator(dataset="generated", seed=5, workspaces=WORKSPACES, runs=RUNS)
    made.add_field("defect", "tested_on_udf", "string")
    made.add_field("defect", "risk_udf", "reference", list_root="list_node.severity")
    made.add_field("story", "reviewers_udf", "reference", targets=["workspace_user"], multiple=True)
    made.add_field("test_manual", "rig_udf", "string")  # its collection is no plural of its name
    me = {"type": "workspace_user", "id": "1001"}
    for workspace in made.workspaces.values():
        store = workspace.store
        for (id,) in store.read("SELECT id FROM work_item WHERE type = 'defect' LIMIT 7"):
            risk = {"type": "list_node", "id": "list_node.severity.high"} if id % 2 else None
            store.update("defect", str(id), {"tested_on_udf": f"board {id}", "risk_udf": risk})
        for (id,) in store.read("SELECT id FROM work_item WHERE type = 'story' LIMIT 3"):
            store.update("story", str(id), {"reviewers_udf": [me]})
        for (id,) in store.read("SELECT id FROM test WHERE type = 'test_manual' LIMIT 2"):
            store.update("test_manual", str(id), {"rig_udf": f"rig {id}"})
    return made


@pytest.fixture(scope="module")
def server(simulator: Simulator) -> Iterator[Running]:
    with serve(simulator) as running:
        yield running


@pytest.fixture(scope="module")
def environment(server: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    variables = environment_of(server, tmp_path_factory.mktemp("verify"))
    return {**variables, "OCTANE_WORKSPACES": ",".join(WORKSPACES)}


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    loaded = load_settings(environment)
    with Octane(loaded) as opened:
        for workspace in WORKSPACES:
            fill_a_user_defined_field(opened.workspace(workspace))
    refresh.update_lake(loaded)
    models = [model for model in load_models() if model.schema in ("er", "flow")]
    warehouse.build(loaded.home, models=models)
    return loaded


def fill_a_user_defined_field(workspace: Workspace) -> None:
    definition = {"type": "field_metadata", "subtype": "field_metadata_boolean"}
    name = "post_release_udf"
    row = {**definition, "entity_type": "defect", "name": name, "label": "Post Release"}
    workspace.create("metadata_fields", [row])
    defects = workspace.page("defects", fields=["id"], limit=3).rows
    workspace.update("defects", [{"id": defect["id"], name: True} for defect in defects])


@pytest.fixture
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(settings.home) as opened:
        yield opened


@pytest.fixture
def octane(settings: Settings) -> Iterator[Octane]:
    with Octane(settings) as opened:
        yield opened


def draw(
    flow: Question, dice: random.Random, connection: duckdb.DuckDBPyConnection, workspace: str
) -> dict[str, str]:
    """Values for some of the flow's parameters, such as a user of this workspace would ask for."""
    drawn: dict[str, str] = {}
    for parameter in flow.parameters:
        if parameter.type == "boolean":
            drawn[parameter.name] = dice.choice(BOOLEANS)
        elif parameter.name == "user_id" or (parameter.name in POOLS and dice.random() < 0.4):
            sql = POOLS[parameter.name]
            given = {"workspace": workspace} if "$workspace" in sql else {}
            values = sorted(str(row[0]) for row in connection.execute(sql, given).fetchall())
            drawn[parameter.name] = dice.choice(values)
    return drawn


@pytest.mark.parametrize("flow", list_questions("flow"), ids=lambda flow: flow.slug)
def test_a_flow_names_the_ids_that_its_documented_requests_give(
    flow: Question, octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    seen = 0
    for workspace in WORKSPACES:
        dice = random.Random(f"{flow.slug}/{workspace}")
        drawn: list[dict[str, str]] = [{}]
        drawn += [draw(flow, dice, connection, workspace) for _ in range(DRAWS)]
        for params in drawn:
            verification = parity.verify_flow(octane.workspace(workspace), connection, flow, params)
            assert verification.status == "equal", (
                params,
                verification.message,
                verification.differences[:3],
            )
            seen += verification.octane_count or 0

    assert seen, "only empty answers, which prove nothing"


def test_the_workspaces_of_a_flow_are_the_parts_of_the_whole(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told_of: set[str] = set()
    for flow in list_questions("flow"):
        whole = run_question(connection, flow).to_pylist()
        for workspace in WORKSPACES:
            part = run_question(connection, flow, {"workspace_id": workspace}).to_pylist()
            assert part == [row for row in whole if row["workspace_id"] == workspace], flow.slug
            told_of |= {f"{flow.slug} {workspace}"} if part else set()

    answers = 2 * len(list_questions("flow"))
    assert len(told_of) > answers * 0.7, "too many empty answers to prove anything"


@pytest.fixture
def new_story(octane: Octane) -> Iterator[str]:
    """A story that was made after the extract, owned by who is signed in."""
    workspace = octane.workspace("1003")
    me = octane.current_user()
    assert me is not None
    users = workspace.page("workspace_users", fields=["id"], query=field("name").eq(me.name))
    root = workspace.page("work_item_roots", fields=["id"]).rows[0]
    story = {
        "name": "After the extract",
        "phase": {"type": "phase", "id": "phase.story.new"},
        "owner": {"type": "workspace_user", "id": users.rows[0]["id"]},
        "parent": {"type": "work_item_root", "id": root["id"]},
    }
    id = str(workspace.create("stories", [story])[0]["id"])
    yield id
    workspace.delete("stories", id)


def call(environment: dict[str, str], *arguments: str) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["verify", "--json", *arguments], env=environment)
    return done.exit_code, json.loads(done.stdout)


def test_the_command_says_equal_for_machines(
    settings: Settings, environment: dict[str, str]
) -> None:
    exit_code, records = call(environment, "my_new_stories", "planned_runs")

    assert exit_code == 0
    assert [(record["slug"], record["workspace_id"]) for record in records] == [
        ("my_new_stories", "1002"),
        ("planned_runs", "1002"),
        ("my_new_stories", "1003"),
        ("planned_runs", "1003"),
    ]
    assert {record["status"] for record in records} == {"equal"}
    assert all(record["octane_count"] == record["warehouse_count"] for record in records)
    assert records[0]["requests"][0]["collection"] == "stories"


def test_what_changed_since_the_extract_is_a_difference_with_its_reason(
    settings: Settings, environment: dict[str, str], new_story: str
) -> None:
    exit_code, records = call(environment, "my_new_stories")
    accepted, _ = call(environment, "my_new_stories", "--accept-changes")

    assert (exit_code, accepted) == (1, 0)
    assert [record["status"] for record in records] == ["equal", "changed"]
    assert [
        (record["id"], record["only_in"], record["reason"]) for record in records[1]["differences"]
    ] == [(new_story, "octane", "changed")]


def test_one_workspace_can_be_asked_alone(settings: Settings, environment: dict[str, str]) -> None:
    exit_code, records = call(environment, "planned_runs", "--param", "workspace_id=1003")

    assert exit_code == 0
    assert [(record["workspace_id"], record["status"]) for record in records] == [("1003", "equal")]


def test_the_report_tells_when_it_was_compared_and_what_differs(
    settings: Settings, environment: dict[str, str], new_story: str
) -> None:
    with warehouse.connect(settings.home) as connection:
        before = [record["slug"] for record in told(settings.home, connection)]
        call(environment, "planned_runs", "--param", "release_name=*")
        assert [record["slug"] for record in told(settings.home, connection)] == before

        call(environment, "my_new_stories")
        after = told(settings.home, connection)
        page = render(connection, settings.home)

    mine = [record for record in after if record["slug"] == "my_new_stories"]
    assert [(record["workspace_id"], record["status"]) for record in mine] == [
        ("1002", "equal"),
        ("1003", "changed"),
    ]
    assert mine[0]["compared_at"].endswith("+00:00")
    assert "1 only in Octane, 0 only in the warehouse: 1 changed" in page
    for workspace in ("1002", "1003"):  # each has pages of its own behind the overview
        assert f'<article class="page" id="today-{workspace}"' in page
        assert f'id="planned_runs-{workspace}"' in page
    assert '<article class="page" id="overview"' in page
    assert read_comparisons(settings.home, generation=99) == []


def told(home: Path, connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    ((generation,),) = connection.sql("select generation from meta.generation").fetchall()
    return read_comparisons(home, generation)


def test_the_table_says_why(
    settings: Settings, environment: dict[str, str], new_story: str
) -> None:
    done = CliRunner().invoke(app, ["verify", "my_new_stories"], env=environment)

    assert done.exit_code == 1
    assert f"{new_story} only in octane: changed" in done.stdout
    assert "2 comparisons: 1 equal, 1 changed" in done.stdout


def test_who_may_only_read_the_data_folder_can_compare(
    settings: Settings, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = settings.home / RECORD_FILE
    before = record.read_bytes() if record.exists() else None
    monkeypatch.setattr("octane_flows.cli.verify_command.os.access", lambda *_: False)

    done = CliRunner().invoke(app, ["verify", "my_new_stories"], env=environment)

    assert done.exit_code == 0, done.stderr
    assert "the data folder may only be read" in done.stderr
    assert "equal" in done.stdout
    assert (record.read_bytes() if record.exists() else None) == before


def test_a_parameter_that_no_flow_has_is_refused(
    octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(UsageError, match="did you mean 'release_name'"):
        list(parity.verify(octane, connection, ["planned_runs"], {"releasename": "1"}))


def test_too_many_rows_are_not_read_from_a_live_server(
    octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    flow = question_named("flow", "release_runs_with_environments")
    verification = parity.verify_flow(octane.workspace("1002"), connection, flow, {}, most=10)

    assert verification.status == "not compared"
    assert f"{RUNS} runs" in verification.message


def test_a_role_that_may_not_read_is_told_from_an_empty_answer(
    simulator: Simulator, octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    simulator.faults.refuse("defect")
    try:
        flow = question_named("flow", "open_high_severity_defects")
        verification = parity.verify_flow(octane.workspace("1002"), connection, flow, {})
    finally:
        simulator.faults.allow("defect")

    assert verification.status == "refused"
    assert "role" in verification.message


def test_values_that_changed_since_the_extract_are_told_with_both(
    settings: Settings, environment: dict[str, str], octane: Octane
) -> None:
    _, before = call(environment, "planned_runs", "--param", "workspace_id=1003")
    assert before[0]["compared"].startswith("ids, and of ")
    assert "release_name" in before[0]["compared"]
    workspace = octane.workspace("1003")
    run = workspace.page(
        "runs",
        fields=["name"],
        query="status EQ {logical_name EQ "
        "^list_node.run_status.planned^};test EQ {subtype EQ ^test_manual^}",
        limit=1,
    ).rows[0]
    workspace.update_one("manual_runs", str(run["id"]), {"name": "Renamed"})
    try:
        _, quick = call(environment, "planned_runs", "--param", "workspace_id=1003")
        _, deep = call(environment, "planned_runs", "--param", "workspace_id=1003", "--deep")
    finally:
        workspace.update_one("manual_runs", str(run["id"]), {"name": run["name"]})

    detail = f"run_name is 'Renamed' in Octane and {run['name']!r} in the warehouse"
    [difference] = quick[0]["differences"]
    assert (difference["id"], difference["only_in"]) == (str(run["id"]), "neither")
    assert (difference["reason"], difference["detail"]) == ("changed", detail)
    [difference] = deep[0]["differences"]
    assert (difference["id"], difference["reason"]) == (str(run["id"]), "related changed")
    assert difference["detail"].startswith(f"{detail}; ")
    assert (quick[0]["status"], deep[0]["status"]) == ("changed", "changed")


def test_deep_compares_all_columns_of_every_flow(
    settings: Settings, environment: dict[str, str]
) -> None:
    done = CliRunner().invoke(
        app, ["verify", "--deep", "--json", "--param", "workspace_id=1002"], env=environment
    )
    records = json.loads(done.stdout)

    assert len(records) == len(list_questions("flow"))
    assert [
        (record["slug"], record["differences"]) for record in records if record["differences"]
    ] == []
    assert done.exit_code == 0
    words = {record["slug"]: record["compared"] for record in records}
    assert "failed_test_names" in words["modules_with_recent_failures"]
    assert words["descendants_of_items"].startswith("ids, and of ")
