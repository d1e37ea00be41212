"""The installed package in an empty folder: what `pip install` brings, with and without Dagster."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from octane_simulator import Running
from tests.e2e.installation import Installation
from tests.e2e.support import environment_of, tiny_server
from tests.generated_docs import ROOT
from tests.services import until

pytestmark = pytest.mark.slow

STARTED_S = 400.0  # Dagster on a busy machine


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with tiny_server() as running:
        yield running


def test_a_bundle_has_true_checksums_and_names_all_it_brings(wheels: Path) -> None:
    sums = dict(line.split("  ")[::-1] for line in (wheels / "SHA256SUMS").read_text().splitlines())
    bill = json.loads((wheels / "sbom.cdx.json").read_text("utf-8"))

    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in wheels.iterdir()
        if path.name != "SHA256SUMS"
    }
    parts = [bill["metadata"]["component"], *bill["components"]]
    digests = {each["hashes"][0]["content"] for each in parts}
    assert digests == {sums[path.name] for path in wheels.glob("*.whl")}
    versions = {each["name"]: each["version"] for each in parts}
    assert f"duckdb=={versions['duckdb']}" in (ROOT / "constraints.txt").read_text().splitlines()
    without_licence = [each["name"] for each in parts if not each.get("licenses")]
    assert len(without_licence) < len(parts) / 10, without_licence
    assert "octane-flows[dagster]" in (wheels / "INSTALL.txt").read_text("utf-8")


def test_the_metadata_tells_what_the_package_is(wheels: Path) -> None:
    [wheel] = wheels.glob("octane_flows-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode("utf-8").split("\n\n")[0].splitlines()

    assert {"License-Expression: MIT", "Requires-Python: >=3.11"} <= set(lines)
    for start in ("Keywords: ", "Classifier: Operating System :: Microsoft", "Provides-Extra: dag"):
        assert any(line.startswith(start) for line in lines), start
    assert not [line for line in lines if line.startswith(("Project-URL", "Home-page"))]


def test_the_source_distribution_is_the_whole_checkout(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("needs a checkout")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    [path] = tmp_path.iterdir()
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}

    # so that the README's two commands, make demo and make test, find what they need
    assert {line for line in listed.stdout.splitlines() if (ROOT / line).is_file()} <= names


def test_everything_but_dagster_works_without_extras(
    installed: Installation, server: Running, tmp_path: Path
) -> None:
    environment = environment_of(server, tmp_path / "data")

    def succeeds(*arguments: str) -> str:
        done = installed.run("octane-flows", *arguments, cwd=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert re.fullmatch(r"\d+\.\d+\.\d+\n", succeeds("--version"))
    succeeds("run")
    assert Path(succeeds("report").strip()) == tmp_path / "data" / "report.html"
    assert (tmp_path / "data" / "report.html").stat().st_size > 10_000
    assert json.loads(succeeds("query", "select count(*) n from er.runs", "--format", "json"))
    assert "tour.ipynb" in succeeds("notebooks", "mine")
    assert (tmp_path / "mine" / "tour.ipynb").is_file()
    succeeds("site-files", "files")
    assert (tmp_path / "files" / "docs" / "company.md").is_file()
    refused = installed.run("octane-flows", "ui", cwd=tmp_path, environment=environment)
    assert refused.returncode == 2
    assert "pip install 'octane-flows[dagster]'" in refused.stderr


def test_ui_shows_the_settings_server_and_ends_all_it_started(
    installed_with_dagster: Installation, server: Running, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = installed_with_dagster.environment(environment_of(server, tmp_path / "data"))
    command = [str(installed_with_dagster.program("octane-flows")), "ui", "--port", str(port)]
    log = tmp_path / "ui.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=stream, stderr=stream
        ) as process,
    ):

        def answers() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=60):
                    return True
            except OSError:
                return False

        until(answers, "Dagster's pages", within_s=STARTED_S, every_s=1.0)
        started = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(STARTED_S) == 0
    _, alive = psutil.wait_procs(started, timeout=120)

    assert started
    assert alive == []
    banner = log.read_text("utf-8")
    assert f"server       {server.url}\n" in banner
    assert f"space        {server.shared_space}, workspaces {server.workspace}\n" in banner
    assert f"data folder  {tmp_path / 'data'}\n" in banner
    assert server.client_secret not in banner


def test_three_commands_bring_a_fresh_dagster_project_to_a_green_run(
    installed_with_dagster: Installation, server: Running, tmp_path: Path
) -> None:
    environment = environment_of(server, tmp_path / "data")
    project = tmp_path / "site-data"

    def succeeds(folder: Path, program: str, *arguments: str) -> str:
        done = installed_with_dagster.run(program, *arguments, cwd=folder, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    succeeds(tmp_path, "create-dagster", "project", project.name, "--no-uv-sync")
    installed_with_dagster.install("--no-build-isolation", "--no-deps", "-e", ".", cwd=project)
    succeeds(project, "dg", "scaffold", "defs", "dagster_octane.OctaneComponent", "octane")
    log = succeeds(project, "dg", "launch", "--job", "update")

    assert "RUN_SUCCESS" in log
    assert (tmp_path / "data" / "report.html").is_file()
