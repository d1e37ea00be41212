"""A small published warehouse and clients of the application that serves it.

Nothing in, a data folder and clients out; the tests of `serve` share them.
"""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import uvicorn

from octane_flows import warehouse
from octane_flows.config import ServePlace
from octane_flows.models.model import Model, load_models
from octane_flows.serve import MountedApplication, web_application
from octane_flows.serve.run_server import server_config
from octane_flows.warehouse import warehouse_path
from tests.golden import kit
from tests.services import until

QUESTIONS = ("flow.open_high_severity_defects", "metric.defect_closing_times")
TABLES = (
    "er.defects",
    "er.releases",
    "er.users",
    "er.list_items",
    "er.phases",
    "er.defect_modules",
)
HIGH, LOW = "list_node.severity.high", "list_node.severity.low"
NAMES = ("Crash", 'it\'s 100% "odd"', "=1+1", "Überlauf", "a_b", "back\\slash", "CRASH again", "")
DEFECTS = 40


def models() -> list[Model]:
    """Some questions and tables, with all that they read."""
    every = {model.name: model for model in load_models()}
    names = [name for name in (*QUESTIONS, *TABLES) if name in every]
    chosen: dict[str, Model] = {}
    while names:
        name = names.pop()
        if name in every and name not in chosen:
            chosen[name] = every[name]
            names += every[name].sources
    return [model for model in every.values() if model.name in chosen]


def rows() -> dict[str, list[dict[str, Any]]]:
    """Two severities, two releases, two users, forty defects."""
    return {
        "list_node": [
            {"id": "11", "type": "list_node", "name": "High", "logical_name": HIGH},
            {"id": "12", "type": "list_node", "name": "Low", "logical_name": LOW},
        ],
        "phase": [
            {
                "id": "1",
                "type": "phase",
                "name": "Opened",
                "logical_name": "phase.defect.opened",
                "entity": "defect",
            }
        ],
        "workspace_user": [
            {"id": "7", "type": "workspace_user", "name": "sam", "full_name": "Sam S"},
            {"id": "8", "type": "workspace_user", "name": "ann", "full_name": "Ann A"},
        ],
        "release": [
            {"id": "5", "type": "release", "name": "2023.1"},
            {"id": "6", "type": "release", "name": "2023.2"},
        ],
        "product_area": [{"id": "3", "type": "product_area", "name": "Grid"}],
        "defect__product_areas": [
            {"source_id": str(1000 + number), "target_id": "3", "target_type": "product_area"}
            for number in range(DEFECTS)
        ],
        "defect": [
            {
                "id": str(1000 + number),
                "type": "defect",
                "name": NAMES[number % len(NAMES)] or None,
                "phase_id": "1",
                "creation_time": datetime(2021, 1, 1 + number % 20, 8, number),
                "severity_id": (None, "11", "12")[number % 3],
                "release_id": (None, "5", "6", "6")[number % 4],
                "owner_id": (None, "7", "8")[number % 3],
            }
            for number in range(DEFECTS)
        ],
    }


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with its published warehouse, which no test changes."""
    folder = tmp_path_factory.mktemp("served")
    kit.write_lake(folder, rows())
    warehouse.build(folder, models=models())
    return folder


@contextmanager
def serving(
    home: Path,
    place: ServePlace | None = None,
    log: list[str] | None = None,
    mounted: tuple[MountedApplication, ...] = (),
) -> Iterator[httpx.Client]:
    """A client of a server over a data folder, which ends with the context."""
    lines: list[str] = log if log is not None else []
    place = place or ServePlace()
    config = server_config(web_application(home, place, lines.append, mounted), place)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            until(lambda: server.started, "the server starts", within_s=60)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def copied_home(served_home: Path, tmp_path: Path) -> Path:
    """A data folder of its own, whose warehouse a test may replace."""
    shutil.copyfile(warehouse_path(served_home), warehouse_path(tmp_path))
    return tmp_path


def publish(home: Path, sql: str) -> None:
    """Replace the warehouse by one that the statements changed, as a build does."""
    aside = home / "aside.duckdb"
    shutil.copyfile(warehouse_path(home), aside)
    aside.chmod(0o600)
    with duckdb.connect(str(aside)) as connection:
        connection.execute(sql)
    aside.replace(warehouse_path(home))


def refusal(answer: httpx.Response, status: int) -> str:
    """The sentence of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]["message"]
    assert isinstance(sentence, str)
    return sentence
