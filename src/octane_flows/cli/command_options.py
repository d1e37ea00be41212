"""Options that several commands have in common, and the reading of NAME=VALUE.

Nothing in; annotated types for the signatures of commands out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from octane_flows.cli.terminal_pager import paged
from octane_flows.errors import UsageError

if TYPE_CHECKING:  # loaded when a command needs them: --help answers at once
    import pyarrow as pa
    from rich.console import Console

    from octane_flows.client import Octane

Form = TypeVar("Form", bound=StrEnum)


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    csv_raw = "csv-raw"
    csv_excel = "csv-excel"
    json = "json"
    xlsx = "xlsx"
    parquet = "parquet"


#: The formats of rows that a file of each suffix may have; the first is meant without --format.
ROW_SUFFIXES = {
    ".txt": (Format.table,),
    ".csv": (Format.csv, Format.csv_raw, Format.csv_excel),
    ".xlsx": (Format.xlsx,),
    ".json": (Format.json,),
    ".parquet": (Format.parquet,),
}


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
    Format | None,
    typer.Option(
        "--format",
        help="How to write the rows; without it, the suffix of --output decides, else a table. "
        "csv-raw leaves formulas as they are; csv-excel has semicolons and decimal commas.",
    ),
]
Destination = Annotated[
    Path | None,
    typer.Option(
        "--output", callback=free_destination, help="File to write instead of the terminal."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="ROWS",
        min=1,
        help="Write so many rows and count the rest; without it, a table on a terminal has 200, "
        "files and pipes have all.",
    ),
]
NoPager = Annotated[
    bool,
    typer.Option("--no-pager", help="Print a long table as it is, and not with PAGER or less."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="A value that no row has is an error, not a warning.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Generation, date (its end) or UTC time to look back to."),
]
Progress = Annotated[
    bool,
    typer.Option("--progress", help="Say on standard error how the past is built for --as-of."),
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
    str | None, typer.Option(help="Its id or name, where the settings name several.")
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


def output_format(
    form: Form | None,
    destination: Path | None,
    suffixes: Mapping[str, tuple[Form, ...]],
    otherwise: Form,
) -> Form:
    """The format to write: the given one, or what the suffix of the file says, or `otherwise`.

    Raises UsageError where the two contradict each other or the suffix says nothing.
    """
    suffix = destination.suffix.lower() if destination is not None else ""
    meant = suffixes.get(suffix)
    if form is None:
        if not suffix:
            return otherwise
        if meant is None:
            raise UsageError(
                f"The suffix of {destination} names no format; end the file's name with "
                f"{_either(suffixes)}, or say its format with --format."
            )
        return meant[0]
    if meant is not None and form not in meant:
        raise UsageError(
            f"--format {form.value} contradicts the suffix of {destination}; leave --format out, "
            f"or choose a file that ends with {_either(_suffixes_of(form, suffixes))}."
        )
    return form


@dataclass(frozen=True)
class RowOutput:
    """Where the rows of an answer go: their format, a file or None, and how many are written."""

    format: str
    destination: Path | None
    limit: int | None = None
    is_paged: bool = True

    def write(self, answer: pa.Table, console: Console) -> None:
        """Write the rows; `console` is for tables on the terminal."""
        from octane_flows.questions.answer_formats import write_answer

        is_table = self.format == Format.table and self.destination is None
        with paged(console, is_wanted=is_table and self.is_paged):
            write_answer(answer, self.format, self.destination, console, limit=self.limit)


def row_output(
    form: Format | None, destination: Path | None, limit: int | None, no_pager: bool = False
) -> RowOutput:
    """The options --format, --output, --limit and --no-pager, checked before anything is read.

    Raises UsageError.
    """
    chosen = output_format(form, destination, ROW_SUFFIXES, Format.table)
    if chosen is Format.parquet and destination is None:
        raise UsageError("Parquet is not for terminals; add --output FILE.")
    if chosen is Format.xlsx and destination is None:
        raise UsageError("A workbook is not for terminals; add --output FILE.")
    return RowOutput(chosen.value, destination, limit, not no_pager)


def _suffixes_of(form: Form, suffixes: Mapping[str, tuple[Form, ...]]) -> list[str]:
    return [suffix for suffix, forms in suffixes.items() if form in forms]


def _either(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def one_workspace(octane: Octane, workspace: str | None, of_settings: Sequence[str] | None) -> str:
    """The id of a command's workspace: the given one, or the only one of the settings."""
    if workspace is None and (of_settings is None or len(of_settings) != 1):
        raise UsageError("This is for one workspace; name it with --workspace ID or NAME.")
    wanted = [workspace] if workspace is not None else of_settings
    return octane.workspace_ids(wanted)[0]
