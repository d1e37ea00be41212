"""The command about tests in quarantine: a file to review, and exclusion lists of test tools.

Arguments in; what to look at or a list out, exit 1 when entries have expired or have no owner.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from octane_flows.cli.command_line import app, data_folder, output, print_step
from octane_flows.cli.command_options import AsJson, Destination, Parameters, parameter_texts
from octane_flows.console import PlainTable
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from octane_flows.quarantine import Entry, Review

DEFAULT_FILE = Path("quarantine.toml")
STATES = ("flaky",)
KNOWN_STATES = frozenset({"flaky", "broken", "muted", "stale", "new", "healthy"})


class Tool(StrEnum):
    """Test tools that read an exclusion list."""

    pytest = "pytest"
    surefire = "surefire"
    junit5 = "junit5"
    playwright = "playwright"
    robot = "robot"


@app.command(epilog="Example: octane-flows quarantine")
def quarantine(
    file: Annotated[Path, typer.Argument(help="TOML file that the team reviews.")] = DEFAULT_FILE,
    add: Annotated[
        bool, typer.Option("--add", help="Append the tests that are in such a state now.")
    ] = False,
    tool: Annotated[
        Tool | None, typer.Option(help="Write the exclusion list of this tool.")
    ] = None,
    destination: Destination = None,
    state: Annotated[
        list[str] | None, typer.Option(help="State that belongs here, flaky if none; repeatable.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="Until new entries expire.")] = 14,
    owner: Annotated[
        str | None, typer.Option(help="Owner of new entries whose test has none in Octane.")
    ] = None,
    today: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day to judge by; default: today, in UTC.")
    ] = None,
    param: Parameters = None,
    as_json: AsJson = False,
) -> None:
    """Review tests in quarantine, add flaky ones, or write an exclusion list of a test tool."""
    from octane_flows import quarantine as tests_in_quarantine

    day = _day(today)
    if tool is not None:
        if add:
            raise UsageError("--add and --tool exclude one another; add first, review, then list.")
        if not file.is_file():
            raise UsageError(f"The quarantine file {file} does not exist; write it with --add.")
        active = [entry for entry in tests_in_quarantine.read_entries(file) if entry.expires >= day]
        text = tests_in_quarantine.exclusion_list(active, tool.value)
        _write(text, destination, len(active))
        return
    if destination is not None:
        raise UsageError("--output is for an exclusion list; name its tool with --tool.")
    review = _review(file, tuple(state or STATES), day, days, owner, param)
    if add and review.candidates:
        tests_in_quarantine.add_entries(file, review.candidates)
    if as_json:
        print(json.dumps(_record(review), indent=1, ensure_ascii=False))
    else:
        _print_review(review, file, has_added=add)
    if review.expired or review.without_owner:
        raise typer.Exit(1)


def _review(
    file: Path,
    wanted: Sequence[str],
    day: date,
    days: int,
    owner: str | None,
    param: list[str] | None,
) -> Review:
    from octane_flows import warehouse
    from octane_flows.quarantine import read_entries, review_entries, states_of_tests

    if unknown := sorted(set(wanted) - KNOWN_STATES):
        names = ", ".join(sorted(KNOWN_STATES))
        raise UsageError(f"There is no state {unknown[0]!r}; the states are {names}.")
    entries = read_entries(file)
    parameters = parameter_texts(param)
    if "state_codes" in parameters:
        raise UsageError("Name the states with --state and not as a parameter.")
    with warehouse.connect(data_folder()) as connection:
        tests = states_of_tests(connection, wanted, dict(parameters))
    return review_entries(entries, tests, wanted=wanted, today=day, days=days, owner=owner)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date; write --today 2026-01-31.") from None


def _write(text: str, destination: Path | None, count: int) -> None:
    if destination is None:
        print(text, end="")
        return
    from octane_flows.warehouse.file_replacement import replace_file

    replace_file(destination, text.encode())
    print_step(f"{count} tests in {destination}")


def _print_review(review: Review, file: Path, *, has_added: bool) -> None:
    added = f"added to {file}" if has_added else "to be added with --add"
    parts = (
        ("expired: they run again; mend the test, or set a later date", review.expired),
        ("recovered: remove the entry", review.recovered),
        ("not in this warehouse: remove the entry, or correct workspace and test_id", review.gone),
        ("without an owner: name who mends the test", review.without_owner),
        (added, review.candidates),
    )
    for title, entries in parts:
        if not entries:
            continue
        table = PlainTable(
            "test", "reason", "owner", "expires", box=box.SIMPLE_HEAD, pad_edge=False
        )
        for entry in entries:
            name = ".".join(filter(None, (entry.full_class, entry.name)))
            table.add_row(name, entry.reason, entry.owner, entry.expires.isoformat())
        output.print(f"{len(entries)} {title}")
        output.print(table)
    count = len(review.active) + (len(review.candidates) if has_added else 0)
    output.print(f"{count} entries of {file} are in force")


def _record(review: Review) -> dict[str, list[dict[str, str]]]:
    return {
        name: [_entry_record(entry) for entry in entries] for name, entries in vars(review).items()
    }


def _entry_record(entry: Entry) -> dict[str, str]:
    return {name: str(value) for name, value in vars(entry).items()}
