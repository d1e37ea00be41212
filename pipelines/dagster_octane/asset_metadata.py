"""What assets tell about themselves: keys, columns, files, rows, pages, bytes, age.

Models and manifests in, Dagster's metadata out; the modules with the assets call it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from octane_flows import warehouse
from octane_flows.lake import CertificateRow, Lake, Manifest
from octane_flows.models.lineage import Origin
from octane_flows.models.sql_folder import sql_folder

MODELS: Final = tuple(warehouse.load_models())
TABLE_MODELS: Final = tuple(model for model in MODELS if model.schema != "check")
#: The extracted tables that models read; a materialisation of the lake lists all that there are.
SOURCES: Final = tuple(
    sorted({name for model in MODELS for name in model.sources if name.startswith("octane.")})
)
NAMED: Final = 4  # columns that one is made of: more would hide its meaning
#: What has an asset, unlike `meta` and `past`.
ASSET_TABLES: Final = frozenset([*SOURCES, *(model.name for model in TABLE_MODELS)])
LAKE: Final = dg.AssetKey(["lake", "workspaces"])
REPORT: Final = dg.AssetKey(["report"])
#: An hourly refresh that failed twice is worth a look; without the daily one something is wrong.
FRESH: Final = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=3), fail_window=timedelta(hours=26)
)


def key(name: str) -> dg.AssetKey:
    """The asset key of a warehouse table, `er.tests` becoming `er/tests`."""
    return dg.AssetKey(name.split("."))


def column_schema(columns: Iterable[tuple[str, str | None, str]]) -> dict[str, Any]:
    """Names, types and meanings of columns where Dagster looks for them."""
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name, type=kind or "unknown", description=meaning)
                for name, kind, meaning in columns
            ]
        )
    }


def column_lineage(made_of: Mapping[str, Sequence[Origin]]) -> dict[str, Any]:
    """Which columns of other assets a model's columns are made of, where that is known."""
    deps = {
        column: [
            dg.TableColumnDep(asset_key=key(one.table), column_name=one.column)
            for one in origins
            if one.table in ASSET_TABLES
        ]
        for column, origins in made_of.items()
    }
    told = {column: some for column, some in deps.items() if some}
    return {"dagster/column_lineage": dg.TableColumnLineage(told)} if told else {}


def with_origins(meaning: str, origins: Sequence[Origin]) -> str:
    """A column's meaning and what it is made of: Dagster's own pages show no lineage of columns."""
    names = [f"{one.table}.{one.column}" for one in origins]
    if not names:
        return meaning
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{meaning}; from {', '.join(names[:NAMED])}{more}"


def model_file(model: warehouse.Model) -> dict[str, Any]:
    """The link from a SQL model to its file."""
    path = sql_folder() / model.schema / f"{model.slug}.sql"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster calls its code references beta
        reference = dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=model.where)
        return {
            "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])
        }


def rows_table(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Some rows as a table, such as those that a check found."""
    if not rows:
        return {}
    return {"rows": dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])}


class Costs:
    """Rows, pages and bytes that tables rest on, from a manifest's certificate."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def of_tables(self, tables: Iterable[str], rows: int | None) -> dict[str, Any]:
        """Metadata of an asset of so many rows that is made of these lake tables."""
        known = [name for name in tables if name in self._manifest.tables]
        entities = {self._manifest.tables[name].entity for name in known}
        return self._told(rows or 0, [one for one in self._read() if one.entity in entities])

    def of_workspaces(self, workspaces: Iterable[str]) -> dict[str, Any]:
        """Metadata of what was read and is held of these workspaces."""
        wanted = set(workspaces)
        held = [one for one in self._manifest.certificate if one.workspace in wanted]
        rows = sum(one.rows_held or 0 for one in held)
        read = [one for one in self._read() if one.workspace in wanted]
        return {
            **self._told(rows, read),
            "rows_read": sum(one.rows_read for one in read),
            "rows_written": sum(one.rows_written for one in read),
            "rows_by_entity": dg.MetadataValue.json(
                {f"{one.workspace}/{one.entity}": one.rows_held for one in held if one.rows_held}
            ),
        }

    def _read(self) -> list[CertificateRow]:
        return [one for one in self._manifest.certificate if one.status != "carried"]

    def _told(self, rows: int, read: Sequence[CertificateRow]) -> dict[str, Any]:
        return {
            "dagster/row_count": rows,
            "pages": sum(one.pages for one in read),
            "bytes": sum(one.bytes_received for one in read),
            "as_of": dg.MetadataValue.timestamp(self._manifest.as_of),
        }


def current_manifest(lake: Lake) -> Manifest:
    """The lake's current generation; a Failure where there is none."""
    manifest = lake.current()
    if manifest is None:
        where = lake.storage.describe()
        raise dg.Failure(
            f"There is no generation in {where}; materialise the extract first.",
            allow_retries=False,
        )
    return manifest
