"""What goes wrong leaves the former generation and warehouse whole, and says what to do."""

from __future__ import annotations

import gzip
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of

DEFECTS = 2_300  # three pages: there are windows, middles and ends to spoil


@dataclass(frozen=True)
class Published:
    """A small server whose data were extracted and built once, before anything goes wrong."""

    server: Running
    environment: dict[str, str]
    home: Path

    def state(self) -> dict[str, bytes]:
        """Every file that readers use, with its content."""
        manifests = (self.home / "lake" / "generations").glob("*.json")
        files = [self.home / "lake" / "CURRENT", self.home / "warehouse.duckdb", *manifests]
        return {str(path): path.read_bytes() for path in sorted(files)}

    def run(
        self, *arguments: str, limit_bytes: int | None = None, **change: str
    ) -> subprocess.CompletedProcess[str]:
        def small_disk() -> None:
            if limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        return subprocess.run(
            [sys.executable, "-m", "octane_flows", *arguments],
            env={"PATH": "", "COLUMNS": "160", **self.environment, **change},
            preexec_fn=small_disk,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    simulator = Simulator(dataset="empty", seed=1)
    simulator.feeder().create(
        "defects", [{"name": f"Defect {number}"} for number in range(DEFECTS)]
    )
    home = tmp_path_factory.mktemp("published")
    with serve(simulator) as server:
        published = Published(server, environment_of(server, home), home)
        done = published.run("run")
        assert done.returncode == 0, done.stderr
        yield published


@pytest.fixture
def published(once: Published, tmp_path: Path) -> Iterator[Published]:
    """The published state in a folder of the test's own; faults are cleared afterwards."""
    home = tmp_path / "home"
    shutil.copytree(once.home, home)
    yield Published(once.server, environment_of(once.server, home), home)
    once.server.simulator.faults.clear()


def assert_refused(
    published: Published,
    before: Mapping[str, bytes],
    done: subprocess.CompletedProcess[str],
    *words: str,
) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("octane-flows: ")
    for word in words:
        assert word in said
    assert published.state() == before


FAULTS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("html_200", {"times": 50}, ("web page", "OCTANE_URL")),
    ("cut_body", {"times": 50}, ()),
    ("short_page", {"times": 50, "path": "defects"}, ("defects", "run it again")),
    ("repeated_page", {"times": 50, "path": "defects"}, ("defects",)),
]


@pytest.mark.parametrize(("kind", "options", "words"), FAULTS, ids=lambda one: str(one)[:30])
def test_an_answer_that_cannot_be_trusted_replaces_nothing(
    kind: str, options: dict[str, Any], words: tuple[str, ...], published: Published
) -> None:
    before = published.state()
    published.server.simulator.faults.add(kind, **options)

    assert_refused(published, before, published.run("extract", "--full"), *words)


def test_an_entity_type_that_the_role_may_not_read_is_named(published: Published) -> None:
    published.server.simulator.faults.refuse("sprint")

    fresh = published.run("extract", OCTANE_HOME=str(published.home / "fresh"))
    refused = published.run("extract")

    assert fresh.returncode == 1
    assert "--skip sprint" in fresh.stderr
    assert refused.returncode == 0
    assert "sprint may no longer be read" in refused.stderr


def test_a_full_disk_replaces_nothing(published: Published) -> None:
    before = published.state()

    assert_refused(published, before, published.run("extract", "--full", limit_bytes=4096), "space")
    assert_refused(published, before, published.run("build", limit_bytes=200_000), "space")


def test_a_disk_that_is_full_at_the_manifest_replaces_nothing(published: Published) -> None:
    before = published.state()
    generations = published.home / "lake" / "generations"
    (schema,) = (published.home / "lake" / "parts").glob("*-schema.json")
    published.server.simulator.add_field("defect", "team_udf", "string")  # so it is written anew

    done = published.run("extract", limit_bytes=schema.stat().st_size // 2)

    assert_refused(published, before, done, "-schema.json", "space", "still whole")
    assert published.run("extract").returncode == 0
    assert len(list(generations.glob("*.json"))) == 2
    assert '"generation": 2' in (published.home / "lake" / "CURRENT").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_named(published: Published) -> None:
    done = published.run("extract", OCTANE_HOME="/dev/null/data")

    assert done.returncode == 1, done.stderr
    assert "/dev/null/data" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lake_of_another_server_is_not_mixed_up(published: Published) -> None:
    before = published.state()
    path = published.home / "lake" / "generations" / "000001.json"
    content = gzip.decompress(path.read_bytes())
    address = published.server.url.encode()
    path.write_bytes(content.replace(address, b"https://octane.example"))

    done = published.run("extract")

    assert done.returncode == 2
    assert "https://octane.example" in done.stderr
    assert "OCTANE_HOME" in done.stderr
    assert published.state().keys() == before.keys()


def test_one_entity_type_is_refreshed_and_the_others_are_carried(published: Published) -> None:
    published.server.simulator.feeder().create("defects", [{"name": "One more"}])

    assert published.run("extract", "defect").returncode == 0
    assert published.run("build").returncode == 0
    refreshed = published.run(
        "query", "select count(*) as defects from octane.defect", "--format", "csv"
    )

    assert refreshed.stdout.split() == ['"defects"', str(DEFECTS + 1)]
    phases = published.run(
        "query", "select count(*) > 0 as known from er.phases", "--format", "csv"
    )
    assert phases.stdout.split() == ['"known"', "true"]
