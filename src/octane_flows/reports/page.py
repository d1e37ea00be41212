"""The HTML report: one file that opens without internet, replaced in one rename.

The warehouse in, `<home>/report.html` out; the command line and Dagster call `write`.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from octane_flows import warehouse
from octane_flows.errors import LakeError
from octane_flows.reports.content import HEADLINES, ROWS_SHOWN, areas

REPORT_FILE = "report.html"


def write(home: Path) -> Path:
    """Write `<home>/report.html` from the current warehouse and return its path."""
    with warehouse.connect(home) as connection:
        text = render(connection)
    target = home / REPORT_FILE
    replace_file(target, text.encode("utf-8"))
    return target


def replace_file(target: Path, content: bytes) -> None:
    """Write a file aside and let it take its place; readers see the old one or the new one."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LakeError(
            f"Could not write {target}: {error.strerror}; free space or choose another folder."
        ) from error


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The page as HTML text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chapters = areas(connection)
    sections = {section.slug: section for area in chapters for section in area.sections}
    return environment.get_template("report.html.j2").render(
        generation=_one(connection, "select * from meta.generation"),
        completeness=_one(connection, COMPLETENESS),
        checks=_one(
            connection,
            "select count(*) as checks, count(*) filter (where is_passed) as passed "
            "from meta.checks",
        ),
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
"""


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row: dict[str, Any] = connection.sql(sql).to_arrow_table().to_pylist()[0]
    return row


def _asset(name: str) -> str:
    return (resources.files("octane_flows.reports") / "templates" / name).read_text("utf-8")
