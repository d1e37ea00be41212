"""Claims about the generated workspaces: size, sameness, and that a server could hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from octane_simulator import Simulator
from octane_simulator.datasets.generated import END, fill
from octane_simulator.query.reader import Caller
from octane_simulator.rules.last_runs import renew_last_runs
from octane_simulator.store.table_layout import quoted

SEEDS = (1, 2, 3, 4, 5)
DAY_AGO = "2026-06-29T18:00:00Z"
FAILED = f"status EQ {{logical_name EQ ^list_node.run_status.failed^}};creation_time GT ^{DAY_AGO}^"
OPENED = "phase EQ {logical_name EQ ^phase.defect.opened^}"

# What the documented flows ask, one or more questions each; some workspace must answer each.
FLOWS = {
    "1": ("stories", "release EQ {name EQ ^202*^};phase EQ {logical_name EQ ^phase.story.new^};"
          "owner EQ {id EQ 1001}"),
    "2": ("defects", f"sprint EQ {{name EQ ^Sprint*^}};{OPENED};qa_owner EQ {{id EQ 1001}}"),
    "3": ("comments", "owner_test EQ {subtype EQ ^test_manual^;owner EQ {id EQ 1001}}"),
    "4": ("attachments", "owner_test EQ {subtype EQ ^test_manual^}"),
    "5": ("gherkin_tests", "owner EQ {id EQ 1001};automation_status EQ {logical_name EQ "
          "^list_node.automation_status.ready_for_automation^}"),
    "6": ("runs", "status EQ {logical_name EQ 'list_node.run_status.planned'};"
          "test EQ {subtype EQ 'test_manual'||subtype EQ 'gherkin_test'||subtype EQ 'test_suite'}"),
    "7": ("runs", "release EQ {name EQ ^202*^};taxonomies EQ {category EQ {name EQ ^Browser^}}"),
    "8": ("automated_tests", "user_tags EQ {name EQ ^security^};"
          "product_areas EQ {name EQ ^Messag*^}"),
    "9": ("automated_tests", f"last_runs EQ {{{FAILED}}}"),
    "10": ("product_areas", f"test EQ {{last_runs EQ {{{FAILED}}}}}"),
    "11": ("features", f"(test EQ {{last_runs EQ {{{FAILED}}}}})||"
           f"(children EQ {{test EQ {{last_runs EQ {{{FAILED}}}}}}})"),
    "12": ("defects", f"product_areas EQ {{name EQ ^*^}};{OPENED};"
           "severity EQ {logical_name EQ ^list_node.severity.high^}"),
    "13": ("defects", "phase EQ {logical_name EQ ^phase.defect.closed^};"
           "run EQ {status EQ {logical_name EQ ^list_node.run_status.failed^}}"),
    "14": ("defects", "phase EQ {logical_name EQ ^phase.defect.fixed^};"
           "run EQ {status EQ {logical_name EQ ^list_node.run_status.passed^}}"),
    "15": ("pipelines", "ci_server EQ {instance_id EQ ^generated-ci^}"),
    "16": ("automated_runs", "build EQ {result EQ ^failure^};error_type EQ ^AssertionError^"),
    "17": ("previous_runs", "run_native_status EQ {id EQ ^list_node.run_native_status.failed^}"),
    "18": ("run_steps", "run EQ {subtype EQ ^run_manual^}"),
    "19": ("test_suite_link_to_tests", "include_in_next_run EQ false"),
    "20": ("runs", "parent_suite EQ {test EQ {subtype EQ ^test_suite^}}"),
    "21": ("stories", "!child_task EQ {item_type EQ "
           "{logical_name EQ ^list_node.task_item_type.test^}}"),
    "22": ("stories", "!phase EQ {logical_name EQ ^phase.story.done^};!child_task EQ {null};"
           "!child_task EQ {!phase EQ {logical_name EQ ^phase.task.completed^}}"),
    "23": ("features", "phase EQ {logical_name EQ ^phase.feature.intesting^};"
           "children EQ {subtype EQ ^story^};"
           "!children EQ {subtype EQ ^story^;!phase EQ {logical_name EQ ^phase.story.done^}}"),
    "25": ("epics", "children EQ {children EQ {child_task EQ {id GE 1}}}"),
}  # fmt: skip


def generated(seed: int, runs: int = 200) -> Simulator:
    return Simulator(dataset="generated", seed=seed, runs=runs)


@pytest.fixture(name="workspaces", scope="module")
def _workspaces() -> Any:
    made = [generated(seed) for seed in SEEDS]
    yield made
    for simulator in made:
        simulator.close()


def rows(simulator: Simulator, collection: str, query: str) -> list[str]:
    entity = simulator.schema.by_collection[collection]
    parameters = {"query": f'"{query}"', "fields": "id", "limit": "1000"}
    return simulator.reader.page(entity, parameters, Caller()).rows


def dump(simulator: Simulator) -> dict[str, Any]:
    names = simulator.store.read("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        name: simulator.store.read(f"SELECT * FROM {quoted(name)} ORDER BY 1, 2")
        for (name,) in names
    }


@pytest.mark.parametrize("runs", [1, 2, 7, 200, 5_003])
def test_it_holds_exactly_the_runs_asked_for(runs: int) -> None:
    simulator = generated(1, runs)
    assert simulator.store.read("SELECT count(*) FROM run")[0][0] == runs
    assert simulator.clock.now() == END
    simulator.close()


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(
    workspaces: list[Simulator],
) -> None:
    again = generated(SEEDS[0])
    assert dump(again) == dump(workspaces[0])
    assert dump(workspaces[1]) != dump(workspaces[0])
    again.close()


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_finds_rows_in_some_small_workspace(
    workspaces: list[Simulator], flow: str
) -> None:
    assert any(rows(simulator, *FLOWS[flow]) for simulator in workspaces)


def test_failures_have_several_causes_and_some_defects_escaped(
    workspaces: list[Simulator],
) -> None:
    kinds: set[str] = set()
    escaped = 0
    for simulator in workspaces:
        query = "SELECT DISTINCT error_type FROM run WHERE error_type IS NOT NULL"
        kinds |= {kind for (kind,) in simulator.store.read(query)}
        for (end,) in simulator.store.read("SELECT DISTINCT end_date FROM release"):
            late = f"detected_in_release EQ {{end_date EQ ^{end}^}};creation_time GT ^{end}^"
            escaped += len(rows(simulator, "defects", late))

    assert len(kinds) > 4
    assert escaped


def test_last_runs_are_those_the_server_would_compute(workspaces: list[Simulator]) -> None:
    marked = "SELECT id, test_of_last_run_id, test_of_last_run_type FROM run ORDER BY id"
    for simulator in workspaces:
        before = simulator.store.read(marked)
        for (test,) in simulator.store.read("SELECT id FROM test"):
            renew_last_runs(simulator.store, test)
        assert simulator.store.read(marked) == before


def test_no_reference_points_at_nothing(workspaces: list[Simulator]) -> None:
    (simulator, *_), broken = workspaces, []
    schema, read = simulator.schema, simulator.store.read
    for family in schema.families():
        for name, column in simulator.store.columns(family).items():
            if column.kind == "single":
                own, kind = quoted(f"{name}_id"), quoted(f"{name}_type")
                sql = (
                    f"SELECT count(*) FROM {quoted(family)} t WHERE {own} IS NOT NULL AND NOT"
                    f" EXISTS (SELECT 1 FROM {quoted(column.far_family)} f"
                    f" WHERE f.id = t.{own} AND f.type = t.{kind})"
                )
            elif column.kind == "link":
                end = schema.link_ends[family, name]
                sql = (
                    f"SELECT count(*) FROM {quoted(end.link)} l WHERE NOT EXISTS"
                    f" (SELECT 1 FROM {quoted(end.far_family)} f"
                    f" WHERE f.id = l.{end.far} AND f.type = l.{end.far}_type)"
                )
            else:
                continue
            if read(sql)[0][0]:
                broken.append((family, name))
    assert broken == []


def test_required_fields_of_generated_rows_are_filled(workspaces: list[Simulator]) -> None:
    (simulator, *_), empty = workspaces, []
    for entity in simulator.schema.entities.values():
        if entity.name in simulator.schema.subtypes:
            continue
        family = simulator.schema.family(entity.name)
        for name, definition in entity.fields.items():
            column = simulator.store.columns(family)[name]
            if not definition.required or column.kind not in {"scalar", "single"}:
                continue
            sql_name = quoted(f"{name}_id" if column.kind == "single" else name)
            count = simulator.store.read(
                f"SELECT count(*) FROM {quoted(family)} WHERE type = ? AND {sql_name} IS NULL"
                " AND id <> 1001",  # the roots are the server's own
                (entity.name,),
            )[0][0]
            if count:
                empty.append((entity.name, name, count))
    assert empty == []


def test_nothing_is_of_tomorrow(workspaces: list[Simulator]) -> None:
    newest = "SELECT max(creation_time), max(last_modified), max(started) FROM run"
    end = "2026-06-30T18:00:00Z"
    for simulator in workspaces:
        assert all(value <= end for value in simulator.store.read(newest)[0])


def test_a_file_is_opened_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    first = Simulator(dataset="generated", runs=50, path=path)
    first_dump = dump(first)
    first.close()
    second = Simulator(dataset="generated", runs=999, path=path)
    assert dump(second) == first_dump
    assert second.clock.now() == END
    second.close()


def test_a_workspace_without_runs_is_refused() -> None:
    simulator = Simulator()
    with pytest.raises(ValueError, match="at least one run"):
        fill(simulator.store, 0)
    simulator.close()
