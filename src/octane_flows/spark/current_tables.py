"""The current state of `octane.*` from the lake's files as they are, read by Spark.

A manifest's table and its files in, a data frame of the newest versions out; `spark_build`
calls it. Only files that the manifest names are read, each by the schema in its own footer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.errors import LakeError
from octane_flows.lake import Lake, TableEntry
from octane_flows.lake.valid_values import outdated_columns, outdated_links

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FOOTERS = 8  # footers read at once
#: A column's type in the manifest, and Spark's.
SPARK_TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "DATE": "DATE",
}
#: The type in a file, and Spark's.
FILE_TYPES: dict[pa.DataType, str] = {
    pa.string(): "STRING",
    pa.large_string(): "STRING",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP_NTZ",
    pa.date32(): "DATE",
}


@dataclass(frozen=True)
class Versions:
    """All versions of a table, and whether one generation wrote them all."""

    frame: DataFrame
    is_one_generation: bool


def quoted(name: str) -> str:
    """A name as Spark quotes it."""
    return "`" + name.replace("`", "``") + "`"


def columns_of(entry: TableEntry) -> str:
    """The columns of a table with their types, as in `create table`."""
    return ", ".join(
        f"{quoted(column.name)} {SPARK_TYPES[column.type]}" for column in entry.columns
    )


def empty_table(entry: TableEntry) -> pa.Table:
    """A table without rows, of the types that its columns have."""
    kinds = {kind: spark_type for spark_type, kind in reversed(FILE_TYPES.items())}
    return pa.schema(
        [(column.name, kinds[SPARK_TYPES[column.type]]) for column in entry.columns]
    ).empty_table()


def read_versions(session: SparkSession, lake: Lake, entry: TableEntry) -> Versions | None:
    """Every version of a table's rows, cast to the table's types; None where there are no files."""
    if not entry.files:
        return None
    with ThreadPoolExecutor(FOOTERS) as pool:
        paths = list(pool.map(lake.resolve, entry.files))
        footers = list(pool.map(lambda path: _footer(path, entry), paths))
    by_schema: dict[str, list[str]] = {}
    names: dict[str, set[str]] = {}
    for path, footer in zip(paths, footers, strict=True):
        schema = _schema(footer.schema.to_arrow_schema(), entry, path)
        by_schema.setdefault(schema, []).append(literal_path(path))
        names[schema] = set(footer.schema.to_arrow_schema().names)
    frames = [
        session.read.schema(schema).parquet(*paths).selectExpr(*_casts(entry, names[schema]))
        for schema, paths in by_schema.items()
    ]
    frame = reduce(lambda frame, other: frame.unionByName(other), frames)
    outdated = outdated_links(entry)
    if outdated is not None:
        frame = frame.where(f"not {outdated}")
    return Versions(frame, len(_generations(footers)) == 1)


def newest(versions: Versions, entry: TableEntry) -> DataFrame:
    """The newest version of each row, or of each owner's link set; tombstones are among them."""
    if versions.is_one_generation:  # it holds each id once: nothing to choose from
        return versions.frame
    if entry.kind == "link":  # a set is replaced whole: all rows of the newest one stay
        owner, ranking = "source_id", "rank()"
    else:
        owner, ranking = "id", "row_number()"
    ranked = versions.frame.selectExpr(
        "*",
        f"{ranking} over (partition by _workspace_id, {owner} "
        "order by _generation desc nulls last, _extracted_at desc nulls last) as _newness",
    )
    return ranked.where("_newness = 1").drop("_newness")


def current_tables(
    session: SparkSession, lake: Lake, entries: Mapping[str, TableEntry]
) -> dict[str, DataFrame]:
    """The current state of all tables with files: no tombstones, no links of deleted owners."""
    frames: dict[str, DataFrame] = {}
    deleted_rows: dict[str, DataFrame] = {}
    for entry in sorted(entries.values(), key=lambda table: (table.kind != "entity", table.name)):
        versions = read_versions(session, lake, entry)
        if versions is None:
            continue
        rows = newest(versions, entry)
        if entry.kind == "entity":
            deleted_rows[entry.entity] = rows.where("_deleted").selectExpr(
                "_workspace_id", "id as source_id"
            )
        current = rows.where("not coalesce(_deleted, false)")
        if entry.kind == "link" and entry.entity in deleted_rows:
            current = current.join(
                deleted_rows[entry.entity], ["_workspace_id", "source_id"], "left_anti"
            )
        frames[entry.name] = current.select(*[quoted(column.name) for column in entry.columns])
    return frames


def literal_path(path: Path) -> str:
    """A path that Spark takes as it is written, without looking for patterns in it."""
    return "file:" + re.sub(r"([{}\[\]*?\\,])", r"\\\1", str(path.resolve()))


def _casts(entry: TableEntry, file_columns: set[str]) -> list[str]:
    values = {name: quoted(name) for name in file_columns}
    for name, condition in outdated_columns(entry):
        if name in values:
            values[name] = f"case when {condition} then null else {quoted(name)} end"
    return [
        f"cast({values.get(column.name, 'null')} as {SPARK_TYPES[column.type]}) "
        f"as {quoted(column.name)}"
        for column in entry.columns
    ]


def _footer(path: Path, entry: TableEntry) -> pq.FileMetaData:
    if not path.is_file():
        raise LakeError(
            f"The lake's file {path} is named by the manifest but is not there; restore it "
            f"from a backup, or read it again: octane-flows extract --full {entry.entity}."
        )
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise LakeError(
            f"Could not read {path} of octane.{entry.name} ({str(error).splitlines()[0]}); restore "
            f"it from a backup, or read it again: octane-flows extract --full {entry.entity}."
        ) from error


def _schema(schema: pa.Schema, entry: TableEntry, path: Path) -> str:
    wanted = {column.name for column in entry.columns}
    parts: list[str] = []
    for field in schema:
        if field.name not in wanted:
            continue
        if field.type not in FILE_TYPES:
            raise LakeError(
                f"The column {field.name} in {path} is of the type {field.type}, which Spark is "
                "not known to read alike; run 'octane-flows extract --full'."
            )
        parts.append(f"{quoted(field.name)} {FILE_TYPES[field.type]}")
    return ", ".join(parts)


def _generations(footers: Sequence[pq.FileMetaData]) -> set[object]:
    """The least and greatest generation of every row group; something of its own if not told."""
    generations: set[object] = set()
    for footer in footers:
        for group in range(footer.num_row_groups):
            row_group = footer.row_group(group)
            for index in range(row_group.num_columns):
                column = row_group.column(index)
                if column.path_in_schema != "_generation":
                    continue
                statistics = column.statistics
                if statistics is None or not statistics.has_min_max:
                    return {None, "unknown"}
                generations |= {statistics.min, statistics.max}
    return generations
