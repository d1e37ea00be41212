"""Two small workspaces, their warehouse, and what a company lake holds: for tests of `export`.

Tables are read by the formats' own libraries, as somebody else would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
from deltalake import DeltaTable
from pyiceberg.catalog import Catalog, load_catalog

from octane_flows.export import Destination, ExportReport
from octane_flows.export.destination import Format
from octane_flows.warehouse import build, connect, load_models
from octane_simulator import Simulator
from tests.small import START, run_extract

WORKSPACES = ("1002", "1003")
DEFECTS = 6
FEW = [model for model in load_models() if model.name == "er.releases"]
TABLES = ("defect", "defect__user_tags", "story")
FORMATS = get_args(Format)
Rows = list[dict[str, Any]]


def two_workspaces() -> Simulator:
    """Two workspaces of six defects, of which two have tags."""
    simulator = Simulator(clock=START, workspaces=list(WORKSPACES))
    for workspace in WORKSPACES:
        feeder = simulator.feeder(workspace)
        tags = feeder.create("user_tags", [{"name": "a"}, {"name": "b"}])
        linked = {"user_tags": {"data": [{"type": "user_tag", "id": tag} for tag in tags]}}
        feeder.create(
            "defects",
            [{"name": f"d{n}", **(linked if n < 2 else {})} for n in range(DEFECTS)],
        )
    simulator.clock.advance(timedelta(hours=1))
    return simulator


def ids_of(simulator: Simulator) -> list[str]:
    """Defects of the first workspace."""
    return [row["id"] for row in simulator.store.find("defect")]


def refresh(simulator: Simulator, home: Path, **choices: Any) -> None:
    """A new generation, and the warehouse that shows it."""
    simulator.clock.advance(timedelta(hours=1))
    run_extract(simulator, home, workspaces=WORKSPACES, **choices)
    build(home, models=FEW)


def warehouse_rows(home: Path) -> dict[str, Rows]:
    """What the warehouse holds of the tables that are exported."""
    rows_by_table: dict[str, Rows] = {}
    with connect(home) as connection:
        for name in TABLES:
            sql = f"select * exclude (_deleted) from octane.{name}"
            rows_by_table[name] = ordered(connection.sql(sql).to_arrow_table())
    return rows_by_table


def ordered(table: pa.Table) -> Rows:
    """Rows in one order, moments with their zone."""
    rows = [
        {
            name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in table.to_pylist()
    ]
    return sorted(rows, key=str)


@contextmanager
def catalog_of(place: Destination) -> Iterator[Catalog]:
    """A place's own catalog, as somebody else opens it."""
    uri = f"sqlite:///{place.output}/catalog.db"
    catalog = load_catalog("octane", type="sql", uri=uri)
    yield catalog
    catalog.close()


def read(place: Destination, name: str, version: int | None = None) -> pa.Table:
    """A table, now or as a version was, by the format's own library."""
    if place.format == "delta":
        return DeltaTable(f"{place.output}/{name}", version=version).to_pyarrow_table()
    with catalog_of(place) as catalog:
        table = catalog.load_table(("octane", name))
        return table.scan(snapshot_id=version).to_arrow()


def files_of(place: Destination, name: str) -> list[str]:
    """The Parquet files that hold a table now."""
    if place.format == "delta":
        return DeltaTable(f"{place.output}/{name}").file_uris()
    with catalog_of(place) as catalog:
        planned = catalog.load_table(("octane", name)).scan().plan_files()
        return [task.file.file_path.removeprefix("file://") for task in planned]


def shown(place: Destination) -> dict[str, Rows]:
    return {name: ordered(read(place, name)) for name in TABLES}


def versions(place: Destination) -> dict[int, dict[str, int]]:
    """What the table `generations` says: generation -> table -> version."""
    versions_by_generation: dict[int, dict[str, int]] = {}
    for row in read(place, "generations").to_pylist():
        versions_by_generation.setdefault(row["generation"], {})[row["table_name"]] = row["version"]
    return versions_by_generation


def how(report: ExportReport) -> dict[str, str]:
    return {table.name: table.how for table in report.tables}
