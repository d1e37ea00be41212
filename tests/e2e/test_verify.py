"""Every flow against its documented REST requests: made-up workspaces, drawn parameters."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from octane_flows import refresh, warehouse
from octane_flows.cli import app
from octane_flows.config import Settings, load_settings
from octane_flows.errors import UsageError
from octane_flows.flows import Flow, flow_named, list_flows, parity
from octane_flows.octane import Octane, Workspace, field
from octane_flows.simulator import Simulator, serve
from octane_flows.simulator.server import Running
from octane_flows.warehouse import load_models
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
}
BOOLEANS = ("true", "false")


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(dataset="generated", seed=5, workspaces=WORKSPACES, runs=RUNS)


@pytest.fixture(scope="module")
def server(simulator: Simulator) -> Iterator[Running]:
    with serve(simulator) as running:
        yield running


@pytest.fixture(scope="module")
def environment(server: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = environment_of(server, tmp_path_factory.mktemp("verify"))
    return {**found, "OCTANE_WORKSPACES": ",".join(WORKSPACES)}


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    found = load_settings(environment)
    with Octane(found) as opened:
        for workspace in WORKSPACES:
            fill_a_user_defined_field(opened.workspace(workspace))
    refresh.extract(found)
    models = [model for model in load_models() if model.schema in ("er", "flow")]
    warehouse.build(found.home, models=models)
    return found


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
    flow: Flow, dice: random.Random, connection: duckdb.DuckDBPyConnection, workspace: str
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


@pytest.mark.parametrize("flow", list_flows(), ids=lambda flow: flow.slug)
def test_a_flow_names_the_ids_that_its_documented_requests_give(
    flow: Flow, octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    seen = 0
    for workspace in WORKSPACES:
        dice = random.Random(f"{flow.slug}/{workspace}")
        asked: list[dict[str, str]] = [{}]
        asked += [draw(flow, dice, connection, workspace) for _ in range(DRAWS)]
        for params in asked:
            found = parity.verify_flow(octane.workspace(workspace), connection, flow, params)
            assert found.status == "equal", (params, found.message, found.differences[:3])
            seen += found.octane_count or 0

    assert seen, "only empty answers, which prove nothing"


@pytest.fixture
def new_story(octane: Octane) -> Iterator[str]:
    """A story that was made after the extract, owned by who is signed in."""
    workspace = octane.workspace("1003")
    me = octane.current_user()
    assert me is not None
    found = workspace.page("workspace_users", fields=["id"], query=field("name").eq(me.name))
    root = workspace.page("work_item_roots", fields=["id"]).rows[0]
    story = {
        "name": "After the extract",
        "phase": {"type": "phase", "id": "phase.story.new"},
        "owner": {"type": "workspace_user", "id": found.rows[0]["id"]},
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
    exit_code, found = call(environment, "my_new_stories", "planned_runs")

    assert exit_code == 0
    assert [(one["slug"], one["workspace_id"]) for one in found] == [
        ("my_new_stories", "1002"),
        ("planned_runs", "1002"),
        ("my_new_stories", "1003"),
        ("planned_runs", "1003"),
    ]
    assert {one["status"] for one in found} == {"equal"}
    assert all(one["octane_count"] == one["warehouse_count"] for one in found)
    assert found[0]["requests"][0]["collection"] == "stories"


def test_what_changed_since_the_extract_is_a_difference_with_its_reason(
    settings: Settings, environment: dict[str, str], new_story: str
) -> None:
    exit_code, found = call(environment, "my_new_stories")
    accepted, _ = call(environment, "my_new_stories", "--accept-changes")

    assert (exit_code, accepted) == (1, 0)
    assert [one["status"] for one in found] == ["equal", "changed"]
    assert [(one["id"], one["only_in"], one["reason"]) for one in found[1]["differences"]] == [
        (new_story, "octane", "changed")
    ]


def test_the_table_says_why(
    settings: Settings, environment: dict[str, str], new_story: str
) -> None:
    done = CliRunner().invoke(app, ["verify", "my_new_stories"], env=environment)

    assert done.exit_code == 1
    assert f"{new_story} only in octane: changed" in done.stdout
    assert "2 comparisons: 1 equal, 1 changed" in done.stdout


def test_a_parameter_that_no_flow_has_is_refused(
    octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(UsageError, match="did you mean 'release_name'"):
        list(parity.verify(octane, connection, ["planned_runs"], {"releasename": "1"}))


def test_too_many_rows_are_not_read_from_a_live_server(
    octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    flow = flow_named("release_runs_with_environments")
    found = parity.verify_flow(octane.workspace("1002"), connection, flow, {}, most=10)

    assert found.status == "not compared"
    assert f"{RUNS} runs" in found.message


def test_a_role_that_may_not_read_is_told_from_an_empty_answer(
    simulator: Simulator, octane: Octane, connection: duckdb.DuckDBPyConnection
) -> None:
    simulator.faults.refuse("defect")
    try:
        flow = flow_named("open_high_severity_defects")
        found = parity.verify_flow(octane.workspace("1002"), connection, flow, {})
    finally:
        simulator.faults.allow("defect")

    assert found.status == "refused"
    assert "role" in found.message
