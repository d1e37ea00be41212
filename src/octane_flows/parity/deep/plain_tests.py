"""Flows on tests in plain Python: 3 to 5, 8, 18 to 20 and 24.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    RUNS,
    SUITE_LINKS,
    TESTS,
    Entities,
    Row,
    UserField,
    has_module,
    is_named,
    joined,
    like,
    listed,
    modules_of,
    moment,
    reference,
    references,
    with_ancestors,
)

Params = dict[str, Any]
OBSOLETE = ("phase.test_manual.obsolete", "phase.gherkin_test.obsolete")
LINKS = {
    "test_manual": "test_suite_link_to_manual",
    "gherkin_test": "test_suite_link_to_gherkin",
    "test_automated": "test_suite_link_to_automated",
}


def _owner(entities: Entities, row: Row) -> Row:
    id = reference(row, "owner")
    return {
        "owner_user_id": id,
        "owner_name": entities.name(id, "workspace_user", field="full_name"),
    }


def _test(test: Row) -> Row:
    return {"test_id": test["id"], "test_name": test.get("name"), "test_type": test["type"]}


def _phase(entities: Entities, test: Row) -> Row:
    return {
        "phase_code": entities.code(test, "phase", "phase"),
        "phase_label": entities.label(test, "phase", "phase"),
    }


def comments_on_my_manual_tests(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 3: comments on tests that the user owns or follows."""
    me = params["user_id"]
    followed = {
        reference(item, "my_follow_items_test")
        for item in entities.of("user_item")
        if reference(item, "user") == me
    }
    for comment in entities.of("comment"):
        test = entities.find(reference(comment, "owner_test"), *TESTS)
        if test is None or me is None or not listed(test["type"], params["test_types"]):
            continue
        is_mine = test["id"] in followed if params["in_my_work"] else reference(test, "owner") == me
        if is_mine:
            author = reference(comment, "author")
            yield {
                "comment_id": comment["id"],
                "comment_html": comment.get("text"),
                "comment_text": _words(comment.get("text")),
                "author_user_id": author,
                "author_name": entities.name(author, "workspace_user", field="full_name"),
                **_test(test),
                "created_at": moment(comment, "creation_time"),
                "modified_at": moment(comment, "last_modified"),
            }


def _words(text: str | None) -> str | None:
    if text is None:
        return None
    plain = html.unescape(re.sub(r"<[^>]*>", " ", text)).replace("\xa0", " ")
    return re.sub(r"[ \t\r\n\f\v]+", " ", plain).strip(" ")


def my_gherkin_tests_to_automate(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 5: Gherkin tests that the user owns, by automation status."""
    for test in entities.of("gherkin_test"):
        row = {
            "test_id": test["id"],
            "test_name": test.get("name"),
            "automation_status_code": entities.code(test, "automation_status"),
            "automation_status_label": entities.label(test, "automation_status"),
            **_phase(entities, test),
            **_owner(entities, test),
            "created_at": moment(test, "creation_time"),
            "modified_at": moment(test, "last_modified"),
        }
        if (
            params["user_id"] is not None
            and row["owner_user_id"] == params["user_id"]
            and listed(row["automation_status_code"], params["automation_status_codes"])
        ):
            yield row


def manual_test_steps_and_attachments(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 4: steps of scripts, each with the attachments that it names."""
    for test in entities.of("test_manual"):
        if params["test_id"] not in (None, test["id"]):
            continue
        if not is_named(test.get("name"), params["test_name"]):
            continue
        files = [
            file
            for file in entities.of("attachment")
            if reference(file, "owner_test") == test["id"]
            and is_named(file.get("name"), params["file_name"])
        ]
        lines: list[tuple[Row | None, Row | None]] = []
        for step in _steps(entities.scripts.get(test["id"])):
            named = [file for file in files if file["name"].lower() in step["step_text"].lower()]
            if named:
                lines += [(step, file) for file in named]
            elif params["file_name"] is None:
                lines.append((step, None))
        used = {file["id"] for _, file in lines if file}
        lines += [(None, file) for file in files if file["id"] not in used]
        lines.sort(key=_place)
        for number, (line_step, line_file) in enumerate(lines, start=1):
            yield _line(entities, test, number, line_step or {}, line_file or {})


def _place(line: tuple[Row | None, Row | None]) -> tuple[Any, ...]:
    """Steps in their order, then files that no step names; among files the oldest first."""
    step, file = line
    attached = moment(file, "creation_time") if file else None
    return (
        step is None,
        step["step_number"] if step else 0,
        attached is None,
        attached or datetime.min,
        file["id"] if file else "",
    )


def _line(entities: Entities, test: Row, number: int, step: Row, file: Row) -> Row:
    called = step.get("called_test_id")
    author = reference(file, "author")
    return {
        "test_id": test["id"],
        "line_number": number,
        "test_name": test.get("name"),
        "step_number": step.get("step_number"),
        "step_kind": step.get("step_kind"),
        "step_text": step.get("step_text"),
        "called_test_id": called,
        "called_test_name": entities.name(called, *TESTS),
        "attachment_id": file.get("id"),
        "file_name": file.get("name"),
        "file_bytes": file.get("size"),
        "author_user_id": author,
        "author_name": entities.name(author, "workspace_user", field="full_name"),
        "attached_at": moment(file, "creation_time"),
    }


def _steps(script: str | None) -> Iterator[Row]:
    """The steps of a script: each begins with a dash, and text before the first is one, too."""
    steps: list[list[str]] = []
    for line in (script or "").replace("\r", "").split("\n"):
        if not line.strip(" "):
            continue
        if line.startswith("- ") or not steps:
            steps.append([])
        steps[-1].append(line)
    for number, lines in enumerate(steps, start=1):
        called = re.match(r"- @([0-9]+)", lines[0])
        kind = "validation" if lines[0].startswith("- ?") else "call" if called else "step"
        text = re.sub(r"^- (\?|@[0-9]+)?", "", "\n".join(lines))
        yield {
            "step_number": number,
            "step_kind": kind,
            "step_text": text.strip(" "),
            "called_test_id": called and called.group(1),
        }


def tagged_automated_tests(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 8: tests with such a tag and such a module."""
    for test in entities.of(*(("test_automated",) if params["only_automated"] else TESTS)):
        tags = [
            name
            for id in references(test, "user_tags")
            if like(name := entities.name(id, "user_tag"), params["user_tag_name"])
        ]
        modules = [
            entities.name(id, "product_area")
            for id in modules_of(entities, test["id"])
            if any(
                like(entities.name(outer, "product_area"), params["application_module_name"])
                for outer in (with_ancestors(entities, id) if params["subtree"] else [id])
            )
        ]
        if tags and modules:
            yield {
                **_test(test),
                "component_name": test.get("component"),
                "package_name": test.get("package"),
                "class_name": test.get("class_name"),
                "framework_code": entities.code(test, "framework"),
                "user_tag_names": joined(tags),
                "application_module_names": joined(modules),
                **_owner(entities, test),
            }


def _is_in_phase(entities: Entities, test: Row, codes: str | None) -> bool:
    code = entities.code(test, "phase", "phase")
    return code not in OBSOLETE if codes is None else listed(code, codes)


def _releases(entities: Entities, name: str | None) -> list[Row]:
    """The releases of that name; without one the newest of the default ones."""
    if name is not None:
        return [release for release in entities.of("release") if like(release["name"], name)]
    defaults = [release for release in entities.of("release") if release.get("is_default")]
    return sorted(defaults, key=lambda release: int(release["id"]))[-1:]


def manual_tests_without_run(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 18: tests without a run in a release."""
    module = params["application_module_name"]
    runs: dict[str, list[Row]] = {}
    for run in entities.of(*RUNS):
        runs.setdefault(reference(run, "test") or "", []).append(run)
    for test in entities.of("test_manual", "gherkin_test"):
        row = {**_test(test), **_phase(entities, test), **_owner(entities, test)}
        if not (
            listed(test["type"], params["test_types"])
            and _is_in_phase(entities, test, params["phase_codes"])
            and params["owner_user_id"] in (None, row["owner_user_id"])
            and (module is None or has_module(entities, test["id"], module, params["subtree"]))
        ):
            continue
        own = runs.get(test["id"], [])
        times = [time for run in own if (time := moment(run, "creation_time")) is not None]
        for release in _releases(entities, params["release_name"]):
            if not any(reference(run, "release") == release["id"] for run in own):
                yield {
                    **row,
                    "release_id": release["id"],
                    "release_name": release["name"],
                    "last_run_created_at": max(times, default=None),
                }


def tests_to_put_into_suite(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 19: tests that a suite may be filled with and does not contain."""
    module, tag = params["application_module_name"], params["user_tag_name"]
    covered = params["covered_work_item_id"]
    suites: dict[str, set[str]] = {}
    for link in entities.of(*SUITE_LINKS):
        suites.setdefault(reference(link, "test") or "", set()).add(
            reference(link, "test_suite") or ""
        )
    for test in entities.of(*LINKS):
        own = suites.get(test["id"], set())
        tags = [entities.name(id, "user_tag") for id in references(test, "user_tags")]
        if (
            listed(test["type"], params["test_types"])
            and _is_in_phase(entities, test, params["phase_codes"])
            and (module is None or has_module(entities, test["id"], module, params["subtree"]))
            and (tag is None or any(like(name, tag) for name in tags))
            and params["test_suite_id"] not in own
            and (covered is None or covered in references(test, "covered_content"))
        ):
            modules = {entities.name(id, "product_area") for id in modules_of(entities, test["id"])}
            yield {
                **_test(test),
                "suite_link_type": LINKS[test["type"]],
                **_phase(entities, test),
                "all_application_module_names": joined(modules),
                "all_user_tag_names": joined(tags),
                "test_suite_count": len(own),
                **_owner(entities, test),
            }


def test_suites_without_run(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 20: suites without a suite run in a release."""
    for suite in entities.of("test_suite"):
        if not like(suite.get("name"), params["test_suite_name"]):
            continue
        links = [
            link
            for link in entities.of(*SUITE_LINKS)
            if reference(link, "test_suite") == suite["id"]
        ]
        included = [link for link in links if link.get("include_in_next_run") is not False]
        included.sort(key=lambda link: (link.get("order") is None, link.get("order"), link["id"]))
        names = [entities.name(reference(link, "test"), *TESTS) for link in included]
        runs = [run for run in entities.of("run_suite") if reference(run, "test") == suite["id"]]
        last = max(runs, key=lambda run: (moment(run, "creation_time"), run["id"]), default=None)
        for release in _releases(entities, params["release_name"]):
            if any(reference(run, "release") == release["id"] for run in runs):
                continue
            yield {
                "test_suite_id": suite["id"],
                "test_suite_name": suite.get("name"),
                "release_id": release["id"],
                "release_name": release["name"],
                "included_test_count": len(included),
                "left_out_test_count": len(links) - len(included),
                "included_test_names": ", ".join(name for name in names if name) or None,
                "last_suite_run_id": last and last["id"],
                "last_status_code": entities.code(last, "status"),
                "last_started_at": moment(last, "started"),
                **_owner(entities, suite),
            }


def user_defined_field_values(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 24: the values of user-defined fields, each in a row."""
    for field in entities.user_fields:
        if params["entity_type"] not in (None, field.entity_type):
            continue
        if not like(field.name, params["field_name"]):
            continue
        for item in entities.of(field.entity_type):
            if params["entity_id"] in (None, item["id"]):
                for kind, value in _values(item, field):
                    yield {
                        "entity_type": field.entity_type,
                        "entity_id": item["id"],
                        "entity_name": item.get("name"),
                        "field_name": field.name,
                        "field_label": field.label,
                        "field_type": field.type,
                        "is_multiple": field.is_multiple,
                        "value_type": kind,
                        "value": value,
                        "value_label": _label(entities, kind, value),
                    }


def _values(item: Row, field: UserField) -> Iterator[tuple[str, str]]:
    value = item.get(field.name)
    if value is None:
        return
    if field.type == "reference":
        for item_reference in value["data"] if field.is_multiple else [value]:
            yield str(item_reference["type"]), str(item_reference["id"])
    elif field.type == "date_time":
        time = moment(item, field.name)
        yield field.type, str(time)
    elif isinstance(value, bool):
        yield field.type, str(value).lower()
    else:
        yield field.type, str(value)


def _label(entities: Entities, kind: str, value: str) -> str:
    if kind == "workspace_user":
        return entities.name(value, kind, field="full_name") or value
    if kind in ("list_node", "release", "team"):
        return entities.name(value, kind) or value
    return value


FLOWS = {
    "comments_on_my_manual_tests": comments_on_my_manual_tests,
    "my_gherkin_tests_to_automate": my_gherkin_tests_to_automate,
    "manual_test_steps_and_attachments": manual_test_steps_and_attachments,
    "tagged_automated_tests": tagged_automated_tests,
    "manual_tests_without_run": manual_tests_without_run,
    "tests_to_put_into_suite": tests_to_put_into_suite,
    "test_suites_without_run": test_suites_without_run,
    "user_defined_field_values": user_defined_field_values,
}
