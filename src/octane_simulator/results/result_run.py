"""The values of a run with a new result, and the key that tells runs of one test apart.

In: a result, its context and build, and the old values of the run. Out: the row to be stored.
Called by result_ingest.py.
"""

from __future__ import annotations

from octane_simulator.results.ci_builds import BuildRow, Row
from octane_simulator.results.result_context import Setting, id_of, ref
from octane_simulator.results.result_document import Result

__all__ = ["RunKey", "key_of", "kind_of", "run_row"]

# The key of a run: test, release, milestone, program, tags, and whether it is planned.
RunKey = tuple[str, str | None, str | None, str | None, frozenset[str], bool]

_TEST_OF = {"run_automated": "test_automated", "gherkin_automated_run": "gherkin_test"}
_STATUS_NODES = {
    word: (f"list_node.run_native_status.{word}", f"list_node.run_status.{word}")
    for word in ("passed", "failed", "skipped", "planned")
}


def run_row(
    kind: str,
    result: Result,
    setting: Setting,
    test: str,
    build: BuildRow | None,
    now: str,
    old_row: Row | None,
) -> Row:
    """The values of a run that takes a result; `old_row` has its old values."""
    component, package, class_name, name = result.test
    word = result.status.lower()
    build_id = None if build is None else build.id
    age, since = None, None
    if word == "failed":
        age, since = 1, None if build_id is None else int(build_id)
        if (
            old_row is not None
            and id_of(old_row.get("native_status")) == _STATUS_NODES["failed"][0]
        ):
            same = id_of(old_row.get("build")) == build_id
            age = (old_row.get("failed_build_age") or 1) + (0 if same else 1)
            since = old_row.get("failed_since_build") or since
    native, summary = _STATUS_NODES[word]
    row: Row = {
        "name": result.run_name,
        "test": ref(_TEST_OF[kind], test),
        "test_of_last_run": ref(_TEST_OF[kind], test),
        "test_name": name,
        "native_status": ref("list_node", native),
        "status": ref("list_node", summary),
        "started": result.started or now,
        "duration": result.duration,
        "build": ref("ci_build", build_id),
        "pipeline": ref("pipeline", build.pipeline) if build else None,
        "release": ref("release", setting.release),
        "milestone": ref("milestone", setting.milestone),
        "program": ref("program", setting.program),
        "parent_suite": ref("run_suite", setting.suite_run),
        "test_framework": setting.node("Framework"),
        "testing_tool_type": setting.node("Testing_Tool_Type"),
        "error_type": result.error_type,
        "error_message": result.error_message,
        "error_details": result.error_details,
        "external_report_url": result.report_url,
        "description": result.description,
        "steps_num": result.steps,
        "draft_run": False,
        "failed_build_age": age,
        "failed_since_build": since,
        "creation_time": now,
        "last_modified": now,
        "taxonomies": [ref("taxonomy_item_node", id) for id in setting.tags],
        "product_areas": [ref("product_area", id) for id in setting.areas],
        "test_type": [ref("list_node", id) for id in setting.nodes.get("Test_Type", ())],
    }
    if kind == "gherkin_automated_run":
        del row["external_report_url"]
        row["bdd_spec_name"] = name
    else:
        row |= {
            "component": component or None,
            "package": package or None,
            "class_name": class_name or None,
            "test_level": setting.node("Test_Level"),
        }
    return row


def kind_of(row: Row) -> str:
    """The entity type of a run."""
    is_gherkin = row["test"]["type"] == "gherkin_test"
    return "gherkin_automated_run" if is_gherkin else "run_automated"


def key_of(row: Row, test: str) -> RunKey:
    """The key of a run as stored."""
    return (
        test,
        id_of(row.get("release")),
        id_of(row.get("milestone")),
        id_of(row.get("program")),
        frozenset(tag["id"] for tag in row.get("taxonomies") or ()),
        id_of(row.get("native_status")) == _STATUS_NODES["planned"][0],
    )
