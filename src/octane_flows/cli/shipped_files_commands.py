"""The commands that copy what comes with the product: notebooks, site-files.

A folder in; copies in it, and what to do with them on standard output.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, output

Target = Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the copies.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files of the same name, with their changes.")
]


@app.command(epilog="Example: octane-flows notebooks my-notebooks --overwrite")
def notebooks(target: Target, overwrite: Overwrite = False) -> None:
    """Copy the notebooks into a folder of yours, where you may change them."""
    from octane_flows.shipped_files import copy_shipped

    for path in copy_shipped("notebooks", target, overwrite=overwrite):
        output.print(str(path), soft_wrap=True)
    if importlib.util.find_spec("jupyterlab") is None:
        output.print("JupyterLab is not installed here: pip install 'octane-flows[notebook]'")
    home = os.environ.get("OCTANE_HOME")
    prefix = "" if home else "OCTANE_HOME=demo "
    output.print(f"$ {prefix}jupyter lab {target}", soft_wrap=True)


@app.command(epilog="Example: octane-flows site-files octane-files --overwrite")
def site_files(target: Target, overwrite: Overwrite = False) -> None:
    """Copy the documents (docs) and the files for operators (deploy) into a folder."""
    from octane_flows.shipped_files import copy_shipped

    for name in ("docs", "deploy"):
        copies = copy_shipped(name, target / name, overwrite=overwrite)
        output.print(f"{len(copies):>3} files  {target / name}", soft_wrap=True)
