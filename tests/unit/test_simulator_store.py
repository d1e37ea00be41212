"""The store: relations from both ends, stamps, trees, deletions, fields added at run time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from octane_simulator import LocalFeeder, Simulator
from octane_simulator.model.entity_schema import load_schema

NOW = datetime(2021, 1, 20, 21, tzinfo=UTC)


def ref(kind: str, identifier: str) -> dict[str, str]:
    return {"type": kind, "id": identifier}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW)
    yield simulator
    simulator.close()


def test_every_family_has_one_meaning_per_field_name() -> None:
    schema = load_schema()
    for family in schema.families():
        shapes: dict[str, tuple[bool, bool]] = {}
        for member in schema.members(family):
            for field in schema.entities[member].fields.values():
                shape = (field.is_reference, field.multiple)
                assert shapes.setdefault(field.name, shape) == shape, (member, field.name)


def test_every_multi_reference_is_backed_by_a_link_or_an_inverse() -> None:
    schema = load_schema()
    for entity in schema.entities.values():
        family = schema.family(entity.name)
        for field in entity.fields.values():
            if field.is_reference and field.multiple:
                key = (family, field.name)
                assert (key in schema.link_ends) != (key in schema.inverses), key


def test_a_two_sided_relation_is_stored_once_and_read_from_both_ends(simulator: Simulator) -> None:
    store = simulator.store
    run = store.insert("run_automated", {"name": "r"})
    defect = store.insert("defect", {"name": "d", "run": [ref("run", run)]})
    assert store.linked("run", run, "defect") == [ref("defect", defect)]
    store.link("run", "defect", run, [])
    assert store.linked("defect", defect, "run") == []


def test_two_names_of_one_relation_show_the_same_rows(simulator: Simulator) -> None:
    store = simulator.store
    area = store.insert("application_module", {"name": "Matrix"})
    test = store.insert(
        "test_automated", {"name": "t", "product_areas": [ref("application_module", area)]}
    )
    assert store.linked("test", test, "application_modules") == [ref("product_area", area)]
    assert store.get("product_area", area) == store.get("application_module", area)


def test_inverse_of_a_single_reference_follows_the_child(simulator: Simulator) -> None:
    store = simulator.store
    test = store.insert("test_manual", {"name": "t"})
    run = store.insert("run_manual", {"name": "r", "test": ref("test", test)})
    assert store.linked("test", test, "run") == [ref("run_manual", run)]
    assert (store.get("run", run) or {})["test"] == ref("test_manual", test)
    store.update("run_manual", run, {"test": None})
    assert store.linked("test", test, "run") == []


def test_update_moves_stamps_and_last_modified(simulator: Simulator) -> None:
    store = simulator.store
    defect = store.insert("defect", {"name": "d"})
    simulator.clock.advance(timedelta(minutes=5))
    store.update("defect", defect, {"name": "e"})
    row = store.get("defect", defect) or {}
    assert (row["version_stamp"], row["client_lock_stamp"]) == (2, 2)
    assert row["creation_time"] == "2021-01-20T21:00:00Z"
    assert row["last_modified"] == "2021-01-20T21:05:00Z"


def test_ids_start_at_1001_and_are_shared_by_a_family(simulator: Simulator) -> None:
    store = simulator.store
    made = [store.insert(kind, {"name": kind}) for kind in ("defect", "story", "feature")]
    assert made == ["1002", "1003", "1004"]  # the root is 1001
    assert store.insert("release", {"name": "r"}) == "1001"
    assert store.insert("release", {"name": "r"}, id="2000") == "2000"
    assert store.insert("release", {"name": "r"}) == "2001"


def test_new_list_values_get_opaque_ids_even_with_equal_names(simulator: Simulator) -> None:
    root = ref("list_node", "list_node.severity")
    feeder = simulator.feeder()
    made = feeder.create("list_nodes", [{"name": "Odd", "list_root": root}] * 2)
    assert len(set(made)) == 2
    assert all(len(name) == 25 for name in made)
    assert [(simulator.store.get("list_node", name) or {})["index"] for name in made] == [5, 6]


def test_paths_follow_a_row_to_its_new_parent(simulator: Simulator) -> None:
    store = simulator.store
    root = ref("work_item_root", "1001")
    first, second = (store.insert("feature", {"name": n, "parent": root}) for n in "ab")
    story = store.insert("story", {"name": "s", "parent": ref("feature", first)})
    above = (store.get("feature", first) or {})["path"]
    assert (store.get("story", story) or {})["path"].startswith(above)
    store.update("story", story, {"parent": ref("feature", second)})
    above = (store.get("feature", second) or {})["path"]
    assert (store.get("story", story) or {})["path"].startswith(above)


def test_delete_takes_dependents_along_and_unsets_other_references(simulator: Simulator) -> None:
    store = simulator.store
    test = store.insert("test_manual", {"name": "t"})
    release = store.insert("release", {"name": "r"})
    run = store.insert("run_manual", {
        "name": "r", "test": ref("test_manual", test), "release": ref("release", release),
    })  # fmt: skip
    comment = store.insert("comment", {"text": "x", "owner_test": ref("test_manual", test)})
    assert (store.get("test", test) or {})["has_comments"] is True
    store.delete("release", release)
    assert (store.get("run", run) or {})["release"] is None
    store.delete("comment", comment)
    assert (store.get("test", test) or {})["has_comments"] is False
    store.delete("test_manual", test)
    assert store.get("run", run) is None


def test_a_failed_transaction_leaves_nothing(simulator: Simulator) -> None:
    store = simulator.store

    def write_both() -> None:
        with store.transaction():
            store.insert("release", {"name": "kept?"})
            store.insert("release", {"nonsense": 1})

    with pytest.raises(KeyError):
        write_both()
    assert store.find("release") == []


def test_find_compares_scalars_and_references(simulator: Simulator) -> None:
    store = simulator.store
    test = store.insert("test_automated", {"name": "t", "component": "c"})
    store.insert("run_automated", {"name": "r", "test": ref("test", test), "draft_run": True})
    assert [row["id"] for row in store.find("run", test=test, draft_run=True)] == ["1001"]
    assert store.find("run", test=test, release=None, draft_run=False) == []
    assert store.find("test_manual", name="t") == []


def test_user_defined_fields_appear_while_the_server_runs(simulator: Simulator) -> None:
    store = simulator.store
    defect = store.insert("defect", {"name": "d"})
    simulator.add_field("defect", "cost_udf", "float")
    simulator.add_field(
        "defect", "watchers_udf", "reference", targets=("workspace_user",), multiple=True
    )
    watchers = [ref("workspace_user", "1001")]
    store.update("defect", defect, {"cost_udf": 2.5, "watchers_udf": watchers})
    row = store.get("work_item", defect) or {}
    assert (row["cost_udf"], row["watchers_udf"]) == (2.5, watchers)
    with pytest.raises(ValueError, match="_udf"):
        simulator.add_field("defect", "cost", "float")


def test_a_store_with_a_path_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "octane.sqlite"
    first = Simulator(path=path, clock=NOW)
    release = first.feeder().create("user_tags", [{"name": "kept"}])[0]
    first.close()
    second = Simulator(path=path, clock=NOW)
    assert (second.store.get("user_tag", release) or {})["name"] == "kept"
    assert second.store.insert("user_tag", {"name": "next"}) == "1002"
    second.close()


def test_phases_belong_to_metaphases_and_only_ended_work_is_done(simulator: Simulator) -> None:
    phases = simulator.store.find("phase", metaphase="metaphase.work_item.done")
    assert {row["id"] for row in phases} == {
        "phase.defect.closed", "phase.defect.duplicate", "phase.defect.rejected",
        "phase.story.done", "phase.quality_story.done", "phase.feature.done", "phase.epic.done",
    }  # fmt: skip
    assert all(row["metaphase"] for row in simulator.store.find("phase"))


def test_clock_stands_still_until_moved(simulator: Simulator) -> None:
    clock = simulator.clock
    assert clock.now() == NOW
    assert clock.advance(90) == NOW + timedelta(seconds=90)
    assert clock.frozen
    clock.run()
    assert not clock.frozen


# -- write layer --------------------------------------------------------------------------------


@pytest.fixture
def feeder(simulator: Simulator) -> LocalFeeder:
    return simulator.feeder()


def _release(feeder: LocalFeeder) -> dict[str, str]:
    row = {"name": "R1", "start_date": "2021-01-01T00:00:00Z", "end_date": "2021-06-01T00:00:00Z"}
    return ref("release", feeder.create("releases", [row])[0])


@pytest.mark.parametrize(
    ("native", "status"),
    [
        ("planned", "planned"),
        ("passed", "passed"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("blocked", "requires_attention"),
        ("not_completed", "requires_attention"),
    ],
)
def test_status_summarises_native_status(
    simulator: Simulator, feeder: LocalFeeder, native: str, status: str
) -> None:
    test = ref("test_manual", feeder.create("manual_tests", [{"name": "t"}])[0])
    run = feeder.create("manual_runs", [{
        "test": test, "release": _release(feeder),
        "native_status": ref("list_node", f"list_node.run_native_status.{native}"),
    }])[0]  # fmt: skip
    row = simulator.store.get("run", run) or {}
    assert row["status"]["id"] == f"list_node.run_status.{status}"
    assert (row["started"] is None) == (native == "planned")


def test_one_last_run_for_each_release_and_a_planned_one_besides(
    simulator: Simulator, feeder: LocalFeeder
) -> None:
    test = ref("test_manual", feeder.create("manual_tests", [{"name": "t"}])[0])
    release = _release(feeder)
    runs = []
    for native in ("passed", "failed", "planned", "planned"):
        simulator.clock.advance(60)
        runs += feeder.create("runs", [{
            "subtype": "run_manual", "name": native, "test": test, "release": release,
            "native_status": ref("list_node", f"list_node.run_native_status.{native}"),
        }])  # fmt: skip
    last = [row["id"] for row in simulator.store.linked("test", test["id"], "last_runs")]
    assert last == [runs[1], runs[3]]
    entity = simulator.schema.by_collection["manual_runs"]
    simulator.writer.delete(entity, [runs[1]])
    last = [row["id"] for row in simulator.store.linked("test", test["id"], "last_runs")]
    assert last == [runs[0], runs[3]]


def test_a_planned_suite_run_plans_a_run_of_each_test(
    simulator: Simulator, feeder: LocalFeeder
) -> None:
    suite = ref("test_suite", feeder.create("test_suites", [{"name": "s"}])[0])
    tests = feeder.create("manual_tests", [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    feeder.create("test_suite_link_to_tests", [
        {"subtype": "test_suite_link_to_manual", "test": ref("test", test), "test_suite": suite,
         "include_in_next_run": test != tests[1]}
        for test in tests
    ])  # fmt: skip
    run = feeder.create("suite_run", [{
        "name": "night", "test": suite, "release": _release(feeder),
        "native_status": ref("list_node", "list_node.run_native_status.planned"),
    }])[0]  # fmt: skip
    children = simulator.store.linked("run", run, "runs_in_suite")
    names = [(simulator.store.get("run", child["id"]) or {})["name"] for child in children]
    assert names == ["a", "c"]


def test_closing_a_defect_dates_it_and_reopening_clears_it(
    simulator: Simulator, feeder: LocalFeeder
) -> None:
    defect = feeder.create("defects", [{"name": "d"}])[0]
    assert (simulator.store.get("defect", defect) or {})["phase"]["id"] == "phase.defect.new"
    for phase, closed in (("closed", "2021-01-20T21:00:00Z"), ("opened", None)):
        feeder.update("defects", [{"id": defect, "phase": ref("phase", f"phase.defect.{phase}")}])
        assert (simulator.store.get("defect", defect) or {})["closed_on"] == closed


def test_a_refused_row_stops_the_feeder(feeder: LocalFeeder) -> None:
    with pytest.raises(ValueError, match="Row 0 of defects"):
        feeder.create("defects", [{"name": "d", "severity": ref("list_node", "nowhere")}])
