"""The shell lines of the documents that are marked as runnable do what they say, in order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generated_docs import ROOT

BLOCK = re.compile(r"^```sh runnable\n(.*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTS = {
    path: "\n".join(blocks)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if (blocks := BLOCK.findall(path.read_text("utf-8")))
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_runnable_lines_run(
    document: Path, demo_environment: dict[str, str], demo_home: Path, tmp_path: Path
) -> None:
    command = tmp_path / "bin" / "octane-flows"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m octane_flows "$@"\n')
    command.chmod(0o755)
    shutil.copytree(demo_home, tmp_path / "data")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OCTANE_")}
    environment = {
        **clean,
        **demo_environment,
        "OCTANE_HOME": "data",
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
    }

    done = subprocess.run(
        ["sh", "-eu", "-c", DOCUMENTS[document]],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_first_pages_have_runnable_lines() -> None:
    names = {path.name for path in DOCUMENTS}

    assert {"README.md", "company.md"} <= names
