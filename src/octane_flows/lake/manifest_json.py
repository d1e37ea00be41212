"""A manifest as JSON: a head of its own for each generation, and parts that generations share.

Records in, bytes out and back; `store` writes and reads them. What every extract tells anew is in
the head (cursors, certificate, politeness); what mostly stays is in a part of its own, so that a
refresh without changes writes the head alone. Fields that have their default are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from octane_flows.errors import LakeError
from octane_flows.lake.manifest import (
    CertificateRow,
    ColumnEntry,
    FileEntry,
    Finding,
    Manifest,
    PartEntry,
    SchemaChange,
    TableEntry,
    WorkspaceEntry,
)
from octane_flows.lake.read_state import FieldEntry, ReadState

FORMAT = 3
WHOLE_FORMAT = 2  # everything in one file; such generations can be read and continued
CERTIFICATE_TIMES = ("cursor", "census_at")

#: Of the fields of a workspace and entity type, the last generation that any was seen in.
Seen = dict[str, dict[str, int]]


def encode_parts(manifest: Manifest) -> dict[str, bytes]:
    """The parts by name: `schema` (columns, fields, changes), `files`, `recent` (row digests)."""
    seen = _seen(manifest)
    schema = {
        "tables": {name: _table_schema(entry) for name, entry in manifest.tables.items()},
        "fields": [_field(entry, seen) for entry in manifest.fields],
        "schema_changes": manifest.schema_changes,
    }
    recent = {
        workspace: {entity: state.recent for entity, state in states.items() if state.recent}
        for workspace, states in manifest.states.items()
    }
    return {
        "schema": _bytes(schema),
        "files": _bytes({name: entry.files for name, entry in manifest.tables.items()}),
        "recent": _bytes(recent),
    }


def encode_head(manifest: Manifest) -> bytes:
    """What is left without the parts; it names them, so they must be written before."""
    body = _brief(manifest)
    for name in ("tables", "fields", "schema_changes"):
        body.pop(name, None)
    states = {
        workspace: {entity: _brief(replace(one, recent={})) for entity, one in states.items()}
        for workspace, states in manifest.states.items()
    }
    body |= {
        "states": states,
        "fields_seen": _seen(manifest),
        "certificate": [_brief(row) for row in manifest.certificate],
        "workspaces": {id: _brief(one) for id, one in manifest.workspaces.items()},
    }
    return _bytes({"format": FORMAT, **body})


def decode(head: bytes, read_part: Callable[[PartEntry], bytes], *, where: str) -> Manifest:
    """Read a manifest back; `where` names it in errors."""
    try:
        body: dict[str, Any] = json.loads(head)
        written_as = body.pop("format")
        if written_as not in (FORMAT, WHOLE_FORMAT):
            raise LakeError(
                f"{where} was written by another version of octane-flows; "
                "use that version, or extract into a new OCTANE_HOME."
            )
        if written_as == FORMAT:
            _add_parts(body, read_part)
        body["as_of"] = datetime.fromisoformat(body["as_of"])
        body["created_at"] = datetime.fromisoformat(body["created_at"])
        body["tables"] = {name: _read_table(entry) for name, entry in body["tables"].items()}
        body["certificate"] = [_read_certificate(row) for row in body["certificate"]]
        body["states"] = {
            workspace: {entity: ReadState.from_json(one) for entity, one in states.items()}
            for workspace, states in body["states"].items()
        }
        body["fields"] = [
            FieldEntry(**{**row, "targets": tuple(row["targets"])}) for row in body["fields"]
        ]
        body["schema_changes"] = [SchemaChange(**row) for row in body["schema_changes"]]
        body["findings"] = [_read_finding(one) for one in body.get("findings", ())]
        body["workspaces"] = {
            id: WorkspaceEntry(**{**one, "as_of": datetime.fromisoformat(one["as_of"])})
            for id, one in body.get("workspaces", {}).items()
        }
        return Manifest(**body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LakeError(
            f"{where} is damaged ({type(error).__name__}: {error}); restore it from a backup, "
            "or extract into a new OCTANE_HOME."
        ) from error


def _add_parts(body: dict[str, Any], read_part: Callable[[PartEntry], bytes]) -> None:
    """Put what the parts tell back into the body, as if it had been one file."""
    parts = {name: PartEntry(**part) for name, part in body["parts"].items()}
    body["parts"] = parts
    body |= json.loads(read_part(parts["schema"]))
    for name, files in json.loads(read_part(parts["files"])).items():
        body["tables"][name]["files"] = files
    for workspace, recent in json.loads(read_part(parts["recent"])).items():
        for entity, digests in recent.items():
            body["states"][workspace][entity]["recent"] = digests
    seen: Seen = body.pop("fields_seen")
    for row in body["fields"]:
        row.setdefault("last_generation", seen[row["workspace"]][row["entity"]])


def _seen(manifest: Manifest) -> Seen:
    seen: Seen = {}
    for entry in manifest.fields:
        entities = seen.setdefault(entry.workspace, {})
        last = entities.get(entry.entity, 0)
        entities[entry.entity] = max(last, entry.last_generation)
    return seen


def _field(entry: FieldEntry, seen: Seen) -> dict[str, Any]:
    """A field that is still there does not name the generation: that is told once for all."""
    body = asdict(entry)
    if entry.last_generation == seen[entry.workspace][entry.entity]:
        del body["last_generation"]
    return body


def _table_schema(entry: TableEntry) -> dict[str, Any]:
    body = _brief(entry)
    del body["files"]
    return {**body, "columns": [_brief(column) for column in entry.columns]}


def _read_table(entry: dict[str, Any]) -> TableEntry:
    columns = tuple(
        ColumnEntry(**{**column, "targets": tuple(column.get("targets", ()))})
        for column in entry.pop("columns")
    )
    files = tuple(FileEntry(**file) for file in entry.pop("files"))
    return TableEntry(**entry, columns=columns, files=files)


def _read_certificate(row: dict[str, Any]) -> CertificateRow:
    times = {key: datetime.fromisoformat(row[key]) for key in CERTIFICATE_TIMES if row.get(key)}
    return CertificateRow(**{**row, **times})


def _read_finding(one: dict[str, str] | str) -> Finding:
    if isinstance(one, str):  # as generations of before have it: "workspace 1002: ..."
        workspace, _, text = one.removeprefix("workspace ").partition(": ")
        return Finding(workspace, text)
    return Finding(**one)


def _brief(record: Any) -> dict[str, Any]:
    """A record's fields by name, but those that have their default."""
    values = {one.name: getattr(record, one.name) for one in fields(record)}
    defaults = {one.name: _default(one) for one in fields(record)}
    return {name: value for name, value in values.items() if value != defaults[name]}


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _bytes(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
