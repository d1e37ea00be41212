"""The command that tells what changed between two moments: changes.

Words for the moments in; text, Markdown, a page, JSON or a mail on standard output or in a file.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake
from octane_flows.cli.command_options import Destination, output_format


class ChangesFormat(StrEnum):
    """How the changes are written."""

    text = "text"
    markdown = "markdown"
    html = "html"
    json = "json"
    eml = "eml"


SUFFIXES = {
    ".txt": (ChangesFormat.text,),
    ".md": (ChangesFormat.markdown,),
    ".html": (ChangesFormat.html,),
    ".json": (ChangesFormat.json,),
    ".eml": (ChangesFormat.eml,),
}


@app.command(epilog="Example: octane-flows changes --since yesterday --format markdown")
def changes(
    since: Annotated[
        str,
        typer.Option(
            help="yesterday (24 hours), generation N, a date (its end), a time in UTC, release "
            "(the start of the current one), release NAME, or last-report."
        ),
    ] = "yesterday",
    until: Annotated[
        str | None, typer.Option(help="Generation N, date or time; none: the newest extract.")
    ] = None,
    workspace: Annotated[str | None, typer.Option(help="Its id or name; none: all.")] = None,
    format: Annotated[
        ChangesFormat | None,
        typer.Option(
            "--format",
            help="How to write them; without it, the suffix of --output decides, else text.",
        ),
    ] = None,
    destination: Destination = None,
) -> None:
    """Tell what changed: failing, repaired and flaky tests, defects, scope, coverage, runs."""
    from octane_flows import changes as change_lists
    from octane_flows.config import load_site

    chosen = output_format(format, destination, SUFFIXES, ChangesFormat.text)
    zone = load_site(os.environ).time_zone
    rows = change_lists.changes_of(data_folder(), data_lake(), zone, since, until, workspace)
    writers = {
        ChangesFormat.text: change_lists.as_text,
        ChangesFormat.markdown: change_lists.as_markdown,
        ChangesFormat.html: change_lists.as_page,
        ChangesFormat.json: change_lists.as_json,
    }
    if chosen is ChangesFormat.eml:
        content = bytes(change_lists.as_mail(rows))
    else:
        content = writers[chosen](rows).encode()
    if destination is not None:
        from octane_flows.warehouse.file_replacement import replace_file

        replace_file(destination, content)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
