"""What end-to-end tests share besides fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octane_flows import refresh, warehouse
from octane_flows.actions import AuditLog, Plan, Verdict, apply_plan, audit_path, make_plan
from octane_flows.client import Octane, Workspace
from octane_flows.config import Settings, load_settings
from octane_flows.models.model import Model
from octane_flows.questions import question_named, run_question
from octane_flows.warehouse import load_models
from octane_simulator import Running, Simulator, serve

Row = dict[str, Any]


def environment_of(server: Running, home: Path) -> dict[str, str]:
    """The OCTANE_* variables that lead to a simulated server."""
    return {
        "OCTANE_URL": server.url,
        "OCTANE_CLIENT_ID": server.client_id,
        "OCTANE_CLIENT_SECRET": server.client_secret,
        "OCTANE_SHARED_SPACE": server.shared_space,
        "OCTANE_WORKSPACES": server.workspace,
        "OCTANE_HOME": str(home),
    }


def octane_flows(
    *arguments: str, environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings and none of the caller's."""
    return subprocess.run(
        [sys.executable, "-m", "octane_flows", *arguments],
        env=process_environment(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=1800,  # a demo or a build on Spark on a busy machine
        check=False,
    )


def process_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process with these settings and none of the caller's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OCTANE_")}
    return {**clean, **settings, "COLUMNS": "160"}


def phase(name: str) -> Row:
    return {"type": "phase", "id": f"phase.{name}"}


def node(name: str) -> Row:
    return {"type": "list_node", "id": f"list_node.{name}"}


@dataclass
class World:
    """One server, its data folder and the ids of what is in its workspace."""

    settings: Settings
    octane: Octane
    workspace: Workspace
    ids: dict[str, str]

    def create(self, collection: str, name: str, **values: Any) -> Row:
        made = self.workspace.create(collection, [{"name": name, **values}])[0]
        self.ids[name] = str(made["id"])
        return {"type": made["type"], "id": made["id"]}

    def rebuild(self, models: list[Model] | None = None) -> None:
        """Extract and build; None: all models without the checks."""
        refresh.update_lake(self.settings)
        models = models or [model for model in load_models() if model.schema != "check"]
        warehouse.build(self.settings.home, models=models)

    def plan(self, slug: str, **parameters: str) -> Plan:
        with warehouse.connect(self.settings.home) as connection:
            return make_plan(connection, slug, parameters).plan

    def apply(self, plan: Plan, **more: Any) -> list[Verdict]:
        return apply_plan(self.octane, plan, self.audit, server_url=self.settings.url, **more)

    def flow(self, slug: str, **parameters: str) -> int:
        with warehouse.connect(self.settings.home) as connection:
            return int(run_question(connection, question_named("flow", slug), parameters).num_rows)

    @property
    def audit(self) -> AuditLog:
        return AuditLog(audit_path(self.settings.home))


@contextmanager
def open_world(server: Running, home: Path) -> Iterator[World]:
    """A data folder of a server, scripts included, without anything extracted yet."""
    settings = load_settings({**environment_of(server, home), "OCTANE_SCRIPTS": "true"})
    with Octane(settings) as octane:
        yield World(settings, octane, octane.workspace(server.workspace), {})


@contextmanager
def tiny_server(workspaces: Sequence[str] = ("1002",)) -> Iterator[Running]:
    """A simulated server whose workspaces hold a few rows of everything."""
    simulator = Simulator(dataset="generated", seed=3, workspaces=workspaces, runs=60)
    with serve(simulator) as running:
        yield running
