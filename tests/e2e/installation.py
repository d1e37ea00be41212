"""The product as a site gets it: a bundle of wheels, installed into empty environments offline.

A folder in, an environment with or without the extra `dagster` out; fixtures call it. Processes of
a test run share both, because a bundle takes a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.generated_docs import ROOT

SCRIPT = ROOT / "deploy" / "bundle" / "make_bundle.py"
#: Beside the product, what a `dg` project is made with, and builds it.
MORE = ("create-dagster", "dagster-dg-cli", "hatchling", "editables")
SWITCH = "TESTS_NEED_PYPI"
MISSING = "a bundle of wheels needs PyPI, which could not be reached"


@dataclass(frozen=True)
class Installation:
    """An environment with the product, and the bundle that it was made of."""

    folder: Path
    bundle: Path

    def run(
        self, program: str, *arguments: str, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; it sees these variables and none of the caller's."""
        return subprocess.run(
            [str(self.program(program)), *arguments],
            cwd=cwd,
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder / "bin"), "/usr/bin", "/bin"])
        return {"PATH": path, "HOME": str(self.folder), "COLUMNS": "160", **variables}

    def install(self, *requirements: str, cwd: Path | None = None) -> None:
        """Install from the bundle, in a namespace without a network where there can be one."""
        command = [str(self.program("python")), "-m", "pip", "install", "--quiet", "--no-index"]
        command += ["--no-compile", "--find-links", str(self.bundle)]
        command += ["-c", str(self.bundle / "constraints.txt"), *requirements]
        alone = ["unshare", "--net"]
        if shutil.which("unshare") and _succeeds([*alone, "true"]):
            command = [*alone, *command]
        done = subprocess.run(
            command, cwd=cwd, env=self.environment({}), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def bundle(root: Path) -> Path | None:
    """The bundle in a folder, made by the first process that asks; None without PyPI."""
    folder = root / "bundle"
    with FileLock(root / "bundle.lock"):
        if not (folder / "SHA256SUMS").is_file():
            command = [sys.executable, str(SCRIPT), "--output", str(folder), "--more", *MORE]
            if not _succeeds(command):
                return None
    return folder


def install(root: Path, wheels: Path, *, with_dagster: bool) -> Installation:
    """An environment in a folder; that with Dagster is made of the other, as a site does it."""
    base = Installation(root / "base", wheels)
    with FileLock(root / "base.lock"):
        if not base.program("octane-flows").is_file():
            subprocess.run([sys.executable, "-m", "venv", str(base.folder)], check=True)
            base.install("octane-flows")
    if not with_dagster:
        return base
    extended = Installation(root / "dagster", wheels)
    with FileLock(root / "dagster.lock"):
        if not extended.program("dagster").is_file():
            subprocess.run([sys.executable, "-m", "venv", str(extended.folder)], check=True)
            below = str(Path(sysconfig.get_path("purelib")).relative_to(sys.prefix))
            (extended.folder / below / "base.pth").write_text(f"{base.folder / below}\n")
            [wheel] = wheels.glob("octane_flows-*.whl")
            extended.install("--force-reinstall", "--no-deps", str(wheel))
            extended.install("octane-flows[dagster]", *MORE)
    return extended


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
