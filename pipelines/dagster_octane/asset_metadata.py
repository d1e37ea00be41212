"""Metadata of the assets: keys, columns, files, rows, pages, bytes, age.

Models and manifests in, Dagster's metadata out; the modules with the assets call it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from octane_flows import er_diagrams, warehouse
from octane_flows.config import load_home, load_settings
from octane_flows.errors import UsageError
from octane_flows.lake import CertificateRow, Lake, Manifest
from octane_flows.models.lineage import Origin
from octane_flows.models.sql_folder import sql_folder

MODELS: Final = tuple(warehouse.load_models())
TABLE_MODELS: Final = tuple(model for model in MODELS if model.schema != "check")
#: The extracted tables that models read. The metadata of the lake's asset lists all tables.
SOURCE_TABLES: Final = tuple(
    sorted({name for model in MODELS for name in model.sources if name.startswith("octane.")})
)
SHOWN_ORIGINS: Final = 4  # a longer list would hide the meaning of the column
#: The tables that are assets; those of `meta` and `past` are not.
ASSET_TABLES: Final = frozenset([*SOURCE_TABLES, *(model.name for model in TABLE_MODELS)])
LAKE: Final = dg.AssetKey(["lake", "workspaces"])
REPORT: Final = dg.AssetKey(["report"])
#: A warning after two hourly refreshes that failed; a failure when the daily one is missing.
FRESH: Final = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=3), fail_window=timedelta(hours=26)
)


def key(name: str) -> dg.AssetKey:
    """The asset key of a warehouse table, `er.tests` becoming `er/tests`."""
    return dg.AssetKey(name.split("."))


def column_schema(columns: Iterable[tuple[str, str | None, str]]) -> dict[str, Any]:
    """Names, types and meanings of columns in the form that Dagster's pages show."""
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name, type=column_type or "unknown", description=meaning)
                for name, column_type, meaning in columns
            ]
        )
    }


def column_lineage(made_of: Mapping[str, Sequence[Origin]]) -> dict[str, Any]:
    """The columns of other assets from which a model's columns are made, where lineage knows it."""
    dependencies = {}
    for column, origins in made_of.items():
        sources = [
            dg.TableColumnDep(asset_key=key(origin.table), column_name=origin.column)
            for origin in origins
            if origin.table in ASSET_TABLES
        ]
        if sources:
            dependencies[column] = sources
    if not dependencies:
        return {}
    return {"dagster/column_lineage": dg.TableColumnLineage(dependencies)}


def with_origins(meaning: str, origins: Sequence[Origin]) -> str:
    """A column's meaning and its origins: Dagster's free pages show no lineage of columns."""
    names = [f"{origin.table}.{origin.column}" for origin in origins]
    if not names:
        return meaning
    more = f" and {len(names) - SHOWN_ORIGINS} more" if len(names) > SHOWN_ORIGINS else ""
    return f"{meaning}; from {', '.join(names[:SHOWN_ORIGINS])}{more}"


def model_file(model: warehouse.Model) -> dict[str, Any]:
    """The link from a SQL model to its file."""
    path = sql_folder() / model.schema / f"{model.slug}.sql"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster calls its code references beta
        reference = dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=model.where)
        return {
            "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])
        }


def relations(model: warehouse.Model) -> dict[str, Any]:
    """The tables behind a model and how they refer to one another.

    Dagster's pages draw no Mermaid, so that a table stands before the text of the diagram.
    """
    if model.schema == "er":
        diagram = er_diagrams.table_diagram([model.name])
    else:
        diagram = er_diagrams.question_diagram(model.name)
    if not diagram.lines:
        return {}
    rows = [
        f"| `{line.source}.{line.column}` | `{line.target}` | {', '.join(line.field_names)} |"
        for line in diagram.lines
    ]
    table = ["| reference | refers to | REST fields |", "|---|---|---|", *rows]
    text = ["", "```mermaid", er_diagrams.mermaid_text(diagram).rstrip(), "```"]
    return {"relations": dg.MetadataValue.md("\n".join([*table, *text]))}


def rows_table(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Rows as a table in the metadata, such as the rows that fail a check."""
    if not rows:
        return {}
    return {"rows": dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])}


def data_source() -> dict[str, Any]:
    """Which server, space and folder all assets are about, by the settings at load time.

    A setting that is missing or wrong is said in words: the run that needs it fails with the
    remedy.
    """
    metadata: dict[str, Any] = {}
    try:
        settings = load_settings(os.environ)
    except UsageError:
        metadata["server"] = dg.MetadataValue.text("not set; runs say what is missing")
    else:
        workspaces = ", ".join(settings.workspaces) if settings.workspaces else "all"
        metadata["server"] = dg.MetadataValue.url(settings.url)
        metadata["space"] = dg.MetadataValue.text(
            f"{settings.shared_space}, workspaces {workspaces}"
        )
    with suppress(UsageError):
        metadata["data_folder"] = dg.MetadataValue.path(str(load_home(os.environ).resolve()))
    return metadata


class Costs:
    """Rows, pages and bytes behind tables, from a manifest's certificate."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def of_tables(self, tables: Iterable[str], rows: int | None) -> dict[str, Any]:
        """Metadata of an asset that has this number of rows and is made of these lake tables.

        None: its rows were not counted.
        """
        lake_tables = self._manifest.tables
        entities = {lake_tables[name].entity for name in tables if name in lake_tables}
        return self._metadata(rows, [row for row in self._read() if row.entity in entities])

    def of_workspaces(self, workspaces: Iterable[str]) -> dict[str, Any]:
        """Metadata of the rows that the lake has of these workspaces and of those just read."""
        workspace_ids = set(workspaces)
        certificate = [row for row in self._manifest.certificate if row.workspace in workspace_ids]
        read = [row for row in self._read() if row.workspace in workspace_ids]
        return {
            **self._metadata(sum(row.rows_held or 0 for row in certificate), read),
            "rows_read": sum(row.rows_read for row in read),
            "rows_written": sum(row.rows_written for row in read),
            "rows_by_entity": dg.MetadataValue.json(
                {
                    f"{row.workspace}/{row.entity}": row.rows_held
                    for row in certificate
                    if row.rows_held
                }
            ),
        }

    def _read(self) -> list[CertificateRow]:
        return [row for row in self._manifest.certificate if row.status != "carried"]

    def _metadata(self, rows: int | None, read: Sequence[CertificateRow]) -> dict[str, Any]:
        return {
            **({"dagster/row_count": rows} if rows is not None else {}),
            "pages": sum(row.pages for row in read),
            "bytes": sum(row.bytes_received for row in read),
            "as_of": dg.MetadataValue.timestamp(self._manifest.as_of),
        }


def current_manifest(lake: Lake) -> Manifest:
    """The lake's current generation; a Failure where there is none."""
    manifest = lake.current()
    if manifest is None:
        folder = lake.storage.describe()
        raise dg.Failure(
            f"The lake {folder} has no generation yet; materialise lake/workspaces first.",
            allow_retries=False,
        )
    return manifest
