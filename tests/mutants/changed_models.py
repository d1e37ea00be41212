"""Which models does the checkout change, with its golden cases, since it left the main branch?

Git's answer in, names of models out; the unit tests try mutants of these.
"""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

from octane_flows.models.model import load_models

ROOT = Path(__file__).parents[2]
MAIN_BRANCHES = ("origin/main", "main")


def changed_models() -> list[str]:
    """Names of models whose SQL or golden cases differ from the main branch; none without git."""
    names = {model.name for model in load_models()}
    return sorted(name for path in _changed_paths() for name in _names(path) if name in names)


def _changed_paths() -> set[PurePosixPath]:
    for branch in MAIN_BRANCHES:
        if base := _git("merge-base", "HEAD", branch):
            listed = _git("diff", "--name-only", base[0], "--", "sql", "tests/golden")
            return {PurePosixPath(path) for path in listed}
    return set()


def _names(path: PurePosixPath) -> list[str]:
    """The models that a file belongs to: itself, or those that a golden case may be of."""
    if path.parts[0] == "sql":
        return [f"{path.parts[1]}.{path.stem}"]
    folders = path.parts[2:-1]
    if folders[:1] in (("plan",), ("er",)):
        return [".".join(folders[:2])]
    return [f"{schema}.{folder}" for folder in folders[:1] for schema in ("flow", "metric")]


def _git(*arguments: str) -> list[str]:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()
