"""All entities that the flows speak of, read afresh from the server, as plain records.

A workspace of the client in, `Entities` out: rows as the REST API gives them, found by kind and id.
Nothing of the lake, the warehouse or its SQL is used, so that no error of theirs is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from octane_flows.client.metadata import Metadata
from octane_flows.errors import AccessError, AnswerError, NotFoundError
from octane_flows.parity.requests import Request
from octane_flows.parity.send_requests import RestWorkspace, read_all

Row = dict[str, Any]

WORK_ITEMS = ("story", "defect", "quality_story", "feature", "epic", "work_item_root")
TESTS = ("test_manual", "gherkin_test", "test_automated", "test_suite")
RUNS = ("run_automated", "gherkin_automated_run", "run_manual", "run_suite")
REQUIREMENTS = ("requirement_document", "requirement_folder", "requirement_root")
SUITE_LINKS = (
    "test_suite_link_to_manual",
    "test_suite_link_to_gherkin",
    "test_suite_link_to_automated",
)
#: The entity types that are read; a field that the server lacks is left out.
TYPES = (
    *WORK_ITEMS, *TESTS, *RUNS, *REQUIREMENTS, *SUITE_LINKS, "task", "phase", "metaphase",
    "list_node", "workspace_user", "release", "sprint", "team", "product_area", "user_tag",
    "taxonomy_item_node", "taxonomy_category_node", "comment", "attachment", "user_item",
    "run_history", "ci_build", "ci_server", "pipeline", "pipeline_run",
)  # fmt: skip
FIELDS = frozenset(
    {
        "name", "phase", "release", "sprint", "owner", "qa_owner", "author", "parent", "severity",
        "priority", "story_points", "creation_time", "last_modified", "closed_on", "fixed_on",
        "product_areas", "run", "component", "package", "class_name", "framework",
        "automation_status", "user_tags", "covered_content", "last_runs", "test", "status",
        "native_status", "run_by", "started", "parent_suite", "build", "pipeline", "duration",
        "error_type", "error_message", "error_details", "failed_build_age", "taxonomies", "story",
        "item_type", "logical_name", "metaphase", "full_name", "is_default", "category", "text",
        "owner_test", "size", "user", "my_follow_items_test", "run_id", "test_id", "test_name",
        "test_component", "test_package", "test_class", "run_native_status", "build_id",
        "build_name", "pipeline_name", "run_started", "run_duration", "start_time", "result",
        "pipeline_run", "ci_server", "end_date", "test_suite", "order", "include_in_next_run",
    }
)  # fmt: skip


class DeepWorkspace(RestWorkspace, Protocol):
    """What is used of a workspace of the client."""

    def metadata(self) -> Metadata: ...  # noqa: D102
    def script(self, test_id: str) -> dict[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class UserField:
    """A user-defined field of an entity type."""

    entity_type: str
    name: str
    label: str
    type: str
    is_multiple: bool


@dataclass
class Entities:
    """The rows of one workspace by entity type, then by id."""

    workspace_id: str
    rows: Mapping[str, Mapping[str, Row]]
    user_fields: tuple[UserField, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)

    def of(self, *types: str) -> Iterator[Row]:
        """All rows of these types."""
        for entity_type in types:
            yield from self.rows.get(entity_type, {}).values()

    def find(self, id: str | None, *types: str) -> Row | None:
        """The row of that id among these types, which share ids."""
        for entity_type in types:
            if id is not None and id in self.rows.get(entity_type, {}):
                return self.rows[entity_type][id]
        return None

    def name(self, id: str | None, *types: str, field: str = "name") -> str | None:
        """The name of a row; None where there is none."""
        row = self.find(id, *types)
        return None if row is None else row.get(field)

    def code(self, row: Row | None, name: str, kind: str = "list_node") -> str | None:
        """The logical name of what a field refers to; its id where it has none or is gone."""
        id = None if row is None else reference(row, name)
        target = self.find(id, kind)
        return (target or {}).get("logical_name") or id

    def label(self, row: Row | None, name: str, kind: str = "list_node") -> str | None:
        """What Octane shows for what a field refers to."""
        return None if row is None else self.name(reference(row, name), kind)


def read_entities(
    workspace: DeepWorkspace, *, with_scripts: bool, more_fields: Iterable[str] = ()
) -> Entities:
    """Read all types with the fields that the flows use, and more. Raises ServerError."""
    fields_of_types = FIELDS.union(more_fields)
    metadata = workspace.metadata()
    rows: dict[str, dict[str, Row]] = {}
    user_fields: list[UserField] = []
    for name, entity_type in sorted(metadata.entity_types.items()):
        own = [
            UserField(name, it.name, it.label, it.field_type, it.multiple)
            for it in entity_type.fields.values()
            if it.is_user_defined or it.name.endswith("_udf")
        ]
        is_listed = name in TYPES
        if entity_type.collection is None or not (is_listed or (own and not entity_type.subtypes)):
            continue
        readable = {it.name for it in entity_type.fields.values() if it.selectable}
        wanted = (fields_of_types if is_listed else {"name"}) & readable
        fields = tuple(sorted({*wanted, *(it.name for it in own)}))
        try:
            answer = read_all(workspace, Request(entity_type.collection, None, fields))
        except (AccessError, NotFoundError):  # a right that is missing is missing in the lake, too
            continue
        rows[name] = {str(row["id"]): _whole(row, name) for row in answer if _is_of(row, name)}
        user_fields += own
    scripts = {}
    if with_scripts:
        scripts = {id: str(workspace.script(id)["script"]) for id in rows.get("test_manual", {})}
    return Entities(workspace.id, rows, tuple(user_fields), scripts)


def _is_of(row: Row, name: str) -> bool:
    return str(row.get("type", name)) == name


def _whole(row: Row, name: str) -> Row:
    for field_name, value in row.items():
        if (
            isinstance(value, dict)
            and "data" in value
            and value.get("total_count", 0) > len(value["data"])
        ):
            raise AnswerError(
                f"{name} {row['id']} has {value['total_count']} {field_name}, of which the server "
                f"gave {len(value['data'])}; compare this flow without --deep."
            )
    return {**row, "id": str(row["id"]), "type": name}


def reference(row: Row, name: str) -> str | None:
    """The id that a field refers to."""
    value = row.get(name)
    return str(value["id"]) if isinstance(value, dict) and "id" in value else None


def references(row: Row, name: str) -> list[str]:
    """The ids that a field refers to, of which it may hold several; each once."""
    value = row.get(name)
    data: Iterable[Row] = value["data"] if isinstance(value, dict) and "data" in value else []
    return list(dict.fromkeys(str(item["id"]) for item in data))


def moment(row: Row | None, name: str) -> datetime | None:
    """A time of a row as naive UTC."""
    text = None if row is None else row.get(name)
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def like(name: str | None, pattern: str) -> bool:
    """Whether a name is like a pattern: a star is any characters, case does not matter."""
    if name is None:
        return False
    rest = name.lower()
    first, *others = pattern.lower().split("*")
    if not others:
        return rest == first
    if not rest.startswith(first):
        return False
    rest = rest[len(first) :]
    *middle, last = others
    for part in middle:
        place = rest.find(part)
        if place < 0:
            return False
        rest = rest[place + len(part) :]
    return rest.endswith(last)


def listed(code: str | None, codes: str) -> bool:
    """Whether a code is one of those that are written with commas."""
    return code is not None and code.lower() in codes.replace(" ", "").lower().split(",")


def is_named(name: str | None, pattern: str | None) -> bool:
    """Whether a name is as asked; without a pattern all are."""
    return pattern is None or like(name, pattern)


def joined(names: Iterable[str | None]) -> str | None:
    """Names in alphabetical order in one text; None without any."""
    present = sorted(name for name in names if name is not None)
    return ", ".join(present) if present else None


def environment_names(
    entities: Entities, ids: Iterable[str], category: str | None = None, name: str | None = None
) -> tuple[int, str | None]:
    """How many environment tags are as asked, and all of these in order."""
    tags = []
    for id in ids:
        tag = entities.find(id, "taxonomy_item_node")
        if tag is None:
            continue
        group = entities.name(reference(tag, "category"), "taxonomy_category_node")
        if is_named(group, category) and is_named(tag.get("name"), name):
            tags.append((group is None, group or "", str(tag.get("name"))))
    texts = [text if is_bare else f"{group}: {text}" for is_bare, group, text in sorted(tags)]
    return len(tags), ", ".join(texts) if texts else None


def modules_of(entities: Entities, test_id: str | None) -> list[str]:
    """The ids of a test's application modules that are there."""
    test = entities.find(test_id, *TESTS)
    ids = [] if test is None else references(test, "product_areas")
    return [id for id in ids if entities.find(id, "product_area")]


def with_ancestors(entities: Entities, module_id: str) -> list[str]:
    """A module and those that contain it, from the inside."""
    chain = [module_id]
    while (row := entities.find(chain[-1], "product_area")) is not None:
        parent = reference(row, "parent")
        if parent is None or parent in chain:
            break
        chain.append(parent)
    return chain


def has_module(entities: Entities, test_id: str | None, pattern: str, subtree: bool) -> bool:
    """Whether a test belongs to a module of that name, or with `subtree` to one inside it."""
    for id in modules_of(entities, test_id):
        chain = with_ancestors(entities, id) if subtree else [id]
        if any(like(entities.name(each, "product_area"), pattern) for each in chain):
            return True
    return False


def created(row: Row) -> datetime:
    """When the row reached the server; the earliest time of all where it does not say."""
    return moment(row, "creation_time") or datetime.min


def is_not_after(params: dict[str, Any], time: datetime | None) -> bool:
    """What came after an `as_of` that was requested does not count."""
    return not params["is_as_of_given"] or (time is not None and time <= params["as_of"])
