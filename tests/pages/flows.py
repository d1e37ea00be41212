"""A page about every flow: its question, parameters, columns and documented requests, as Markdown.

Nothing in, the text of `docs/flows.md` out; `make docs` writes it, and a test says it is fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from octane_flows.er_diagrams import areas_of, mermaid_text, question_diagram
from octane_flows.parity.compare_values import MOST_VALUES
from octane_flows.parity.requests import DOCUMENTED_REQUESTS, DocumentedRequests, Request
from octane_flows.parity.shown_values import SHOWN_VALUES
from octane_flows.questions.catalogue import Question, documented_flows, list_questions
from octane_flows.questions.run_question import parse_parameters
from tests.pages.markdown import anchor

#: What a page's requests are shown with: its "my ID is 1001", and a moment for "now".
SHOWN = {"as_of": datetime(2021, 1, 20, 21), "user_id": "1001", "signed_in_user_id": "1001"}
MOST_REQUESTS = 12
#: What the documented requests count themselves.
COUNTED = {
    "stories_with_completed_tasks": ("task_count",),
    "features_with_done_stories": ("child_count",),
}
WORDING = {
    "page": "The requests are those of the vendor's page.",
    "partly": "The beginning stands on the vendor's page; the last step is reconstructed from "
    "the page's entities and steps.",
    "reconstructed": "The page's own requests were not seen; these are reconstructed from its "
    "title and a server's field model.",
}
HEAD = """# The flows

Each flow is a table macro, `flow.<slug>(name := value, ...)`, a command,
`octane-flows flow <slug> --param name=value`, and a comparison with the live server,
`octane-flows verify <slug>`. This page is generated from the headers of `sql/flow` and the requests
of `parity/requests` by `make docs`.

- Names of releases, sprints, modules, tags and environments are compared as Octane does it: `*`
  stands for any characters, and case does not matter.
- Labels, logins and names are taken for codes and ids: `severity_codes=High`, `user_id=ann`. A
  value that no row has is named with the nearest ones, as a warning or, with `--strict`, as an
  error. Macros called from SQL take codes and ids alone;
  `er.unknown_values('flow.my_new_stories', 'release_name', '2023')` tells what no row has, and
  `meta.accepted_values` has all values.
- A release that is not given is any release, or none. Flows 18 and 20 take the default release,
  because what they find is planned into one release.
- A user that is not given is anybody. `user_id` of the flows of My Work is who signed in, because
  they ask for what is yours.
- Lists of logical names and kinds are written with commas. `--param name=` (nothing behind the
  equals sign) means null.
- "Me" is who signed in to extract, found by name among the users of each workspace. Where it is
  none of them, "me" is nobody and the answer is empty.
- `as_of` is the server's time when the extract began, unless it is given. What a past `as_of`
  cannot tell stands below the columns, under "past", and in a warning;
  `octane-flows flow <slug> --as-of <time>` answers from what was read until then.
- Links open the item in Octane: `/ui/entity-navigation?p={space}/{workspace}&entityType=&id=`, with
  `work_item` for every kind of work item, `test` for tests and `run` for runs; the vendor's clients
  show this address for work items, the others follow it.
"""
HEAD_OF_OWN = """# Flows of your own

They have a macro, a command, a method and a place in the report as every flow. They are not part of
the vendor's documentation, so there is nothing to compare them with.
"""


def flow_pages() -> str:
    """All pages in one text: the documented flows by number, then the flows of one's own."""
    pages = [HEAD, *(_documented_page(flow) for flow in documented_flows())]
    if own := own_flows():
        pages += [HEAD_OF_OWN, *(_own_page(flow) for flow in own)]
    return "\n".join(pages)


def own_flows() -> list[Question]:
    """The flows that the vendor's documentation does not have."""
    return [flow for flow in list_questions("flow") if not flow.is_documented]


def heading(flow: Question) -> str:
    """The heading of a flow's page."""
    if flow.is_documented:
        return f"{flow.number}. {flow.title}: `{flow.slug}`"
    return f"`{flow.slug}`"


def _documented_page(flow: Question) -> str:
    documented = DOCUMENTED_REQUESTS[flow.slug]
    sources = ", ".join(f"<{source}>" for source in flow.source.split("; "))
    lines = [
        *_answer(flow, f" Page: {sources}"),
        f"Documented requests, compared by `{documented.key}`. {WORDING[documented.wording]}"
        f"{_example(documented)}",
        "",
        *(f"    {_shown(request)}" for request in sample_requests(flow, documented)),
        "",
        *_compared(flow),
        *_readings(documented),
    ]
    return "\n".join(lines)


def _compared(flow: Question) -> list[str]:
    """The columns that are compared with the server beside the ids."""
    columns = [*SHOWN_VALUES.get(flow.slug, {}), *COUNTED.get(flow.slug, ())]
    if not columns:
        return ["`verify` compares the ids, `verify --deep` all columns.", ""]
    return [
        f"`verify` compares the ids and, for up to {MOST_VALUES} rows, {_listed(columns)}; "
        "`verify --deep` all columns of all rows.",
        "",
    ]


def _own_page(flow: Question) -> str:
    return "\n".join(_answer(flow, f" Read from {flow.source}." if flow.source else ""))


def _answer(flow: Question, source: str) -> list[str]:
    """What a flow asks, its parameters and columns."""
    return [
        f"## {heading(flow)}",
        "",
        flow.text,
        "",
        f"One row is {flow.grain}. Key: {', '.join(f'`{name}`' for name in flow.key)}.{source}",
        "",
        *_parameters(flow),
        "| column | meaning |",
        "|---|---|",
        *(f"| `{column.name}` | {column.meaning} |" for column in flow.columns),
        "",
        *(f"{note.topic.capitalize()}: {note.text}.\n" for note in flow.notes),
        *_diagram(flow),
    ]


def _diagram(flow: Question) -> list[str]:
    """The areas that a flow belongs to, its key points, and what it reads and joins by."""
    diagram = question_diagram(flow.name)
    areas = areas_of([box.name for box in diagram.boxes])
    linked = ", ".join(f"[{area.title}](er.md#{anchor(area.title)})" for area in areas)
    points = [
        f"- `{line.source}.{line.column}` leads to `{line.target}`"
        + (
            f", by the REST field{_plural(line.field_names)} {_listed(line.field_names)}."
            if line.field_names
            else "."
        )
        for line in diagram.lines
    ]
    return [
        f"Areas: {linked}." if linked else "Areas: none of the documented ones.",
        "",
        "Key points:",
        "",
        f"- The question reads {_listed(box.name for box in diagram.boxes)}.",
        *points,
        "",
        "```mermaid",
        mermaid_text(diagram).rstrip(),
        "```",
        "",
    ]


def _plural(names: Sequence[str]) -> str:
    return "s" if len(names) > 1 else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _example(documented: DocumentedRequests) -> str:
    example = ", ".join(f"`{name}={value}`" for name, value in documented.example)
    return f" With the page's example {example}:" if example else ""


def _parameters(flow: Question) -> list[str]:
    if not flow.parameters:
        return []
    rows = [
        f"| `{parameter.name}` | {parameter.type} | `{parameter.default_sql}` | "
        f"{parameter.meaning} |"
        for parameter in flow.parameters
    ]
    return ["| parameter | type | default | meaning |", "|---|---|---|---|", *rows, ""]


def _readings(documented: DocumentedRequests) -> list[str]:
    if not documented.readings:
        return []
    lines = ["Where the page leaves a choice:", ""]
    for reading in documented.readings:
        names = ", ".join(f"`{name}`" for name in reading.parameters)
        other = f" The other reading: {names}." if names else ""
        lines.append(f"- {reading.unclear} Taken: {reading.taken}{other}")
    return [*lines, ""]


def _shown(request: Request) -> str:
    parameters = []
    if request.fields != ("id",):
        parameters.append(f"fields={','.join(request.fields)}")
    if request.query is not None:
        parameters.append(f'query="{request.query}"')
    return f"GET {request.collection}{'?' if parameters else ''}{'&'.join(parameters)}"


def sample_requests(flow: Question, documented: DocumentedRequests) -> list[Request]:
    """The requests with the page's example; each answer is taken to hold one row."""
    given = flow.defaults | dict(documented.example)
    params: dict[str, Any] = {**parse_parameters(flow, given), **SHOWN}
    return list(_driven(documented, params))


def _driven(documented: DocumentedRequests, params: dict[str, Any]) -> Iterator[Request]:
    steps = documented.steps(params)
    try:
        request = next(steps)
        for _ in range(MOST_REQUESTS):
            yield request
            row = {name: _Sample(f"<{name}>") for name in request.fields}
            request = steps.send([{**row, "id": "1001"}])
    except StopIteration:
        return


class _Sample(str):
    """A value of an answer that nobody has seen: a text, and a reference to 1001."""

    def __getitem__(self, key: Any) -> str:
        return "1001" if key == "id" else super().__getitem__(key)
