"""Entity types that the packaged field model lacks, though the documentation names them.

In: nothing. Out: raw definitions in the form of data/field_model.json, for entity_schema.py. They
answer like any collection but are not listed in `metadata/entities` (see CHOICES.md).
"""

from __future__ import annotations

from typing import Any

__all__ = ["EXTRA_TYPES", "UDF_KINDS"]

# Subtype of a user-defined field: field type, target, greatest length.
UDF_KINDS: dict[str, tuple[str, str | None, int | None]] = {
    "field_metadata_boolean": ("boolean", None, None),
    "field_metadata_date_time": ("date_time", None, None),
    "field_metadata_list": ("reference", "list_node", None),
    "field_metadata_long": ("integer", None, None),
    "field_metadata_long_string": ("string", None, 4000),
    "field_metadata_memo": ("memo", None, None),
    "field_metadata_ref_to_release": ("reference", "release", None),
    "field_metadata_ref_to_team": ("reference", "team", None),
    "field_metadata_ref_to_user": ("reference", "workspace_user", None),
    "field_metadata_string": ("string", None, 255),
}


def _field(field_type: str = "string", **more: Any) -> dict[str, Any]:
    return {"field_type": field_type, "sortable": True, **more}


def _entity(
    label: str, collection: str, methods: list[str], fields: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    labelled = {
        name: {"label": name.replace("_", " ").capitalize(), **raw} for name, raw in fields.items()
    }
    return {"label": label, "collection": collection, "methods": methods, "fields": labelled}


_STAMPS = {
    "creation_time": _field("date_time"),
    "last_modified": _field("date_time"),
    "version_stamp": _field("integer"),
}
_DEFINITION = {
    "name": _field(editable=True, required=True, final=True, max_length=255),
    "label": _field(editable=True, required=True, max_length=255),
    "description": _field(editable=True, max_length=4000),
    "entity_type": _field(editable=True, required=True, final=True),
    "list": _field("reference", targets=["list_node"], editable=True, final=True),
    "multiple": _field("boolean", editable=True, final=True),
    "is_user_defined": _field("boolean"),
    **_STAMPS,
}
_RECORD = {
    "timestamp": _field("date_time"),
    "user": _field("reference", targets=["workspace_user"]),
    "action": _field(),
    "entity_type": _field(),
    "entity_id": _field(),
    "entity_name": _field(),
    "field_name": _field(),
    "old_value": _field(),
    "new_value": _field(),
}
_FLAGS = (
    "show_author", "print_title_page", "print_toc", "ignore_default_footer", "ignore_default_logo",
    "show_date", "ignore_default_header",
)  # fmt: skip
_TEXTS = ("header", "footer", "file_name", "title", "document_type", "document_orientation", "logo")

EXTRA_TYPES: dict[str, dict[str, Any]] = {
    "field_metadata": _entity(
        "Field", "metadata_fields", ["CREATE", "GET", "UPDATE"], dict(_DEFINITION)
    ),
    **{
        kind: {**_entity(kind, "", [], dict(_DEFINITION)), "subtype_of": "field_metadata"}
        for kind in UDF_KINDS
    },
    "audit": _entity("Audit", "audits", ["GET"], dict(_RECORD)),
    "history_record": _entity("History record", "history_records", ["GET"], dict(_RECORD)),
    "report_configuration": _entity(
        "Report configuration",
        "report_configurations",
        ["GET"],
        {
            "name": _field(editable=True, required=True, max_length=255),
            "description": _field("memo", editable=True),
            "report_entries": _field("object", editable=True),
            **{name: _field("boolean", editable=True) for name in _FLAGS},
            **{name: _field(editable=True, max_length=255) for name in _TEXTS},
            **_STAMPS,
        },
    ),
    "background_task": _entity(
        "Background task",
        "background_tasks",
        ["GET"],
        {"status": _field(), "result": _field("object"), "request": _field("object"), **_STAMPS},
    ),
}
