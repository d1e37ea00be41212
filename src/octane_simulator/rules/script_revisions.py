"""Scripts of manual and Gherkin tests, their revisions, and the steps that a run gets from them.

In: the script of a test, or a run that starts. Out: rows of `test_version` and of `run_step`.
Called by script_routes.py and write_effects.py.
"""

from __future__ import annotations

import re
from typing import Any

from octane_simulator.model.refusals import ApiError
from octane_simulator.store.current_caller import caller_id
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["revise", "script_of", "start_steps"]

_CALL = re.compile(r"- @(\d+)")
_TAG = re.compile(r"(?:#Auto generated Octane revision tag\n)?@TID\d+REV[0-9.]+\n?")
_STEP = "list_node.manual_test_run_step_type"
_MAX_CALLS = 5


def revise(store: Store, kind: str, identifier: str, body: dict[str, Any]) -> None:
    """Store a new revision of the script; ApiError 409 when another user has locked it."""
    if identifier in store.locked_scripts:
        raise ApiError(
            409,
            "platform.test_script_locked",
            f"The script of test {identifier} is locked by another user",
            {"entity_type": kind, "entity_id": identifier},
            business_error=True,
        )
    revision = _next_revision(store, identifier, body.get("revision_type", "Minor"))
    script = body["script"]
    if kind == "gherkin_test":
        tag = f"#Auto generated Octane revision tag\n@TID{identifier}REV{revision}\n"
        script = tag + _TAG.sub("", script, count=1)
    store.connection.execute(
        "INSERT OR REPLACE INTO test_script VALUES (?, ?, ?)",
        (int(identifier), script, iso(store.now())),
    )
    caller = store.get("workspace_user", caller_id.get(), links=()) or {}
    store.insert(
        "test_version",
        {
            "name": revision,
            "comment": body.get("comment"),
            "creator": caller.get("name"),
            "is_external": False,
            "script": script,
            "test": {"type": kind, "id": identifier},
        },
    )
    steps = sum(1 for line in script.splitlines() if line.startswith("- "))
    store.update(kind, identifier, {"steps_num": steps})


def _next_revision(store: Store, identifier: str, revision_type: str) -> str:
    revisions = store.find("test_version", test=identifier)
    if not revisions:
        return "0.1.0" if revision_type == "Minor" else "1.0.0"
    major, minor = (int(part) for part in str(revisions[-1]["name"]).split(".")[:2])
    return f"{major}.{minor + 1}.0" if revision_type == "Minor" else f"{major + 1}.0.0"


def script_of(store: Store, identifier: str) -> dict[str, Any]:
    """The script of a test with its newest revision, as JSON object."""
    rows = store.read(
        "SELECT script, last_modified FROM test_script WHERE id = ?", (int(identifier),)
    )
    script, modified = rows[0] if rows else ("", None)
    versions = store.find("test_version", test=identifier)
    newest = versions[-1] if versions else {}
    return {
        "script": script,
        "comment": newest.get("comment"),
        "revision": newest.get("name"),
        "creation_time": versions[0]["creation_time"] if versions else modified,
        "last_modified": modified,
    }


def start_steps(store: Store, run: dict[str, Any]) -> None:
    """Give a manual run that starts the steps of its test's script."""
    if run["type"] != "run_manual" or not run["test"] or store.find("run_step", run=run["id"]):
        return
    reference = {"type": "run_manual", "id": run["id"]}
    store.insert_many(
        "run_step",
        [
            {
                "run": reference,
                "description": text,
                "step_type": {"type": "list_node", "id": f"{_STEP}.{word}"},
            }
            for word, text in _steps(store, run["test"]["id"], 0)
        ],
    )


def _steps(store: Store, test: str, depth: int) -> list[tuple[str, str]]:
    """(kind, text) of the steps of a script; a call is replaced by the steps of its test."""
    rows = store.read("SELECT script FROM test_script WHERE id = ?", (int(test),))
    steps: list[tuple[str, str]] = []
    for line in rows[0][0].splitlines() if rows else []:
        call = _CALL.match(line)
        if call is not None:
            steps += _steps(store, call[1], depth + 1) if depth < _MAX_CALLS else []
        elif line.startswith("- ?"):
            steps.append(("validate", line[3:].strip()))
        elif line.startswith("- "):
            steps.append(("normal", line[2:].strip()))
        elif line.strip().startswith(("Scenario:", "Scenario Outline:")):
            steps.append(("scenario", line.strip()))
    return steps
