"""Files that come with the product beside its code: notebooks, documents, files for operators.

A name and a folder in, copies out; a checkout's own folders go before the wheel's copies.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, Literal

from octane_flows.errors import OctaneFlowsError, UsageError

__all__ = ["copy_shipped", "shipped_folder"]

Shipped = Literal["notebooks", "docs", "deploy"]
PACKAGE: Final = Path(__file__).resolve().parent


def shipped_folder(name: Shipped, package: Path = PACKAGE) -> Path:
    """The folder with these files. Raises OctaneFlowsError where the installation lacks it."""
    checkout = package.parent.parent / name
    if (package.parent.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    installed = package / f"_{name}"
    if installed.is_dir():
        return installed
    raise OctaneFlowsError(
        f"The files {name} are in neither {checkout} nor {installed}; install octane-flows again."
    )


def copy_shipped(
    name: Shipped, target: Path, *, overwrite: bool = False, package: Path = PACKAGE
) -> list[Path]:
    """Copy the files, with their folders, into a folder; returns the new paths.

    Raises UsageError where a file exists already and may not be overwritten; then nothing is
    copied.
    """
    source = shipped_folder(name, package)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; name a folder.")
    files = sorted(path for path in source.rglob("*") if path.is_file() and _is_shipped(path))
    copies = {path: target / path.relative_to(source) for path in files}
    present = [copy for copy in copies.values() if copy.exists()]
    if present and not overwrite:
        raise UsageError(
            f"{present[0]} exists already, and may have changes of yours; "
            "name another folder, or add --overwrite."
        )
    for path, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return list(copies.values())


def _is_shipped(path: Path) -> bool:
    """Whether a file is one of ours: secrets and what Jupyter leaves in a checkout are not."""
    return path.name != "secrets.env" and ".ipynb_checkpoints" not in path.parts
