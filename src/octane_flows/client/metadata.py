"""What the server says about its entity types and fields, as records.

The JSON of metadata/entities and metadata/fields in, `Metadata` out. Nothing is assumed that the
answers do not say; what they say in unknown ways is kept out of the way and told in `findings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

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
_VERBS: Final = {"CREATE": "POST", "UPDATE": "PUT", "READ": "GET"}


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
    """Things worth telling, each once, with where it was met first and how often."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, int]] = {}

    def add(self, what: str, where: str) -> None:
        first, times = self._found.get(what, (where, 0))
        self._found[what] = (first, times + 1)

    def texts(self) -> list[str]:
        return [
            f"{what}: {first}" + (f" and {times - 1} more" if times > 1 else "")
            for what, (first, times) in self._found.items()
        ]


def entity_names(entities: Iterable[Any]) -> list[str]:
    """The names to ask the fields for."""
    names = [entity.get("name") for entity in entities if isinstance(entity, dict)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


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
        # Every entity has both, whether the metadata lists them or not.
        for name in ("id", "type"):
            entity.fields.setdefault(
                name, Field(name, name, "string", filterable=name == "id", sortable=name == "id")
            )
        if len(entity.fields) == 2:
            findings.add("entity type without fields", entity.name)
    linked = _link_subtypes(types)
    for entity in linked.values():
        for one in entity.fields.values():
            for target in one.targets:
                if target not in linked:
                    findings.add(
                        f"reference to the unknown entity type {target}",
                        f"{entity.name}.{one.name}",
                    )
    return Metadata(linked, findings.texts())


def _entity(raw: Any, findings: _Findings) -> EntityType | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        findings.add("entity metadata without a name", "metadata/entities")
        return None
    name = raw["name"]
    for key in sorted(set(raw) - _ENTITY_KEYS):
        findings.add(f"unknown key {key} in entity metadata", name)
    features = _features(raw.get("features"), name, findings)
    rest = features.get("rest", {})
    methods = rest.get("methods")
    url = rest.get("url")
    collection = url.strip("/").rpartition("/")[2] if isinstance(url, str) else None
    if collection and not isinstance(methods, list):
        findings.add("collection without methods, taken to be readable", name)
        methods = ["GET"]
    parent = features.get("subtype_of", {}).get("type")
    return EntityType(
        name=name,
        label=_text(raw.get("label"), name),
        collection=collection or None,
        methods=frozenset(_verb(one) for one in methods or () if isinstance(one, str)),
        access_level=_text(rest.get("access_level"), "PUBLIC"),
        subtype_of=parent if isinstance(parent, str) else None,
        subtypes=tuple(_names(features.get("subtypes", {}).get("types"))),
    )


def _features(raw: Any, name: str, findings: _Findings) -> dict[str, Mapping[str, Any]]:
    if not isinstance(raw, list):
        findings.add("entity metadata without features", name)
        return {}
    return {
        one["name"]: one
        for one in raw
        if isinstance(one, dict) and isinstance(one.get("name"), str)
    }


def _add_field(raw: Any, types: dict[str, EntityType], findings: _Findings) -> None:
    owner = raw.get("entity_name") if isinstance(raw, dict) else None
    name = raw.get("name") if isinstance(raw, dict) else None
    if not isinstance(owner, str) or not isinstance(name, str):
        findings.add("field metadata without a name", "metadata/fields")
        return
    if owner not in types:
        findings.add("fields of an entity type that is not listed", f"{owner}.{name}")
        return
    place = f"{owner}.{name}"
    for key in sorted(set(raw) - _FIELD_KEYS):
        findings.add(f"unknown key {key} in field metadata", place)
    kind = _text(raw.get("field_type"), "")
    if kind not in FIELD_TYPES:
        findings.add(f"unknown field type {kind or '(none)'}", place)
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
        max_length=length if isinstance(length, int) and not isinstance(length, bool) else None,
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
            if isinstance(name, str) and name:
                names.append(name)
        if isinstance(target.get("logical_name"), str):
            list_root = list_root or target["logical_name"]
    return tuple(dict.fromkeys(names)), list_root


def _link_subtypes(types: dict[str, EntityType]) -> dict[str, EntityType]:
    """Both directions agree: what an aggregate lists, and what its subtypes say."""
    children: dict[str, list[str]] = {name: list(one.subtypes) for name, one in types.items()}
    for name, one in types.items():
        if one.subtype_of in children and name not in children[one.subtype_of]:
            children[one.subtype_of].append(name)
    parents = {child: name for name, names in children.items() for child in names}
    return {
        name: replace(
            one, subtype_of=one.subtype_of or parents.get(name), subtypes=tuple(children[name])
        )
        for name, one in types.items()
    }


def _names(raw: Any) -> list[str]:
    """Names given as texts or as objects with a type."""
    items = raw if isinstance(raw, list) else []
    texts = [one.get("type") if isinstance(one, dict) else one for one in items]
    return [one for one in texts if isinstance(one, str) and one]


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) and value else default


def _verb(name: str) -> str:
    return _VERBS.get(name.upper(), name.upper())
