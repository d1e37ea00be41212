"""Test results as Octane's test-results documents, cut into parts that a server takes.

Results of `octane_flows.results` and a `Context` in, documents out; `send_results` hands them in.
Flows 15 and 16; Octane makes tests and runs of what it does not know yet.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from octane_flows.errors import UsageError
from octane_flows.results import Result, Scenario
from octane_flows.results.repaired_text import printable

NAME_LENGTH = 255  # of names, packages and classes, as the vendor's schema has it
STEP_LENGTH = 3800  # of the names of steps and scenarios
DESCRIPTION_LENGTH = 8000  # a page or two; the texts of errors are sent whole elsewhere
#: A document holds at most so many results and bytes. No page tells a limit of the server; proxies
#: before it often refuse bodies of more than 10 MB, and a part of this size is taken in seconds.
MOST_RESULTS = 10_000
MOST_BYTES = 8 * 1024**2
FIELD_TYPES = ("Test_Level", "Test_Type", "Testing_Tool_Type", "Framework")
#: What the server's own list of frameworks has; another name would be refused with the document.
FRAMEWORKS = frozenset(("JUnit", "TestNG", "NUnit", "Cucumber"))
_BROWSERS = frozenset(
    ("chromium", "firefox", "webkit", "chrome", "msedge", "edge", "safari", "mobile chrome",
     "mobile safari")
)  # fmt: skip
_DIGEST_LENGTH = 8

Identity = Literal["jenkins", "converter"]


@dataclass(frozen=True)
class Context:
    """What the results belong to; ids are Octane's, `fields` and `environment` pairs of texts."""

    server_id: str
    job_id: str
    build_id: str
    job_name: str | None = None
    build_name: str | None = None
    release_id: str | None = None
    release_name: str | None = None
    milestone_id: str | None = None
    backlog_item_ids: tuple[str, ...] = ()
    application_module_ids: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """One document: its XML and how many results it holds."""

    xml: bytes
    result_count: int


def documents(
    context: Context,
    results: Iterable[Result],
    *,
    frameworks: Mapping[str, str | None] | None = None,
    identity: Identity = "jenkins",
) -> Iterator[Document]:
    """The documents of all results, in parts. Raises UsageError for a context that is wrong.

    `frameworks` names the framework by file. Octane takes Gherkin results apart from others, and a
    framework belongs to a whole document, so each of these has documents of its own. `identity`
    tells how tests are named: with package and class apart as Jenkins and the collection tool do,
    or with the full name as class as the vendor's converter does.
    """
    check_context(context)
    groups: dict[tuple[bool, str | None], list[Result]] = {}
    for result in results:
        framework = (frameworks or {}).get(result.file)
        listed = framework if framework in FRAMEWORKS else None
        groups.setdefault((result.scenario is not None, listed), []).append(result)
    for (is_gherkin, framework), group in groups.items():
        head = _head(context, framework)
        runs = _features(group) if is_gherkin else _runs(group, context, identity)
        yield from _parts(head, runs)


def check_context(context: Context) -> None:
    """Raise UsageError for ids that are none and for choices that exclude each other."""
    if context.release_id is not None and context.release_name is not None:
        raise UsageError("A release is named by id or by name; leave one of the two out.")
    for text in (context.release_id, context.milestone_id):
        if text is not None:
            _id(text)
    for text in (*context.backlog_item_ids, *context.application_module_ids):
        _id(text)
    for kind, _ in context.fields:
        if kind not in FIELD_TYPES:
            raise UsageError(f"'{kind}' is no test field; use {', '.join(FIELD_TYPES)}.")


def _head(context: Context, framework: str | None) -> ET.Element:
    """The document without its runs; elements in the order of the vendor's schema."""
    root = ET.Element("test_result")
    build = {"server_id": context.server_id, "job_id": context.job_id, "build_id": context.build_id}
    optional = {"job_name": context.job_name, "build_name": context.build_name}
    ET.SubElement(root, "build", {**build, **{k: v for k, v in optional.items() if v is not None}})
    if context.release_id is not None:
        ET.SubElement(root, "release_ref", id=_id(context.release_id))
    if context.release_name is not None:
        ET.SubElement(root, "release", name=context.release_name)
    if context.milestone_id is not None:
        ET.SubElement(root, "milestone_ref", id=_id(context.milestone_id))
    _references(root, "backlog_items", "backlog_item_ref", context.backlog_item_ids)
    _references(root, "product_areas", "product_area_ref", context.application_module_ids)
    fields = context.fields
    if framework is not None and not any(kind == "Framework" for kind, _ in fields):
        fields = (*fields, ("Framework", framework))
    _pairs(root, "test_fields", "test_field", fields)
    _pairs(root, "environment", "taxonomy", context.environment)
    return root


def _parts(head: ET.Element, runs: Iterable[tuple[ET.Element, int]]) -> Iterator[Document]:
    opening = ET.tostring(head, encoding="unicode").removesuffix("</test_result>")
    opening = "<?xml version='1.0' encoding='utf-8'?>\n" + opening + "<test_runs>"
    closing = "</test_runs></test_result>"
    pieces: list[bytes] = []
    size = count = 0
    for run, results in runs:
        piece: bytes = ET.tostring(run, encoding="utf-8")
        if pieces and (size + len(piece) > MOST_BYTES or count + results > MOST_RESULTS):
            yield Document(b"".join([opening.encode(), *pieces, closing.encode()]), count)
            pieces, size, count = [], 0, 0
        pieces.append(piece)
        size += len(piece)
        count += results
    if pieces:
        yield Document(b"".join([opening.encode(), *pieces, closing.encode()]), count)


def _runs(
    results: Iterable[Result], context: Context, identity: Identity
) -> Iterator[tuple[ET.Element, int]]:
    for result in results:
        package, class_name = split_class(result.class_name, identity)
        name = result.name
        if identity == "jenkins" and name.endswith("()") and len(name) > len("()"):
            name = name.removesuffix("()")  # Gradle writes methods with it
        run = ET.Element("test_run", module="")
        if package:
            run.set("package", cut(package))
        if class_name:
            run.set("class", cut(class_name))
        run.set("name", cut(name))
        run.set("status", result.status)
        # the schema wants a number; an unknown duration has no other form
        run.set("duration", str(round(result.duration_ms or 0)))
        if result.started_ms is not None:
            run.set("started", str(result.started_ms))
        if result.environment:
            category = "Browser" if result.environment.lower() in _BROWSERS else "Project"
            # an environment within a run takes the place of the document's
            pairs = (*context.environment, (category, cut(result.environment)))
            _pairs(run, "environment", "taxonomy", pairs)
        if result.status == "Failed":
            _add_error(run, result)
        if description := describe(result):
            ET.SubElement(run, "description").text = description
        yield run, 1


def split_class(full_name: str, identity: Identity) -> tuple[str, str]:
    """Package and class of a full class name, as the chosen tools tell them apart."""
    if identity == "converter":
        return "", full_name
    package, _, class_name = full_name.rpartition(".")
    return package, class_name


def cut(text: str, length: int = NAME_LENGTH) -> str:
    """A name that the schema takes; of two long names with one beginning two stay two."""
    name = printable(text)
    if len(name) <= length:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: length - _DIGEST_LENGTH - 1]}~{digest}"


def describe(result: Result) -> str:
    """What a run has no field for: attempts, joined results, skip reason, owner, properties."""
    lines: list[str] = []
    if result.attempts:
        words = ", ".join(attempt.status.lower() for attempt in result.attempts)
        flaky = "; flaky" if result.is_flaky else ""
        lines.append(f"attempts: {len(result.attempts)} ({words}){flaky}")
        for number, attempt in enumerate(result.attempts, start=1):
            if attempt.error is not None and attempt.error != result.error:
                text = attempt.error.message or attempt.error.details or attempt.error.type or ""
                lines.append(f"attempt {number}: {text}")
    elif result.folded_count > 1:
        lines.append(f"joined from {result.folded_count} results of this test")
    if result.error is not None and result.status != "Failed":
        parts = (result.error.type, result.error.message, result.error.details)
        text = "\n".join(dict.fromkeys(part for part in parts if part))
        lines.append(f"{result.status.lower()}: {text}")
    if result.owner:
        lines.append(f"owner: {result.owner}")
    if result.tags:
        lines.append(f"tags: {', '.join(result.tags)}")
    lines += [f"{name}: {value}" for name, value in result.properties if name]
    if result.attachments:
        lines.append(f"attachments: {', '.join(result.attachments)}")
    return printable("\n".join(lines))[:DESCRIPTION_LENGTH]


def _add_error(run: ET.Element, result: Result) -> None:
    if result.error is None:
        return
    error = ET.SubElement(run, "error")
    for name, value in (("type", result.error.type), ("message", result.error.message)):
        if value:
            error.set(name, printable(value.strip()))
    error.text = printable(result.error.details.strip())


def _features(results: Iterable[Result]) -> Iterator[tuple[ET.Element, int]]:
    features: dict[tuple[str, str], list[tuple[Result, Scenario]]] = {}
    for result in results:
        if result.scenario is not None:
            key = (result.scenario.path, result.scenario.feature)
            features.setdefault(key, []).append((result, result.scenario))
    for (path, name), scenarios in features.items():
        first = scenarios[0][1]
        feature = ET.Element("feature", name=cut(name), path=_end_of(path or name or "feature"))
        tags = [tag.removeprefix("@") for tag in first.feature_tags]
        feature.set("tag", next((f"@{tag}" for tag in tags if tag.startswith("TID")), ""))
        starts = [result.started_ms for result, _ in scenarios if result.started_ms is not None]
        feature.set("started", str(min(starts, default=0)))
        ET.SubElement(feature, "file").text = printable(first.script or "")
        listed = ET.SubElement(feature, "scenarios")
        for result, scenario in scenarios:
            listed.append(_scenario(result, scenario))
        statuses = {result.status for result, _ in scenarios}
        status = "Failed" if "Failed" in statuses else "Skipped"
        run = ET.Element("gherkin_test_run", name=cut(name))
        run.set("duration", str(round(sum(result.duration_ms or 0 for result, _ in scenarios))))
        run.set("status", "Passed" if statuses == {"Passed"} else status)
        run.append(feature)
        yield run, len(scenarios)


def _scenario(result: Result, scenario: Scenario) -> ET.Element:
    element = ET.Element("scenario", name=cut(scenario.name, STEP_LENGTH))
    if scenario.outline_index is not None:
        element.set("outlineIndex", str(scenario.outline_index))
    element.set("status", result.status)
    steps = ET.SubElement(element, "steps")
    for each in scenario.steps:
        step = ET.SubElement(steps, "step", name=cut(each.name, STEP_LENGTH))
        step.set("duration", str(round(each.duration_ms or 0)))
        step.set("status", each.status)
        if each.error:
            ET.SubElement(step, "error_message").text = printable(each.error)
    return element


def _end_of(path: str) -> str:
    """The end of a long path tells more than its beginning."""
    return printable(path)[-NAME_LENGTH:]


def _references(root: ET.Element, group: str, name: str, ids: tuple[str, ...]) -> None:
    if ids:
        listed = ET.SubElement(root, group)
        for each in ids:
            ET.SubElement(listed, name, id=_id(each))


def _pairs(root: ET.Element, group: str, name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    if pairs:
        listed = ET.SubElement(root, group)
        for kind, value in pairs:
            ET.SubElement(listed, name, type=kind, value=value)


def _id(text: str) -> str:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"'{text}' is no id of Octane; write the number, such as 1003.")
    return text
