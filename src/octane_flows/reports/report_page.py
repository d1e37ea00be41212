"""The HTML report: one file that opens without internet, replaced in one rename.

The warehouse in, `<home>/report.html` out; the command line and Dagster call `write`.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from octane_flows import warehouse
from octane_flows.changes.report_times import note_report
from octane_flows.parity.comparison_record import read_comparisons
from octane_flows.reports.report_content import HEADLINES, ROWS_SHOWN, areas, with_pictures
from octane_flows.warehouse.file_replacement import replace_file

REPORT_FILE = "report.html"


def write(home: Path) -> Path:
    """Write `<home>/report.html` from the current warehouse and return its path."""
    with warehouse.connect(home) as connection:
        text = render(connection, home)
        as_of = _first_row(connection, "select as_of from meta.generation")["as_of"]
    target = home / REPORT_FILE
    replace_file(target, text.encode("utf-8"))
    note_report(home, as_of)
    return target


def render(connection: duckdb.DuckDBPyConnection, home: Path) -> str:
    """The page as HTML text; what lies beside the warehouse is in `home`."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    generation = _first_row(connection, "select * from meta.generation")
    comparisons = read_comparisons(home, generation["generation"])
    chapters = with_pictures(areas(connection, comparisons))
    sections = {section.slug: section for area in chapters for section in area.sections}
    return environment.get_template("report.html.j2").render(
        generation=generation,
        completeness=_first_row(connection, COMPLETENESS),
        checks=_first_row(
            connection,
            "select count(*) as checks, count(*) filter (where is_passed) as passed "
            "from meta.checks",
        ),
        gaps=warehouse.gaps_of_warehouse(connection),
        areas=chapters,
        headlines=[(sections[slug], words) for slug, words in HEADLINES],
        rows_shown=ROWS_SHOWN,
        style=_asset("report.css"),
        script=_asset("report.js"),
    )


COMPLETENESS = """
select
    count(*) as entity_types,
    count(*) filter (where status in ('complete', 'carried')) as complete_types,
    coalesce(sum(coalesce(rows_held, rows_read)), 0) as rows_held,
    min(cursor_at) as cursor_at,
    min(census_at) as census_at
from meta.certificate
where entity not like 'history_log.%'
"""


def _first_row(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row: dict[str, Any] = connection.sql(sql).to_arrow_table().to_pylist()[0]
    return row


def _asset(name: str) -> str:
    return (resources.files("octane_flows.reports") / "templates" / name).read_text("utf-8")
