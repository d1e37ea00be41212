"""The HTML report: pages in one file that opens without internet, replaced in one rename.

The warehouse in, `<home>/report.html` out; the command line and Dagster call `write`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import jinja2

from octane_flows import warehouse
from octane_flows.changes.change_list import Change, ChangeGroup, total
from octane_flows.changes.change_texts import details_of
from octane_flows.changes.report_times import note_report
from octane_flows.config.site import load_site
from octane_flows.gate.trust import doubts
from octane_flows.parity.comparison_record import read_comparisons
from octane_flows.reports.report_content import pages, with_comparisons, with_pictures
from octane_flows.reports.report_parts import Page
from octane_flows.reports.report_place import report_source
from octane_flows.reports.report_sections import ROWS_SHOWN, Choice
from octane_flows.reports.report_tables import UTC_ZONE
from octane_flows.warehouse.file_replacement import replace_file

REPORT_FILE = "report.html"
FEWEST_ROWS: Final = 5  # of a table, however full the page is
MOST_BYTES: Final = 8_000_000  # of the file, whatever the workspaces: tables get shorter
CHANGES_SHOWN: Final = 10  # of a kind
#: Where the page has another number under the words that a letter uses.
CHANGE_TITLES: Final = {"newly_failing": "Tests that began to fail"}


@dataclass(frozen=True)
class Made:
    """The pages of a report, what they are about, and which file of the warehouse they tell of."""

    warehouse_file: tuple[int, ...]
    choice: Choice
    pages: list[Page]


#: The pages that `write` kept, by data folder: each until `write_comparisons` takes them.
_kept: dict[Path, Made] = {}


def write(
    home: Path,
    output: Path | None = None,
    *,
    past: duckdb.DuckDBPyConnection | None = None,
    keep: bool = False,
) -> Path:
    """Write `<home>/report.html`, or `output`, from the current warehouse and return its path.

    `past`: an opened warehouse of the past; its report has the moment in its name. `keep`: the
    pages stay in memory for `write_comparisons`.
    """
    zone = ZoneInfo(load_site(os.environ).time_zone)
    warehouse_file = _identity(home)
    with report_source(home, past) as (connection, moment):
        made = Made(warehouse_file, *_made(connection, home, zone))
        text = _whole_text(connection, home, made.choice, made.pages)
    if keep:
        _kept[home] = made
    current = home / REPORT_FILE
    target = output or current.with_stem(current.stem + moment)
    replace_file(target, text.encode("utf-8"))
    if past is None and os.access(home, os.W_OK):  # readers of the folder have no last report
        note_report(home, made.choice.as_of)
    return target


def write_comparisons(home: Path) -> Path:
    """Write the report of this warehouse again, with what `verify` has said since.

    Where this process kept its pages, no question is answered a second time.
    """
    made = _kept.pop(home, None)
    if made is None or made.warehouse_file != _identity(home):
        return write(home)
    with report_source(home, None) as (connection, _):
        if made.warehouse_file != _identity(home):
            return write(home)
        comparisons = read_comparisons(home, _generation(connection)["generation"])
        pages_compared = with_comparisons(made.pages, comparisons, made.choice.zone)
        text = _whole_text(connection, home, made.choice, pages_compared)
    replace_file(home / REPORT_FILE, text.encode("utf-8"))
    note_report(home, made.choice.as_of)
    return home / REPORT_FILE


def _identity(home: Path) -> tuple[int, ...]:
    """What tells the published file of a warehouse from those before and after it."""
    try:
        status = warehouse.warehouse_path(home).stat()
    except FileNotFoundError:
        return ()  # opening it says what is missing
    return status.st_ino, status.st_mtime_ns, status.st_size


def render(connection: duckdb.DuckDBPyConnection, home: Path, zone: ZoneInfo = UTC_ZONE) -> str:
    """The pages as HTML text; what lies beside the warehouse is in `home`."""
    return _whole_text(connection, home, *_made(connection, home, zone))


def _generation(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return _first_row(connection, "select * from meta.generation")


def _made(
    connection: duckdb.DuckDBPyConnection, home: Path, zone: ZoneInfo
) -> tuple[Choice, list[Page]]:
    """The pages with their pictures, and what they are about."""
    generation = _generation(connection)
    comparisons = read_comparisons(home, generation["generation"])
    names = warehouse.workspace_names(connection)
    workspaces = tuple(names)
    choice = Choice(
        as_of=generation["as_of"],
        zone=zone,
        workspaces=workspaces or ("",),
        workspace_names=names,
        rows=max(FEWEST_ROWS, ROWS_SHOWN // max(1, len(workspaces))),
        doubts={workspace: _doubts(connection, workspace) for workspace in workspaces},
    )
    return choice, with_pictures(pages(connection, comparisons, choice))


def _whole_text(
    connection: duckdb.DuckDBPyConnection, home: Path, choice: Choice, made: list[Page]
) -> str:
    """The pages as HTML with as many rows a table as the bytes allow."""
    generation = _generation(connection)
    return within_bytes(
        lambda rows: _text(connection, home, generation, made, choice, rows), choice.rows
    )


def within_bytes(text_of: Callable[[int], str], rows: int, most: int = MOST_BYTES) -> str:
    """The text with the most rows a table, by halves of `rows`, that has at most `most` bytes.

    One row a table stays, whatever its bytes.
    """
    text = text_of(rows)
    while rows > 1 and len(text.encode()) > most:
        rows //= 2
        text = text_of(rows)
    return text


def _doubts(connection: duckdb.DuckDBPyConnection, workspace: str) -> tuple[str, ...]:
    """What stands against the numbers of a workspace; ages count from now and have no bound."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return tuple(doubts(connection, workspace, now=now, max_age=None))


def _text(
    connection: duckdb.DuckDBPyConnection,
    home: Path,
    generation: dict[str, Any],
    made: list[Page],
    choice: Choice,
    rows: int,
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = "{:,}".format
    environment.filters["workspace"] = choice.label
    moment = generation["as_of"].replace(tzinfo=UTC).astimezone(choice.zone)
    return environment.get_template("report.html.j2").render(
        generation=generation,
        as_of=f"{moment:%Y-%m-%d %H:%M} {choice.zone.key}",
        completeness=completeness(connection),
        checks=_first_row(
            connection,
            "select count(*) as checks, count(*) filter (where is_passed) as passed "
            "from meta.checks",
        ),
        gaps=warehouse.gaps_of_warehouse(connection),
        pages=made,
        workspaces=[page for page in made if page.title == "Today"],
        is_shared=len(choice.workspaces) > 1,
        rows_shown=rows,
        changes_shown=CHANGES_SHOWN,
        titles=CHANGE_TITLES,
        details_of=details_of,
        counted=counted,
        newest_first=newest_first,
        files={path.stem for path in (home / "report-csv").glob("*.csv")},
        has_workbook=(home / "report.xlsx").is_file(),
        style=_asset("report.css"),
        script=_asset("report.js"),
    )


def counted(group: ChangeGroup) -> str:
    """How many tests, defects, items or runs a kind of change is about: tests and not rows."""
    if any(change.item_type != "test" for change in group.changes):
        return f"{total(group):,}"
    tests = len({(change.workspace_id, change.item_id) for change in group.changes})
    rows = len(group.changes)
    return f"{tests:,}" if rows == tests else f"{tests:,} in {rows:,} environments and pipelines"


def newest_first(group: ChangeGroup) -> list[Change]:
    """The changes of a kind, newest first; what still fails stays oldest first, as it says."""
    if group.code == "still_failing":
        return list(group.changes)
    return sorted(group.changes, key=lambda change: change.since_at or datetime.min, reverse=True)


def completeness(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the footer says of the data: how much is there, and how far that is known."""
    figures = _first_row(connection, COMPLETENESS)
    if figures["census_at"] is None:
        census = ", not compared with the server's ids by a census, so deletions may be missing"
    else:
        days, never = figures["census_age_days"], figures["types_without_census"]
        age = f", {days} day{'s' if days > 1 else ''} before this state" if days > 0 else ""
        census = f", compared with the server's ids at {figures['census_at']:%Y-%m-%d %H:%M} UTC"
        census += f" or later{age}" + (
            f", {never:,} type{'s' if never > 1 else ''} never" if never else ""
        )
    return {**figures, "census": census}


COMPLETENESS = """
select
    count(*) as entity_types,
    count(*) filter (where status in ('complete', 'carried')) as complete_types,
    coalesce(sum(coalesce(rows_held, rows_read)), 0) as rows_held,
    min(cursor_at) as cursor_at,
    min(census_at) as census_at,
    date_diff('day', min(census_at), (select min(as_of) from meta.generation)) as census_age_days,
    count(*) filter (where census_at is null and status in ('complete', 'carried'))
        as types_without_census
from meta.certificate
where entity not like 'history_log.%'
"""


def _first_row(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row: dict[str, Any] = connection.sql(sql).to_arrow_table().to_pylist()[0]
    return row


def _asset(name: str) -> str:
    return (resources.files("octane_flows.reports") / "templates" / name).read_text("utf-8")
