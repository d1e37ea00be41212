"""What a plan's file may hold: every value of the right kind, checked before anything is sent.

The records of a file in, `ValueError` for the first one of another shape; `action_plan` calls it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CONDITIONS = frozenset({"fields", "some", "none", "file"})
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ID = re.compile(r"[A-Za-z0-9_.-]+")


def check_plan(record: Mapping[str, Any]) -> None:
    """Check what stands beside the requests of a plan."""
    _require(
        set(record) == {"slug", "parameters", "server_url", "shared_space", "generation"},
        "its keys are not those of a plan",
    )
    for key in ("slug", "server_url", "shared_space"):
        _require(isinstance(record[key], str), f"{key} is no text")
    _require(_is_integer(record["generation"]), "generation is no number")
    parameters = record["parameters"]
    _require(isinstance(parameters, Mapping), "parameters is no object")
    for name, value in parameters.items():
        _require(value is None or isinstance(value, str), f"the parameter {name} is no text")


def check_request(record: Mapping[str, Any]) -> None:
    """Check the values of one request."""
    _require(_is_integer(record["step"]) and record["step"] > 0, "a step is no number from 1 on")
    step = f"step {record['step']}"
    for key in ("workspace_id", "entity_type", "reason"):
        _require(isinstance(record[key], str), f"{step}: {key} is no text")
    for key in ("entity_id", "entity_name"):
        value = record[key]
        _require(value is None or isinstance(value, str), f"{step}: {key} is neither text nor null")
    _require(_ID.fullmatch(record["workspace_id"]), f"{step}: its workspace_id is no id")
    _require(_NAME.fullmatch(record["entity_type"]), f"{step}: its entity_type is none")
    entity_id = record["entity_id"]
    _require(entity_id is None or _ID.fullmatch(entity_id), f"{step}: its entity_id is no id")
    operation = record["operation"]
    _require(operation in ("create", "update"), f"the operation '{operation}' is unknown")
    _require(
        (operation == "update") == (entity_id is not None),
        f"{step}: an update needs an entity_id, a create has none",
    )
    _require(isinstance(record["body"], Mapping), f"{step}: body is no object")
    _require(record["body"], f"{step} has an empty body")
    _check_expected(record["expected"], step)


def _check_expected(expected: Any, step: str) -> None:
    _require(isinstance(expected, Mapping), f"{step}: expected is no object")
    unknown = ", ".join(sorted(set(expected) - CONDITIONS))
    _require(not unknown, f"{step} expects {unknown}")
    _require(isinstance(expected.get("fields", {}), Mapping), f"{step}: fields is no object")
    for name in ("some", "none"):
        conditions = expected.get(name, [])
        _require(isinstance(conditions, list), f"{step}: {name} is no list")
        for condition in conditions:
            _require(
                _has_texts(condition, {"entity_type", "query"}),
                f"{step}: a condition of {name} is not an entity_type with a query",
            )
    if "file" in expected:
        file = expected["file"]
        is_file = isinstance(file, Mapping) and set(file) == {"path", "sha256", "bytes"}
        _require(
            is_file
            and isinstance(file["path"], str)
            and isinstance(file["sha256"], str)
            and _is_integer(file["bytes"]),
            f"{step}: file is not a path with its sha256 and bytes",
        )


def _has_texts(value: Any, keys: set[str]) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) == keys
        and all(isinstance(text, str) for text in value.values())
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(condition: object, fault: str) -> None:
    if not condition:
        raise ValueError(fault)
