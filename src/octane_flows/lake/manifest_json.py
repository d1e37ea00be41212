"""A manifest as JSON: a head for each generation, and parts that generations share.

Records in, bytes out, and back; `publish` writes them and `generations` reads them. The head has
what every extract changes (cursors, certificate, politeness). What mostly stays the same is in
parts, so that a refresh without changes writes the head alone, which is compressed. Fields with
their default are left out.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
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
    ServerFinding,
    TableEntry,
    WorkspaceEntry,
)
from octane_flows.lake.read_state import FieldEntry, ReadState

FORMAT = 1  # another number means another layout
COMPRESSION = 6
GZIP = b"\x1f\x8b"  # a head that was written by hand, or by an earlier version, is plain text
UNREADABLE = (
    *(KeyError, TypeError, ValueError, AttributeError, RecursionError),
    *(OSError, EOFError, zlib.error),
)
CERTIFICATE_TIMES = ("cursor", "census_at", "complete_from")

_DEFAULTS: dict[type[Any], dict[str, Any]] = {}
#: Workspace -> entity type -> the last generation that had any of its fields.
LastGenerations = dict[str, dict[str, int]]


def encode_parts(manifest: Manifest) -> dict[str, bytes]:
    """The parts by name: `schema` (columns, fields, changes), `files`, `recent` (row digests).

    And `rejected`, the values that the lake cannot hold, where there are any.
    """
    last_generations = _last_generations(manifest)
    schema = {
        "tables": {name: _table_schema(entry) for name, entry in manifest.tables.items()},
        "fields": [_field(entry, last_generations) for entry in manifest.fields],
        "schema_changes": manifest.schema_changes,
    }
    recent = {
        workspace: {entity: state.recent for entity, state in states.items() if state.recent}
        for workspace, states in manifest.states.items()
    }
    rejected = {
        workspace: {
            entity: [value.to_json() for value in state.rejected]
            for entity, state in states.items()
            if state.rejected
        }
        for workspace, states in manifest.states.items()
        if any(state.rejected for state in states.values())
    }
    return {
        "schema": _bytes(schema),
        "files": _bytes({name: entry.files for name, entry in manifest.tables.items()}),
        "recent": _bytes(recent),
        **({"rejected": _bytes(rejected)} if rejected else {}),
    }


def encode_head(manifest: Manifest) -> bytes:
    """All but the parts; the head names them, so they must be written before it."""
    body = _changed_fields(manifest)
    for name in ("tables", "fields", "schema_changes"):
        body.pop(name, None)
    states = {
        workspace: {
            entity: _changed_fields(replace(state, recent={}, rejected=()))
            for entity, state in states.items()
        }
        for workspace, states in manifest.states.items()
    }
    body |= {
        "states": states,
        "fields_last_generation": _last_generations(manifest),
        "certificate": [_changed_fields(row) for row in manifest.certificate],
        "workspaces": {
            id: _changed_fields(workspace) for id, workspace in manifest.workspaces.items()
        },
    }
    # what is read of one workspace and entity type resembles all others: a twentieth remains
    return gzip.compress(_bytes({"format": FORMAT, **body}), COMPRESSION, mtime=0)


def decode(head: bytes, read_part: Callable[[PartEntry], bytes], *, where: str) -> Manifest:
    """Read a manifest back; `where` names it in errors."""
    try:
        text = gzip.decompress(head) if head.startswith(GZIP) else head
        body: dict[str, Any] = json.loads(text)
        if body.pop("format") != FORMAT:
            raise LakeError(
                f"{where} was written by another version of octane-flows; "
                "use that version, or extract into a new OCTANE_HOME."
            )
        _add_parts(body, read_part)
        body["as_of"] = datetime.fromisoformat(body["as_of"])
        body["created_at"] = datetime.fromisoformat(body["created_at"])
        body["tables"] = {name: _read_table(entry) for name, entry in body["tables"].items()}
        body["certificate"] = [_read_certificate(row) for row in body["certificate"]]
        body["states"] = {
            workspace: {entity: ReadState.from_json(state) for entity, state in states.items()}
            for workspace, states in body["states"].items()
        }
        body["fields"] = [
            FieldEntry(**{**row, "targets": tuple(row["targets"])}) for row in body["fields"]
        ]
        body["schema_changes"] = [SchemaChange(**row) for row in body["schema_changes"]]
        body["findings"] = [Finding(**finding) for finding in body.get("findings", ())]
        body["server"] = [
            ServerFinding(**{**entry, "since": datetime.fromisoformat(entry["since"])})
            for entry in body.get("server", ())
        ]
        body["workspaces"] = {
            id: WorkspaceEntry(**{**entry, "as_of": datetime.fromisoformat(entry["as_of"])})
            for id, entry in body["workspaces"].items()
        }
        return Manifest(**body)
    except UNREADABLE as error:
        what = str(error) if isinstance(error, EOFError | OSError) else "it is no manifest"
        raise LakeError(
            f"{where} is damaged ({what}); restore it from a backup, "
            "or go back to the generation before with: octane-flows go-back"
        ) from error


def _add_parts(body: dict[str, Any], read_part: Callable[[PartEntry], bytes]) -> None:
    """Put the content of the parts back into the body."""
    parts = {name: PartEntry(**part) for name, part in body["parts"].items()}
    body["parts"] = parts
    body |= json.loads(read_part(parts["schema"]))
    for name, files in json.loads(read_part(parts["files"])).items():
        body["tables"][name]["files"] = files
    for workspace, recent in json.loads(read_part(parts["recent"])).items():
        for entity, digests in recent.items():
            body["states"][workspace][entity]["recent"] = digests
    rejected_values = json.loads(read_part(parts["rejected"])) if "rejected" in parts else {}
    for workspace, rejected in rejected_values.items():
        for entity, values in rejected.items():
            body["states"][workspace][entity]["rejected"] = values
    last_generations: LastGenerations = body.pop("fields_last_generation")
    for row in body["fields"]:
        row.setdefault("last_generation", last_generations[row["workspace"]][row["entity"]])


def _last_generations(manifest: Manifest) -> LastGenerations:
    last_generations: LastGenerations = {}
    for entry in manifest.fields:
        entities = last_generations.setdefault(entry.workspace, {})
        last = entities.get(entry.entity, 0)
        entities[entry.entity] = max(last, entry.last_generation)
    return last_generations


def _field(entry: FieldEntry, last_generations: LastGenerations) -> dict[str, Any]:
    """A field; its last generation is left out where it is that of the whole entity type."""
    body = dict(vars(entry))
    if entry.last_generation == last_generations[entry.workspace][entry.entity]:
        del body["last_generation"]
    return body


def _table_schema(entry: TableEntry) -> dict[str, Any]:
    body = _changed_fields(entry)
    del body["files"]
    return {**body, "columns": [_changed_fields(column) for column in entry.columns]}


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


def _changed_fields(record: Any) -> dict[str, Any]:
    """A record's fields by name, without those that have their default."""
    defaults = _defaults(type(record))
    return {name: value for name, value in vars(record).items() if value != defaults[name]}


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """The default of each field of a record, to compare with and never to change."""
    if kind not in _DEFAULTS:
        _DEFAULTS[kind] = {field.name: _default(field) for field in fields(kind)}
    return _DEFAULTS[kind]


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _bytes(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
