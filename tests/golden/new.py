"""`python -m tests.golden.new KIND SLUG`: the first files of a flow, metric, plan or relation.

A kind and a slug in; the SQL file with its header and three golden pages out, which pass and are
to be changed step by step. `make new KIND=metric SLUG=...` calls it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from octane_flows.models.header import Header, parse_header
from octane_flows.models.macro_parameters import Parameter
from tests.golden.pages import Page, Row, format_page, with_expected

ROOT = Path(__file__).parents[2]
KINDS = ("flow", "metric", "plan", "er")
WORKSPACE_PARAMETER = Parameter(
    "workspace_id", "text", None, "workspace to look at; null means all"
)

_QUESTION = """-- Which defects are there? (write the question that the rows answer)
{source}-- grain: one defect
-- key: workspace_id, defect_id
{parameter}
-- order: workspace_id, defect_id
select
    defects.workspace_id, -- workspace that the row belongs to
    defects.work_item_id as defect_id, -- id of the defect
    defects.work_item_name as defect_name, -- name of the defect
    defects.owner_name -- full name of its owner
from er.work_items as defects
where ($workspace_id is null or defects.workspace_id = $workspace_id)
    and defects.work_item_type = 'defect'
"""
_PLAN = """-- Which requests would ...? (write the question that the rows answer)
{flow}-- grain: one item to be updated
-- key: workspace_id, step
-- writes: defect
{parameters}
-- order: workspace_id, step
select
    items.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by items.workspace_id
        order by items.{id}
    ) as step, -- place in the order of the requests of a workspace
    'update' as operation, -- create or update
    'defect' as entity_type, -- entity type that is written
    items.{id} as entity_id, -- id of the item; null: the server gives one
    cast(null as varchar) as entity_name, -- name of that item
    '{{"fields":{{}}}}' as expected, -- what must hold: fields, none and some that match a query
    '{{"name":"a new name"}}' as body, -- what is sent, as JSON
    'the reason that a user reads' as reason -- why it is sent
from flow.{slug}(
{arguments}
) as items
"""
_RELATION = """-- Which defects are there? (write the question that the rows answer)
-- source: octane.defect
-- grain: one defect of a workspace
-- key: workspace_id, defect_id
select
    defect._workspace_id as workspace_id, -- workspace that the row belongs to
    defect.id as defect_id, -- id of the defect
    defect.name as defect_name, -- name of the defect
    users.full_name as owner_name -- full name of its owner
from octane.defect as defect
left join er.users as users
    on users.workspace_id = defect._workspace_id
    and users.user_id = defect.owner_id
"""


class ScaffoldError(Exception):
    """What is asked for cannot be begun; the message says what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Write the files and say what to do next."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.new", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("slug", help="what the rows are, as in modules_with_recent_failures")
    options = parser.parse_args(arguments)
    try:
        paths = write_scaffold(ROOT, options.kind, options.slug)
    except ScaffoldError as error:
        print(error, file=sys.stderr)
        return 1
    if options.kind == "plan":
        _write_expected_rows(options.slug)
    for path in paths:
        print(f"wrote {path.relative_to(ROOT).as_posix()}")
    for number, step in enumerate(next_steps(options.kind, options.slug), start=1):
        print(f"{number}. {step}")
    return 0


def write_scaffold(root: Path, kind: str, slug: str) -> list[Path]:
    """Write the SQL file and the pages of a model below `root`; their paths, the SQL first."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug):
        raise ScaffoldError(f"'{slug}' is no slug; write lower-case words with _ between them.")
    sql_path = root / "sql" / kind / f"{slug}.sql"
    folder = root / "tests" / "golden" / (f"{kind}/{slug}" if kind in ("plan", "er") else slug)
    for path in (sql_path, folder):
        if path.exists():
            raise ScaffoldError(f"{path.relative_to(root)} is there already; choose another slug.")
    files = {sql_path: _sql(root, kind, slug)}
    files |= {folder / f"{name}.md": format_page(page) for name, page in _pages(kind, slug).items()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(files)


def next_steps(kind: str, slug: str) -> Iterator[str]:
    """What is to be done after the scaffold, a sentence each."""
    folder = f"tests/golden/{kind}/{slug}" if kind in ("plan", "er") else f"tests/golden/{slug}"
    yield f"Write the question and the SQL in sql/{kind}/{slug}.sql."
    yield f"Change the pages in {folder}: give rows, and say why each of them is there."
    test = f"pytest tests/unit/test_golden.py -k {slug}"
    yield f"{test} --golden-update {slug} writes the expected rows."
    yield "Review them with git diff, and give each of them its reason."
    yield f"{test} must pass."
    if kind == "flow":
        yield (
            "If the vendor documents it: write '-- flow: its number and title' and "
            "'-- source: its page' below the question, and its requests in "
            "src/octane_flows/parity/requests/."
        )
    if kind == "metric":
        yield "Name its chapter in METRIC_AREAS of src/octane_flows/reports/report_content.py."
    shown = kind if kind in ("flow", "metric") else None
    build = f"octane-flows build && octane-flows {shown} {slug}" if shown else "octane-flows build"
    yield f"make docs && {build} && make test"


def _sql(root: Path, kind: str, slug: str) -> str:
    if kind == "er":
        return _RELATION
    if kind == "plan":
        return _plan_sql(root, slug)
    source = "-- source: the page that its meaning comes from\n" if kind == "metric" else ""
    return _QUESTION.format(source=source, parameter=_parameter_line(WORKSPACE_PARAMETER))


def _plan_sql(root: Path, slug: str) -> str:
    path = root / "sql" / "flow" / f"{slug}.sql"
    if not path.is_file():
        raise ScaffoldError(
            f"A plan belongs to a flow, and sql/flow/{slug}.sql is not there; begin the flow first "
            f"with: python -m tests.golden.new flow {slug}"
        )
    header = parse_header(
        path.read_text(encoding="utf-8"), schema="flow", where=f"sql/flow/{path.name}"
    )
    return _PLAN.format(
        flow=_flow_line(header),
        parameters="\n".join(map(_parameter_line, header.parameters)),
        id=header.key[-1],
        slug=slug,
        arguments=",\n".join(
            f"    {parameter.name} := ${parameter.name}" for parameter in header.parameters
        ),
    )


def _flow_line(header: Header) -> str:
    if header.flow_title is None:
        return ""
    return f"-- flow: {header.flow_number} {header.flow_title}\n"


def _parameter_line(parameter: Parameter) -> str:
    default = parameter.default_sql
    return f"-- param: {parameter.name} {parameter.type} = {default} -- {parameter.meaning}"


def _pages(kind: str, slug: str) -> dict[str, Page]:
    title = slug.replace("_", " ").capitalize()
    empty = Page(
        f"{title}: empty",
        "Nothing is given but rows of the base, so there is nothing to answer.",
        base=("ada_and_bob",),
    )
    if kind == "plan":
        about = "Say in a sentence what the case is about."
        ordinary = Page(f"{title}: ordinary", about, rows_of=f"{slug}/ordinary")
        return {"ordinary": ordinary, "empty": empty}
    crash = {"id": "1", "type": "defect", "name": "Crash", "owner_id": "7"}
    expected = {"workspace_id": "1002", "defect_id": "1", "defect_name": "Crash"}
    expected_row = Row({**expected, "owner_name": "Ada L"}, "a defect with an owner")
    ordinary = Page(
        f"{title}: ordinary",
        "A defect is listed with its owner; a story is not.",
        base=("ada_and_bob",),
        given={
            "defect": (Row(crash, "Ada's"),),
            "story": (Row({"id": "2", "type": "story", "name": "Draw"}, "no defect"),),
        },
        expected=(expected_row,),
    )
    elsewhere = Row({**crash, "_workspace_id": "1003"}, "the same ids in another workspace")
    without_owner = {**expected, "workspace_id": "1003", "owner_name": None}
    wrong_join = Page(
        f"{title}: same ids in two workspaces",
        "The likeliest wrong join: ids of an item and its owner mean something else elsewhere.",
        rows_of="ordinary",
        given={"defect": (elsewhere,)},
        expected=(expected_row, Row(without_owner, "there is no user 7 in this workspace")),
    )
    return {"ordinary": ordinary, "empty": empty, "same_ids_in_two_workspaces": wrong_join}


def _write_expected_rows(slug: str) -> None:
    """Answer the pages of a new plan, whose rows are those of its flow's cases."""
    from tests.golden.cases import cases_of
    from tests.golden.warehouse import CaseWarehouse

    with CaseWarehouse(cases_of(f"plan.{slug}")) as warehouse:
        for case in warehouse.cases:
            page = with_expected(case.page, warehouse.answer(case))
            case.path.write_text(format_page(page), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
