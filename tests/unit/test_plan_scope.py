"""What a plan's file may hold, and what `apply` refuses before it sends anything."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from octane_flows.actions import AuditLog, Plan, apply_plan, read_plan, write_plan
from octane_flows.actions.sending_lock import sending_lock
from octane_flows.client import Octane
from octane_flows.errors import OctaneFlowsError, UsageError

SERVER = "https://octane.example.com"
PLAN: dict[str, Any] = {
    "octane_flows_plan": 1,
    "slug": "features_with_done_stories",
    "parameters": {"workspace_id": "1002"},
    "server_url": SERVER,
    "shared_space": "1001",
    "generation": 3,
    "requests": [
        {
            "workspace_id": "1002",
            "step": 1,
            "operation": "update",
            "entity_type": "feature",
            "entity_id": "2001",
            "entity_name": "Pay",
            "expected": {
                "fields": {"phase": None},
                "some": [{"entity_type": "work_item", "query": "id EQ 2001"}],
            },
            "body": {"phase": {"type": "phase", "id": "phase.feature.done"}},
            "reason": "all of its stories are done",
        }
    ],
}
UPLOAD = {
    **PLAN["requests"][0],
    "operation": "create",
    "entity_type": "attachment",
    "entity_id": None,
    "expected": {"file": {"path": "/etc/passwd", "sha256": "0" * 64, "bytes": 1}},
}


class NoServer:
    """A client that fails the test when something is asked of it."""

    shared_space = "1001"

    def workspace(self, id: str) -> None:
        raise AssertionError(f"workspace {id} was asked")


def written(tmp_path: Path, record: Any) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def changed(change: dict[str, Any], **of_request: Any) -> dict[str, Any]:
    record = {**copy.deepcopy(PLAN), **change}
    record["requests"][0] = {**record["requests"][0], **of_request}
    return record


def apply(plan: Plan, tmp_path: Path, **more: Any) -> None:
    audit = AuditLog(tmp_path / "home" / "actions" / "audit.jsonl")
    apply_plan(cast("Octane", NoServer()), plan, audit, server_url=SERVER, **more)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, PLAN))
    again = tmp_path / "again.json"
    write_plan(plan, again)

    assert read_plan(again) == plan
    assert read_plan(again).digest == plan.digest


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "stories_with_completed_tasks", "requests": []},
        {"parameters": {}},
        {"server_url": "https://other.example.com"},
        {"requests": [{**PLAN["requests"][0], "entity_id": "2002"}]},
    ],
    ids=str,
)
def test_a_changed_plan_has_another_digest(change: dict[str, Any], tmp_path: Path) -> None:
    digest = read_plan(written(tmp_path, PLAN)).digest

    assert read_plan(written(tmp_path, {**PLAN, **change})).digest != digest


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "text",
        {},
        {**PLAN, "octane_flows_plan": 2},
        {**PLAN, "requests": None},
        {**PLAN, "requests": {}},
        {**PLAN, "requests": [None]},
        {**PLAN, "requests": ["text"]},
        {**PLAN, "slug": None},
        {**PLAN, "slug": "no_such_flow"},
        {**PLAN, "parameters": []},
        {**PLAN, "parameters": {"workspace_id": 7}},
        {**PLAN, "parameters": {"unknown": "7"}},
        {**PLAN, "server_url": 7},
        {**PLAN, "shared_space": None},
        {**PLAN, "generation": "3"},
        {**PLAN, "more": 1},
        changed({}, workspace_id=1002),
        changed({}, workspace_id="../1002"),
        changed({}, step="1"),
        changed({}, step=0),
        changed({}, step=True),
        changed({}, operation="delete"),
        changed({}, operation=None),
        changed({}, entity_type="../../x"),
        changed({}, entity_type=["feature"]),
        changed({}, entity_id=None),
        changed({}, entity_id=2001),
        changed({}, entity_id="1/../../admin"),
        changed({}, entity_name=7),
        changed({}, expected=None),
        changed({}, expected=[]),
        changed({}, expected={"other": 1}),
        changed({}, expected={"fields": []}),
        changed({}, expected={"some": {}}),
        changed({}, expected={"some": ["id EQ 1"]}),
        changed({}, expected={"none": [{"entity_type": "feature"}]}),
        changed({}, expected={"file": "/etc/passwd"}),
        changed({}, expected={"file": {"path": 1, "sha256": "", "bytes": 0}}),
        changed({}, body=None),
        changed({}, body=[]),
        changed({}, body={}),
        changed({}, reason=None),
        changed({}, more=1),
        changed({}, entity_type="workspace_user"),
    ],
    ids=lambda record: json.dumps(record)[-60:],
)
def test_a_plan_of_another_shape_is_one_sentence(record: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        read_plan(written(tmp_path, record))

    assert "\n" not in str(raised.value)
    assert "octane-flows plan" in str(raised.value) or "known:" in str(raised.value).lower()


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"octane_flows_plan": NaN}', "\ufeff{}"])
def test_a_file_that_is_no_plan_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match="is no plan"):
        read_plan(path)


def test_a_file_is_uploaded_only_where_the_parameters_name_it(tmp_path: Path) -> None:
    record = {
        **PLAN,
        "slug": "manual_test_steps_and_attachments",
        "parameters": {"file_path": str(tmp_path / "log.txt")},
        "requests": [UPLOAD],
    }
    with pytest.raises(UsageError, match="uploads /etc/passwd, which the plan's parameters"):
        read_plan(written(tmp_path, record))

    record["parameters"] = {"file_path": "/etc/passwd"}
    assert read_plan(written(tmp_path, record)).requests[0].entity_type == "attachment"


def test_another_workspace_than_those_of_the_settings_is_refused(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, PLAN))

    with pytest.raises(UsageError, match="writes to workspace 1002, and the settings name 1003"):
        apply(plan, tmp_path, workspaces=("1003",))


def test_a_plan_that_was_made_in_memory_is_held_to_its_flow_too(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, PLAN))
    other = Plan(**{**vars(plan), "slug": "work_items_without_test_task"})

    with pytest.raises(UsageError, match="writes a feature, and work_items_without_test_task"):
        apply(other, tmp_path)


def test_the_second_apply_of_a_data_folder_says_so(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, PLAN))

    with (
        sending_lock(tmp_path / "home" / "actions"),
        pytest.raises(OctaneFlowsError, match="Another apply, or a report-results --register, is"),
    ):
        apply(plan, tmp_path)


def test_an_apply_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from octane_flows.actions.sending_lock import sending_lock\n"
        "with sending_lock(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9

    with sending_lock(tmp_path):
        assert (tmp_path / ".apply.lock").exists()
