"""What the server says about its entity types and fields, as records.

The JSON of metadata/entities and metadata/fields in, `Metadata` out. A key or type that this module
does not know is not used; `findings` names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeGuard

__all__ = ["FIELD_TYPES", "EntityType", "Field", "Metadata", "entity_names", "parse_metadata"]

FIELD_TYPES: Final = frozenset(
    ["integer", "float", "boolean", "date_time", "date", "string", "memo", "object", "reference"]
)
_ENTITY_KEYS: Final = frozenset(
    ["type", "id", "name", "label", "description", "features", "can_modify_label", "activity_level"]
)
_FIELD_KEYS: Final = frozenset([
    "type", "id", "entity_name", "name", "label", "description", "field_type",
    "field_type_data", "is_user_defined", "visible_in_ui", "filterable", "selectable",
    "sortable", "groupable", "auditable", "returned_by_default", "required", "unique",
    "editable", "final", "sanitization", "max_length", "min_value", "max_value", "format",
    "access_level", "accessible_via_business_rules", "can_modify_label",
    "can_modify_description", "can_modify_required", "can_modify_format",
    "can_modify_max_length", "can_modify_unique", "can_modify_editable",
    "can_modify_sanitization", "can_modify_auditable", "field_features", "auto_generated",
    "inBusinessRule", "activity_level", "default_value",
])  # fmt: skip
#: Octane's own names have lower case letters, digits and underscores; two underscores in a row
#: stand in the names of link tables alone.
_ENTITY_NAME: Final = re.compile(r"(?!.*__)[A-Za-z_][A-Za-z0-9_]{0,99}")
_COLLECTION: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MAX_FIELD_NAME: Final = 200
_METHODS: Final = {"CREATE": "POST", "UPDATE": "PUT", "READ": "GET"}


@dataclass(frozen=True)
class Field:
    """One field of an entity type; `targets` are entity types, `list_root` a list's name."""

    name: str
    label: str
    field_type: str
    is_reference: bool = False
    multiple: bool = False
    targets: tuple[str, ...] = ()
    list_root: str | None = None
    filterable: bool = False
    sortable: bool = False
    selectable: bool = True
    editable: bool = False
    required: bool = False
    is_user_defined: bool = False
    max_length: int | None = None
    access_level: str = "PUBLIC"
    description: str = ""


@dataclass(frozen=True)
class EntityType:
    """One entity type; `collection` is None where the server offers none to read."""

    name: str
    label: str
    collection: str | None = None
    methods: frozenset[str] = frozenset()
    access_level: str = "PUBLIC"
    subtype_of: str | None = None
    subtypes: tuple[str, ...] = ()
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class Metadata:
    """Everything one workspace says about itself."""

    entity_types: dict[str, EntityType]
    findings: list[str]


class _Findings:
    """Each kind of finding once, with the first place and the number of places."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, int]] = {}

    def add(self, kind: str, place: str) -> None:
        first, count = self._places.get(kind, (place, 0))
        self._places[kind] = (first, count + 1)

    def texts(self) -> list[str]:
        return [
            f"{kind}: {first}" + (f" and {count - 1} more" if count > 1 else "")
            for kind, (first, count) in self._places.items()
        ]


def entity_names(entities: Iterable[Any]) -> list[str]:
    """The names of the entity types whose fields are to be read."""
    names = [entity.get("name") for entity in entities if isinstance(entity, dict)]
    return list(dict.fromkeys(name for name in names if _is_entity_name(name)))


def _is_entity_name(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and _ENTITY_NAME.fullmatch(name) is not None


def _is_requestable(name: str) -> bool:
    """Whether a field can be requested by its name, which stands in a list with commas."""
    return 0 < len(name) <= _MAX_FIELD_NAME and name.isprintable() and "," not in name


def parse_metadata(entities: Iterable[Any], fields: Iterable[Any]) -> Metadata:
    """Build the records from the `data` lists of both answers."""
    findings = _Findings()
    types: dict[str, EntityType] = {}
    for raw in entities:
        entity = _entity(raw, findings)
        if entity is not None:
            types[entity.name] = entity
    for raw in fields:
        _add_field(raw, types, findings)
    for entity in types.values():
        # Every entity has both, also where the metadata does not list them.
        for name in ("id", "type"):
            entity.fields.setdefault(
                name, Field(name, name, "string", filterable=name == "id", sortable=name == "id")
            )
        if len(entity.fields) == 2:
            findings.add("entity type without fields", entity.name)
    linked = _link_subtypes(types)
    for entity in linked.values():
        for entity_field in entity.fields.values():
            for target in entity_field.targets:
                if target not in linked:
                    findings.add(
                        f"reference to the unknown entity type {_shown(target)}",
                        f"{entity.name}.{entity_field.name}",
                    )
    return Metadata(linked, findings.texts())


def _entity(raw: Any, findings: _Findings) -> EntityType | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        findings.add("entity metadata without a name", "metadata/entities")
        return None
    name = raw["name"]
    if not _is_entity_name(name):
        findings.add("entity type whose name cannot be a table, left out", _shown(name))
        return None
    for key in sorted(set(raw) - _ENTITY_KEYS):
        findings.add(f"unknown key {_shown(key)} in entity metadata", name)
    features = _features(raw.get("features"), name, findings)
    rest = features.get("rest", {})
    methods = rest.get("methods")
    url = rest.get("url")
    collection = url.strip("/").rpartition("/")[2] if isinstance(url, str) else None
    if collection and not _COLLECTION.fullmatch(collection):
        findings.add("collection whose name cannot be requested, left out", name)
        collection = None
    if collection and not isinstance(methods, list):
        findings.add("collection without methods, which counts as readable", name)
        methods = ["GET"]
    parent = features.get("subtype_of", {}).get("type")
    return EntityType(
        name=name,
        label=_text(raw.get("label"), name),
        collection=collection or None,
        methods=frozenset(_method(text) for text in methods or () if isinstance(text, str)),
        access_level=_text(rest.get("access_level"), "PUBLIC"),
        subtype_of=parent if _is_entity_name(parent) else None,
        subtypes=tuple(_names(features.get("subtypes", {}).get("types"))),
    )


def _features(raw: Any, name: str, findings: _Findings) -> dict[str, Mapping[str, Any]]:
    if not isinstance(raw, list):
        findings.add("entity metadata without features", name)
        return {}
    return {
        feature["name"]: feature
        for feature in raw
        if isinstance(feature, dict) and isinstance(feature.get("name"), str)
    }


def _add_field(raw: Any, types: dict[str, EntityType], findings: _Findings) -> None:
    owner = raw.get("entity_name") if isinstance(raw, dict) else None
    name = raw.get("name") if isinstance(raw, dict) else None
    if not isinstance(owner, str) or not isinstance(name, str):
        findings.add("field metadata without a name", "metadata/fields")
        return
    place = f"{_shown(owner)}.{_shown(name)}"
    if owner not in types:
        findings.add("fields of an entity type that is not listed", place)
        return
    if not _is_requestable(name):
        findings.add("field whose name cannot be requested, left out", place)
        return
    for key in sorted(set(raw) - _FIELD_KEYS):
        findings.add(f"unknown key {_shown(key)} in field metadata", place)
    kind = _text(raw.get("field_type"), "")
    if kind not in FIELD_TYPES:
        findings.add(f"unknown field type {_shown(kind) or '(none)'}", place)
    data = raw.get("field_type_data")
    data = data if isinstance(data, dict) else {}
    targets, list_root = _targets(data.get("targets"))
    is_reference = kind == "reference"
    if is_reference and not targets:
        findings.add("reference without targets", place)
    length = raw.get("max_length")
    types[owner].fields[name] = Field(
        name=name,
        label=_text(raw.get("label"), name),
        field_type=kind,
        is_reference=is_reference,
        multiple=is_reference and data.get("multiple") is True,
        targets=targets,
        list_root=list_root,
        filterable=raw.get("filterable") is True,
        sortable=raw.get("sortable") is True,
        selectable=raw.get("selectable") is not False,  # older servers do not say
        editable=raw.get("editable") is True,
        required=raw.get("required") is True,
        is_user_defined=raw.get("is_user_defined") is True,
        max_length=length if type(length) is int and 0 <= length < 2**63 else None,
        access_level=_text(raw.get("access_level"), "PUBLIC"),
        description=_text(raw.get("description"), ""),
    )


def _targets(raw: Any) -> tuple[tuple[str, ...], str | None]:
    names: list[str] = []
    list_root: str | None = None
    for target in raw if isinstance(raw, list) else []:
        if not isinstance(target, dict):
            continue
        for name in (target.get("type"), *_names(target.get("types"))):
            if _is_entity_name(name):
                names.append(name)
        if isinstance(target.get("logical_name"), str):
            list_root = list_root or _text(target["logical_name"], "") or None
    return tuple(dict.fromkeys(names)), list_root


def _link_subtypes(types: dict[str, EntityType]) -> dict[str, EntityType]:
    """Make both directions agree: the subtypes of an aggregate, and the aggregate of a subtype."""
    children: dict[str, list[str]] = {name: list(entity.subtypes) for name, entity in types.items()}
    for name, entity in types.items():
        if entity.subtype_of in children and name not in children[entity.subtype_of]:
            children[entity.subtype_of].append(name)
    parents = {child: name for name, names in children.items() for child in names}
    return {
        name: replace(
            entity,
            subtype_of=entity.subtype_of or parents.get(name),
            subtypes=tuple(children[name]),
        )
        for name, entity in types.items()
    }


def _names(raw: Any) -> list[str]:
    """Names given as texts or as objects with a type."""
    items = raw if isinstance(raw, list) else []
    names = [item.get("type") if isinstance(item, dict) else item for item in items]
    return [name for name in names if _is_entity_name(name)]


def _text(value: Any, default: str) -> str:
    """A text that can be stored and shown; half a character (a lone surrogate) is U+FFFD."""
    if not isinstance(value, str) or not value:
        return default
    if value.isprintable():
        return value
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", " ")


def _shown(text: str) -> str:
    """A text of the server as part of a finding: printable and short."""
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable if len(printable) <= 60 else printable[:57] + "..."


def _method(name: str) -> str:
    return _METHODS.get(name.upper(), name.upper())
