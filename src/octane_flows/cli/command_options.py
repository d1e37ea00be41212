"""Options that several commands have in common, and the reading of NAME=VALUE.

Nothing in; annotated types for the signatures of commands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.errors import UsageError


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    csv_raw = "csv-raw"
    json = "json"
    parquet = "parquet"


class Engine(StrEnum):
    """What runs the SQL."""

    duckdb = "duckdb"
    spark = "spark"


def free_destination(path: Path | None) -> Path | None:
    """The file that an answer is written to, unless it belongs to a lake or is a database."""
    if path is None:
        return None
    try:
        target = path.resolve()
        in_lake = any((folder / "CURRENT").is_file() for folder in target.parents)
        is_database = target.is_file() and _is_database(target)
    except (OSError, RuntimeError, ValueError):
        return path  # writing it says what is wrong
    if in_lake or is_database:
        what = "lies in a lake" if in_lake else "is a DuckDB database"
        raise UsageError(
            f"--output {path} {what}, and an answer would take its place; name another file."
        )
    return path


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; repeatable.")
]
AnswerFormat = Annotated[
    Format,
    typer.Option("--format", help="How to write the rows; csv-raw leaves formulas as they are."),
]
Destination = Annotated[
    Path | None,
    typer.Option(
        "--output", callback=free_destination, help="File to write instead of the terminal."
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="A value that no row has is an error, not a warning.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Generation, date (its end) or UTC time to look back to."),
]
ChosenEngine = Annotated[Engine, typer.Option("--engine", help="duckdb, or spark with --master.")]
Master = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Spark's address: spark://HOST:7077, yarn, or local[2] for this machine.",
    ),
]
Skip = Annotated[list[str] | None, typer.Option(help="Entity type to leave out; repeatable.")]
Wait = Annotated[
    float, typer.Option(metavar="SECONDS", help="Wait so long for another extract to end.")
]
WorkspaceOption = Annotated[
    str | None, typer.Option(help="Its id, where the settings name several.")
]


def parameter_texts(pairs: Sequence[str] | None) -> dict[str, str | None]:
    """`NAME=VALUE` texts as a mapping; the word null stands for no value. Raises UsageError."""
    texts: dict[str, str | None] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--param takes NAME=VALUE, such as hours=72; this is {pair!r}.")
        if name in texts:
            raise UsageError(f"--param {name} is given twice; give it once.")
        texts[name] = None if value == "null" else value
    return texts


def one_workspace(workspace: str | None, of_settings: tuple[str, ...] | None) -> str:
    """The workspace that a command is for: the given one, or the only one of the settings."""
    if workspace is not None:
        return workspace
    if of_settings is None or len(of_settings) != 1:
        raise UsageError("This is for one workspace; name it with --workspace ID.")
    return of_settings[0]
