"""The HTML report: the flows' answers, two pictures, the completeness line.

The warehouse in, one self-contained file out, replaced in one rename.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa

from octane_flows import warehouse
from octane_flows.errors import LakeError
from octane_flows.flows import Flow, list_flows, run_flow
from octane_flows.reports import plots

REPORT_FILE = "report.html"
ROWS_SHOWN = 50  # a page is read, not searched: the command for all rows stands beside it
TESTS_SHOWN = 15


@dataclass(frozen=True)
class Section:
    """One flow's answer as the page shows it."""

    flow: Flow
    columns: list[str]
    rows: list[list[str]]
    row_count: int


def write(home: Path) -> Path:
    """Write `<home>/report.html` from the current warehouse and return its path."""
    with warehouse.connect(home) as connection:
        text = _render(connection)
    target = home / REPORT_FILE
    temporary = target.with_name(f".{REPORT_FILE}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LakeError(
            f"Could not write {target}: {error.strerror}; free space or choose another OCTANE_HOME."
        ) from error
    return target


def _render(connection: duckdb.DuckDBPyConnection) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    weeks = _rows(
        connection,
        "select environment_label, week_date, result_count, failed_count "
        "from metric.results_per_week() order by environment_label, week_date",
    )
    tests = _rows(
        connection,
        "select test_name, failed_count from metric.failing_tests() "
        f"order by failed_count desc, test_id limit {TESTS_SHOWN}",
    )
    generation = _rows(connection, "select * from meta.generation").to_pylist()[0]
    completeness = _rows(
        connection,
        "select count(*) as entity_types, "
        "count(*) filter (where status in ('complete', 'carried')) as complete_types, "
        "coalesce(sum(rows_read), 0) as rows_read, coalesce(sum(total_count), 0) as total_count "
        "from meta.certificate",
    ).to_pylist()[0]
    checks = _rows(
        connection,
        "select count(*) as checks, count(*) filter (where is_passed) as passed from meta.checks",
    ).to_pylist()[0]
    return environment.get_template("report.html.j2").render(
        generation=generation,
        completeness=completeness,
        checks=checks,
        sections=[_section(connection, flow) for flow in list_flows()],
        weeks_svg=plots.results_per_week(weeks) if weeks.num_rows else "",
        tests_svg=plots.failing_tests(tests) if tests.num_rows else "",
        rows_shown=ROWS_SHOWN,
    )


def _section(connection: duckdb.DuckDBPyConnection, flow: Flow) -> Section:
    answer = run_flow(connection, flow.slug, {})
    rows = [[_text(value) for value in row.values()] for row in answer[:ROWS_SHOWN].to_pylist()]
    return Section(flow, answer.column_names, rows, answer.num_rows)


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    return connection.sql(sql).to_arrow_table()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return str(value)
