"""Entity types that the packaged field model lacks, though the documentation names them.

In: nothing. Out: raw definitions in the form of data/field_model.json, for entity_schema.py. They
answer like any collection but are not listed in `metadata/entities` (see CHOICES.md).
"""

from __future__ import annotations

from typing import Any

__all__ = ["EXTRA_TYPES", "STAMPS", "UDF_KINDS", "field_entry", "type_entry"]

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


def field_entry(field_type: str = "string", **more: Any) -> dict[str, Any]:
    """A field in the form of the packaged field model, without its label."""
    return {"field_type": field_type, "sortable": True, **more}


def type_entry(
    label: str, collection: str, methods: list[str], fields: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """An entity type in the form of the packaged field model."""
    labelled = {
        name: {"label": name.replace("_", " ").capitalize(), **raw} for name, raw in fields.items()
    }
    return {"label": label, "collection": collection, "methods": methods, "fields": labelled}


STAMPS = {
    "creation_time": field_entry("date_time"),
    "last_modified": field_entry("date_time"),
    "version_stamp": field_entry("integer"),
}
_DEFINITION = {
    "name": field_entry(editable=True, required=True, final=True, max_length=255),
    "label": field_entry(editable=True, required=True, max_length=255),
    "description": field_entry(editable=True, max_length=4000),
    "entity_type": field_entry(editable=True, required=True, final=True),
    "list": field_entry("reference", targets=["list_node"], editable=True, final=True),
    "multiple": field_entry("boolean", editable=True, final=True),
    "is_user_defined": field_entry("boolean"),
    **STAMPS,
}
_RECORD = {
    "timestamp": field_entry("date_time"),
    "user": field_entry("reference", targets=["workspace_user"]),
    "action": field_entry(),
    "entity_type": field_entry(),
    "entity_id": field_entry(),
    "entity_name": field_entry(),
    "field_name": field_entry(),
    "old_value": field_entry(),
    "new_value": field_entry(),
}
_FLAGS = (
    "show_author", "print_title_page", "print_toc", "ignore_default_footer", "ignore_default_logo",
    "show_date", "ignore_default_header",
)  # fmt: skip
_TEXTS = ("header", "footer", "file_name", "title", "document_type", "document_orientation", "logo")

EXTRA_TYPES: dict[str, dict[str, Any]] = {
    "field_metadata": type_entry(
        "Field", "metadata_fields", ["CREATE", "GET", "UPDATE"], dict(_DEFINITION)
    ),
    **{
        kind: {**type_entry(kind, "", [], dict(_DEFINITION)), "subtype_of": "field_metadata"}
        for kind in UDF_KINDS
    },
    "audit": type_entry("Audit", "audits", ["GET"], dict(_RECORD)),
    "history_record": type_entry("History record", "history_records", ["GET"], dict(_RECORD)),
    "report_configuration": type_entry(
        "Report configuration",
        "report_configurations",
        ["GET"],
        {
            "name": field_entry(editable=True, required=True, max_length=255),
            "description": field_entry("memo", editable=True),
            "report_entries": field_entry("object", editable=True),
            **{name: field_entry("boolean", editable=True) for name in _FLAGS},
            **{name: field_entry(editable=True, max_length=255) for name in _TEXTS},
            **STAMPS,
        },
    ),
    "background_task": type_entry(
        "Background task",
        "background_tasks",
        ["GET"],
        {
            "status": field_entry(),
            "result": field_entry("object"),
            "request": field_entry("object"),
            **STAMPS,
        },
    ),
}
