"""The warehouse's contract from the simulator's field model: `python -m tests.generated_contract`.

A server's metadata in, `octane_contract.json` out: tables, columns and types, one entity a line.
"""

from __future__ import annotations

import json
from pathlib import Path

from octane_flows.client import Octane
from octane_flows.config import load_settings
from octane_flows.extract import make_plan
from octane_flows.lake.key_columns import OWN_COLUMN_NAMES
from octane_simulator import Simulator, serve

CONTRACT = Path(__file__).resolve().parents[1] / "src/octane_flows/warehouse/octane_contract.json"


def fresh_contract() -> str:
    """The file as it should be."""
    with serve(Simulator(dataset="empty")) as running:
        environment = {
            "OCTANE_URL": running.url,
            "OCTANE_CLIENT_ID": running.client_id,
            "OCTANE_CLIENT_SECRET": running.client_secret,
            "OCTANE_SHARED_SPACE": running.shared_space,
        }
        with Octane(load_settings(environment)) as octane:
            workspace = running.workspace
            plan = make_plan({workspace: octane.workspace(workspace).metadata()})
    lines = []
    for name, table in sorted(plan.tables.items()):
        if table.field is None:
            columns = {
                column.name: column.type
                for column in table.columns
                if column.name not in OWN_COLUMN_NAMES
            }
            links = [
                entry.field
                for _, entry in sorted(plan.tables.items())
                if entry.field is not None and entry.entity == name
            ]
            body = json.dumps({"columns": columns, "links": links})
            lines.append(f" {json.dumps(name)}: {body}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    CONTRACT.write_text(fresh_contract(), encoding="utf-8")
