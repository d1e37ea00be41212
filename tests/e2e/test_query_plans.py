"""Plans from queries, and plans without requests: what the user is shown, asked and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import octane_flows
from octane_flows import warehouse
from octane_flows.actions import (
    Plan,
    make_plan,
    plan_from_query,
    read_plan,
    undo_plan,
    write_plan,
)
from octane_flows.cli import app
from octane_flows.errors import UsageError
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import World, environment_of, open_world, phase

DEFECTS = "select 'defect' as entity_type, defect_id as id"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    simulator = Simulator(dataset="empty", seed=3)
    simulator.add_field("defect", "rig_udf", "string")
    with serve(simulator) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(server, tmp_path_factory.mktemp("queries")) as made:
        root = {"type": "work_item_root", "id": "1001"}
        for name in ("a", "b", "c"):
            made.create("defects", name, parent=root, phase=phase("defect.new"), rig_udf="bench")
        for name in ("x", "y"):
            made.create("user_tags", name)
        made.rebuild()
        yield made


def planned(world: World, sql: str) -> Plan:
    with warehouse.connect(world.settings.home) as connection:
        return plan_from_query(connection, sql).plan


def ids_of(world: World, *names: str) -> str:
    return ", ".join(f"'{world.ids[name]}'" for name in names)


def test_a_query_sets_fields_of_every_kind_once_and_is_undone(world: World, tmp_path: Path) -> None:
    tags = f"[{ids_of(world, 'x', 'y')}]"
    sql = (
        f"{DEFECTS}, 'list_node.severity.high' as severity, '1001' as owner_id, "
        f"{tags} as user_tags, 'ward' as rig_udf, 'as agreed' as reason from er.defects "
        f"where defect_id in ({ids_of(world, 'a', 'b')}) order by id"
    )
    plan = planned(world, sql)
    write_plan(plan, tmp_path / "plan.json")
    plan = read_plan(tmp_path / "plan.json")
    assert [request.entity_id for request in plan.requests] == [world.ids["a"], world.ids["b"]]
    assert plan.requests[0].reason == "as agreed"
    assert plan.requests[0].expected == {
        "fields": {"severity": None, "owner": None, "user_tags": {"data": []}, "rig_udf": "bench"}
    }
    world.workspace.update_one("defects", world.ids["b"], {"rig_udf": "theirs"})

    verdicts = world.apply(plan)

    assert [(verdict.outcome, verdict.detail) for verdict in verdicts] == [
        ("done", ""),
        ("changed", "since the plan was made: rig_udf is theirs"),
    ]
    fields = ["severity", "owner", "user_tags", "rig_udf"]
    read = world.workspace.entity("defects", world.ids["a"], fields=fields)
    assert (read["owner"]["id"], read["rig_udf"]) == ("1001", "ward")
    assert read["user_tags"]["total_count"] == 2
    assert [verdict.outcome for verdict in world.apply(plan)] == ["already", "changed"]

    undo = undo_plan(world.audit, world.audit.read()[-1]["apply"]).plan
    assert undo.requests == ()  # the second apply sent nothing
    first = world.audit.read()[0]["apply"]
    assert [verdict.outcome for verdict in world.apply(undo_plan(world.audit, first).plan)] == [
        "done"
    ]
    read = world.workspace.entity("defects", world.ids["a"], fields=fields)
    assert (read["severity"], read["owner"], read["rig_udf"]) == (None, None, "bench")
    assert read["user_tags"]["total_count"] == 0


def test_what_is_so_already_needs_no_request(world: World) -> None:
    plan = planned(world, f"{DEFECTS}, 'bench' as rig_udf, defect_name as name from er.defects")

    assert plan.requests == ()


def test_what_the_settings_do_not_list_is_not_written(world: World) -> None:
    plan = planned(world, f"{DEFECTS}, 'ward' as rig_udf from er.defects limit 1")
    lines = len(world.audit.read())

    with pytest.raises(UsageError, match=r"writes defect\.rig_udf, and OCTANE_QUERY_WRITES allows"):
        world.apply(plan, query_writes=("story", "defect.severity"))
    assert len(world.audit.read()) == lines
    tags = "select 'user_tag' as entity_type, user_tag_id as id, 'z' as name from er.user_tags"
    with pytest.raises(UsageError, match=r"writes user_tag\.name"):
        world.apply(planned(world, tags))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("drop table octane.defect", "A query is one select"),
        ("select 'x' as rig_udf from er.defects", "has no id"),
        ("select defect_id as id, 'x' as rig_udf from er.defects", "has no entity_type"),
        (f"{DEFECTS} from er.defects", "selects no field to set"),
        (f"{DEFECTS}, 'x' as rig_uf from er.defects", "did you mean 'rig_udf'"),
        (f"{DEFECTS}, 7 as rig_udf from er.defects", "the field is a text"),
        (f"{DEFECTS}, current_date as creation_time from er.defects", "the server alone writes"),
        (f"{DEFECTS}, 'x' as rig_udf from er.defects, range(2)", "two rows for defect"),
        (f"{DEFECTS}, 'x' as rig_udf, 'y' as rig_udf from er.defects", "several columns rig_udf"),
        (f"{DEFECTS}, 'list_node.x' as severity from er.defects", "There is no list_node"),
        (f"{DEFECTS}, 'nobody' as owner from er.defects", "There is no workspace_user 'nobody'"),
        (f"{DEFECTS}, '5' as phase from er.defects", "There is no phase '5'"),
        ("select 'defect' as entity_type, '9' as id, 'x' as rig_udf", "There is no defect 9"),
        ("select 'defekt' as entity_type, '9' as id, 'x' as rig_udf", "no entity type 'defekt'"),
        (f"{DEFECTS}, '9' as workspace_id, 'x' as rig_udf from er.defects", "no workspace 9"),
    ],
)
def test_a_query_that_names_nothing_is_one_sentence(world: World, sql: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        planned(world, sql)

    assert "\n" not in str(raised.value)


def test_the_command_line_plans_asks_and_says_why(
    world: World, server: Running, tmp_path: Path
) -> None:
    home = {"OCTANE_HOME": str(world.settings.home)}
    environment = {**environment_of(server, tmp_path), **home, "COLUMNS": "250"}

    def call(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, list(arguments), env=environment)
        return done.exit_code, done.output, str(done.exception or "")

    sql = f"{DEFECTS}, 'ward' as rig_udf from er.defects"
    _, shown, _ = call("plan", "from-query", sql)
    assert "rig_udf: bench" in shown
    assert "3 requests of from_query" in shown
    code, shown, _ = call("plan", "from-query", sql.replace("ward", "bench"), "--json")
    assert (code, "all 3 rows of the query are so already" in shown) == (0, True)
    assert "the query has no rows" in call("plan", "from-query", f"{sql} limit 0")[1]
    assert "Write the select behind from-query" in call("plan", "from-query")[2]
    assert "Write the select behind from-query" in call("apply", "from-query", "--yes")[2]
    assert "write parameters as --param" in call("plan", "planned_runs", "x")[2]

    slug = "manual_test_steps_and_attachments"
    message = call("plan", slug, "--param", "test_name=Log*")[2]
    assert message.startswith(f"The plan {slug} needs file_path; add --param file_path=...")
    assert "field_label or entity_ids" in call("plan", "user_defined_field_values")[2]
    shown = call("plan", slug, "--help")[1]
    assert "--param file_path=null [required]" in shown
    assert "[required: test_id or test_name]" in shown
    assert "All options: octane-flows flow --help" in call("flow", "planned_runs", "--help")[1]
    assert "Usage:" in call("plan", "--help")[1]
    code, shown, _ = call("plan", "test_suites_without_run", "--json")
    assert "no release is marked as the default one" in shown


def test_a_plan_without_requests_says_why(world: World) -> None:
    slug = "work_items_without_test_task"
    with warehouse.connect(world.settings.home) as connection:
        nothing = make_plan(connection, slug)
        named = make_plan(connection, slug, {"release_name": "9*"}).reason
        suites = make_plan(connection, "test_suites_without_run").reason
        file = {"test_id": "1", "file_path": __file__}
        attach = make_plan(connection, "manual_test_steps_and_attachments", file).reason

    assert nothing.plan.requests == ()
    nothing_matches = "there is nothing to do: nothing matches"
    assert nothing.reason == f"{nothing_matches} the defaults of its parameters"
    assert named == f"{nothing_matches} release_name=9*"
    no_default = "no release is marked as the default one; add --param release_name=NAME"
    assert suites == no_default
    assert attach == "no script was extracted; extract with OCTANE_SCRIPTS=true"


def test_plans_are_methods_of_python(world: World) -> None:
    with octane_flows.open(world.settings.home) as opened:
        method = opened.plans.user_defined_field_values
        rows = method(
            field_name="rig_udf", entity_ids=world.ids["a"], value="ward"
        ).to_arrow_table()
        slugs = [row[0] for row in opened.plans().fetchall()]

    assert "Needs field_name, field_label or entity_ids" in (method.__doc__ or "")
    assert json.loads(rows.to_pylist()[0]["expected"])["fields"] == {"rig_udf": "bench"}
    assert "user_defined_field_values" in slugs
