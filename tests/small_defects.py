"""Ten defects on a small simulated server, and what an extract of them left: for the unit tests.

The fixture `simulator` of tests/unit/conftest.py is `ten_defects`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from octane_flows.extract import ExtractReport
from octane_flows.lake import CertificateRow, Lake, TableEntry
from octane_simulator import Simulator
from tests.small import START

DEFECTS = 10


def ten_defects() -> Simulator:
    """Ten defects, of which the first two have tags, written an hour before the first extract."""
    simulator = Simulator(clock=START)
    tags = [simulator.store.insert("user_tag", {"name": name}) for name in ("a", "b")]
    for number in range(DEFECTS):
        linked = [{"type": "user_tag", "id": tag} for tag in tags] if number < 2 else []
        simulator.store.insert("defect", {"name": f"d{number}", "user_tags": linked})
    simulator.clock.advance(timedelta(hours=1))
    return simulator


def ids_of(simulator: Simulator, entity: str = "defect") -> list[str]:
    return [row["id"] for row in simulator.store.find(entity)]


def change_type(simulator: Simulator, id: str, target: str) -> None:
    """Change the entity type of a work item without a new stamp, as some tools do."""
    with simulator.store.transaction():
        simulator.store.connection.execute(
            "update work_item set type = ? where id = ?", (target, int(id))
        )


def certificate(report: ExtractReport, entity: str = "defect") -> CertificateRow:
    return next(row for row in report.manifest.certificate if row.entity == entity)


def current_tables(home: Path) -> dict[str, TableEntry]:
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    return manifest.tables


def data_files(home: Path) -> set[str]:
    return {str(path) for path in (home / "lake" / "data").rglob("*.parquet")}
