"""Documented requests of the flows that find what to write next: 18 to 25.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them. Where a page sends several
requests one after another, all of them stand here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from octane_flows.parity.requests.documented_requests import (
    DocumentedRequests,
    Params,
    Reading,
    Request,
    Row,
    RowSteps,
    Steps,
    identifier,
    logical_names,
    module_phrase,
    named,
    pattern,
    portions,
    subtypes,
    text,
    words,
)

#: Collections whose names are not those of their entity types with an s.
COLLECTIONS = {
    "story": "stories",
    "quality_story": "quality_stories",
    "test_manual": "manual_tests",
    "test_automated": "automated_tests",
    "run_manual": "manual_runs",
    "run_automated": "automated_runs",
    "run_suite": "suite_run",
}
OBSOLETE = "phase.test_manual.obsolete,phase.gherkin_test.obsolete"


def _reference(row: Row, field: str) -> str | None:
    value = row.get(field)
    return str(value["id"]) if value else None


def _ids(rows: Sequence[Row]) -> set[str]:
    return {str(row["id"]) for row in rows}


def _kinds(types: str, allowed: Sequence[str]) -> str | None:
    kinds = [kind for kind in words(types) if kind in allowed]
    return f"({subtypes(','.join(kinds))})" if kinds else None


def _releases(params: Params) -> RowSteps:
    """The releases of that name; the newest default one where none is named."""
    if params["release_name"] is not None:
        return (yield Request("releases", f"name EQ {pattern(params['release_name'])}"))
    rows = yield Request("releases", "is_default EQ true", ("name", "is_default"))
    return sorted(rows, key=lambda row: (len(str(row["id"])), str(row["id"])))[-1:]


def _phases(codes: str | None) -> str:
    if codes is None:
        return f"!phase EQ {{{logical_names(OBSOLETE)}}}"
    return f"phase EQ {{{logical_names(codes)}}}"


def _manual_tests_without_run(params: Params) -> Steps:
    kinds = _kinds(params["test_types"], ("test_manual", "gherkin_test"))
    module = yield from module_phrase(params)
    if kinds is None or module == "":
        return []
    phrases = [kinds, _phases(params["phase_codes"])]
    if params["owner_user_id"] is not None:
        phrases.append(f"owner EQ {{id EQ {identifier(params['owner_user_id'])}}}")
    if module is not None:
        phrases.append(module)
    test_ids: set[str] = set()
    for release in (yield from _releases(params)):
        without = f"!run EQ {{release EQ {{id EQ {identifier(str(release['id']))}}}}}"
        test_ids |= _ids((yield Request("tests", ";".join([*phrases, without]))))
    return test_ids


def _tests_to_put_into_suite(params: Params) -> Steps:
    kinds = _kinds(params["test_types"], ("test_manual", "gherkin_test", "test_automated"))
    module = yield from module_phrase(params)
    if kinds is None or module == "":
        return []
    phrases = [kinds, _phases(params["phase_codes"]), *named("user_tags", params["user_tag_name"])]
    if module is not None:
        phrases.append(module)
    if params["covered_work_item_id"] is not None:
        work_item = identifier(params["covered_work_item_id"])
        phrases.append(f"covered_content EQ {{id EQ {work_item}}}")
    test_ids = _ids((yield Request("tests", ";".join(phrases))))
    if params["test_suite_id"] is not None:
        suite = identifier(params["test_suite_id"])
        query = f"(test_suite={{id={suite}}};!test={{null}})"
        links = yield Request("test_suite_link_to_tests", query, ("test",))
        test_ids -= {_reference(link, "test") or "" for link in links}
    return test_ids


def _test_suites_without_run(params: Params) -> Steps:
    suites = yield Request("test_suites", f"name EQ {pattern(params['test_suite_name'])}")
    suite_ids: set[str] = set()
    for release in (yield from _releases(params)):
        query = f"subtype EQ 'run_suite';release EQ {{id EQ {identifier(str(release['id']))}}}"
        runs = yield Request("runs", query, ("test",))
        suite_ids |= _ids(suites) - {_reference(run, "test") or "" for run in runs}
    return suite_ids


def _work_items_without_test_task(params: Params) -> Steps:
    kinds = _kinds(params["work_item_types"], ("story", "quality_story", "defect"))
    if kinds is None:
        return []
    phrases = [kinds, *named("release", params["release_name"])]
    if params["exclude_done"]:
        phrases.append("!phase EQ {metaphase EQ {logical_name EQ ^metaphase.work_item.done^}}")
    kind = f"item_type EQ {{logical_name EQ {text(params['task_type_code'])}}}"
    tasks = yield Request("tasks", kind, ("story",))
    items = yield Request("work_items", ";".join(phrases))
    return _ids(items) - {_reference(task, "story") or "" for task in tasks}


def _stories_with_completed_tasks(params: Params) -> Steps:
    kinds = _kinds(params["work_item_types"], ("story", "quality_story", "defect"))
    if kinds is None:
        return []
    phrases = [
        kinds,
        f"!phase EQ {{{logical_names(params['done_phase_codes'])}}}",
        *named("release", params["release_name"]),
        *named("sprint", params["sprint_name"]),
    ]
    items = yield Request("work_items", ";".join(phrases))
    completed = f"phase EQ {{{logical_names(params['task_phase_codes'])}}}"
    finished = yield Request("tasks", completed, ("story",))
    unfinished = yield Request("tasks", f"!{completed}", ("story",))
    counts = Counter(_reference(task, "story") or "" for task in finished)
    open_ids = {_reference(task, "story") or "" for task in unfinished}
    return {id: {"task_count": counts[id]} for id in sorted(_ids(items) & counts.keys() - open_ids)}


def _features_with_done_stories(params: Params) -> Steps:
    kinds = _kinds(params["child_types"], ("story", "quality_story", "defect"))
    if kinds is None:
        return []
    phrases = [
        f"phase EQ {{{logical_names(params['phase_codes'])}}}",
        *named("release", params["release_name"]),
    ]
    features = _ids((yield Request("features", ";".join(phrases))))
    done = f"phase EQ {{{logical_names(params['done_phase_codes'])}}}"
    counts: Counter[str | None] = Counter()
    unfinished: set[str | None] = set()
    for ids in portions(features):
        children = f"parent EQ {{id IN {ids}}};{kinds}"
        rows = yield Request("work_items", f"{children};{done}", ("parent",))
        counts.update(_reference(row, "parent") for row in rows)
        rows = yield Request("work_items", f"{children};!{done}", ("parent",))
        unfinished |= {_reference(row, "parent") for row in rows}
    return {id: {"child_count": counts[id]} for id in sorted(features & counts.keys() - unfinished)}


def _user_defined_field_values(params: Params) -> Steps:
    fields = yield Request(
        "metadata_fields", "is_user_defined=true", ("name", "entity_type", "subtype")
    )
    names_by_type: dict[str, list[str]] = {}
    for field in fields:
        if params["entity_type"] in (None, field["entity_type"]) and _is_like(
            field["name"], params["field_name"]
        ):
            names_by_type.setdefault(field["entity_type"], []).append(field["name"])
    entity_ids: set[str] = set()
    for entity_type, names in sorted(names_by_type.items()):
        query = None
        if params["entity_id"] is not None:
            query = f"id EQ {identifier(params['entity_id'])}"
        rows = yield Request(_collection(entity_type), query, tuple(sorted(names)))
        entity_ids |= {
            str(row["id"]) for row in rows if any(_has_value(row.get(name)) for name in names)
        }
    return entity_ids


def _is_like(name: str, pattern_text: str) -> bool:
    parts = pattern_text.lower().split("*")
    return name.lower().startswith(parts[0]) and (
        len(parts) > 1 or name.lower() == pattern_text.lower()
    )


def _has_value(value: object) -> bool:
    if isinstance(value, dict) and "data" in value:
        return bool(value["data"])
    return value is not None


def _collection(entity_type: str) -> str:
    """The collection that Octane serves an entity type under, as its metadata names it."""
    return COLLECTIONS.get(entity_type, f"{entity_type}s")


def _descendants_of_items(params: Params) -> Steps:
    is_backlog = params["tree"] == "work_item"
    collection = "work_items" if is_backlog else "requirements"
    query = "parent EQ {null}"
    if params["root_ids"] is not None:
        query = f"id IN {','.join(identifier(id) for id in words(params['root_ids']))}"
    level = yield Request(collection, query, ("subtype",))
    items: set[tuple[str, str]] = set()  # type and id, because a task may have a story's id
    depth = 0
    while level:
        new = {(_type(row), str(row["id"])) for row in level} - items
        items |= new
        parents = {id for kind, id in new if kind != "task"}
        if params["max_depth"] is not None and depth >= params["max_depth"]:
            break
        level = []
        for ids in portions(parents):
            level += yield Request(collection, f"parent EQ {{id IN {ids}}}", ("subtype",))
            if is_backlog:
                level += yield Request("tasks", f"story EQ {{id IN {ids}}}")
        depth += 1
    types = params["item_types"]
    return {id for kind, id in items if types is None or kind in words(types)}


def _type(row: Row) -> str:
    return str(row.get("subtype") or row.get("type"))


DEFAULT_RELEASE = Reading(
    "The page creates the run for a release that its reader has chosen.",
    "Without a name it is the newest release that is marked as default, as the vendor's own client "
    "takes it.",
    ("release_name",),
)
CHOSEN_BY_READER = Reading(
    "The page begins with a selection that its reader has made.",
    "Every test that is not obsolete, until parameters narrow it down.",
    ("phase_codes", "application_module_name", "subtree"),
)
KINDS = Reading(
    "The page speaks of stories; its entities list quality stories and defects too.",
    "User stories alone.",
    ("work_item_types",),
)

FLOWS = {
    "manual_tests_without_run": DocumentedRequests(
        "tests",
        "test_id",
        _manual_tests_without_run,
        "reconstructed",
        (
            DEFAULT_RELEASE,
            CHOSEN_BY_READER,
            Reading(
                "A Gherkin test may be run by hand too.",
                "Manual tests, as the title says.",
                ("test_types",),
            ),
        ),
    ),
    "tests_to_put_into_suite": DocumentedRequests(
        "tests", "test_id", _tests_to_put_into_suite, "reconstructed", (CHOSEN_BY_READER,)
    ),
    "test_suites_without_run": DocumentedRequests(
        "test_suites",
        "test_suite_id",
        _test_suites_without_run,
        "reconstructed",
        (DEFAULT_RELEASE,),
    ),
    "work_items_without_test_task": DocumentedRequests(
        "work_items",
        "work_item_id",
        _work_items_without_test_task,
        "reconstructed",
        (
            KINDS,
            Reading(
                "Whether items that are done need a test task is not said.",
                "They do, as in the query.",
                ("exclude_done",),
            ),
        ),
    ),
    "stories_with_completed_tasks": DocumentedRequests(
        "work_items",
        "work_item_id",
        _stories_with_completed_tasks,
        "reconstructed",
        (KINDS,),
    ),
    "features_with_done_stories": DocumentedRequests(
        "features",
        "feature_id",
        _features_with_done_stories,
        "reconstructed",
        (
            Reading(
                "The title says stories; the page's entities list quality stories and defects too.",
                "User stories alone.",
                ("child_types", "done_phase_codes"),
            ),
        ),
    ),
    "user_defined_field_values": DocumentedRequests(
        "metadata_fields", "entity_id", _user_defined_field_values, "page"
    ),
    "descendants_of_items": DocumentedRequests(
        "work_items",
        "item_id",
        _descendants_of_items,
        "reconstructed",
        (
            Reading(
                "The page itself was not seen; that the report can hold descendants is in its "
                "title alone.",
                "Items below by parent, and the tasks of backlog items.",
                ("tree", "item_types", "max_depth"),
            ),
        ),
    ),
}
