"""The assets: `octane/*` from the extract, `er/*`, `flow/*` and more from the SQL, the report.

Keys, dependencies, columns and checks come from the models themselves; nothing is listed by hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from octane_flows import refresh, reports, warehouse
from octane_flows.errors import OctaneFlowsError
from octane_flows.lake import Lake, Manifest
from pipelines.resources import OctaneResource

MODELS = tuple(warehouse.load_models())
TABLE_MODELS = tuple(model for model in MODELS if model.schema != "check")
CHECKS = {check.name: check for check in warehouse.list_checks(list(MODELS))}
#: The extracted tables that models read. The extract reads everything else too: its materialisation
#: of `lake/generation` lists all tables.
SOURCES = tuple(
    sorted({name for model in MODELS for name in model.sources if name.startswith("octane.")})
)
GENERATION = dg.AssetKey(["lake", "generation"])
REPORT = dg.AssetKey(["report"])
RETRY = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)


def key(name: str) -> dg.AssetKey:
    """The asset key of a warehouse table, `er.tests` becoming `er/tests`."""
    return dg.AssetKey(name.split("."))


def check_name(check: warehouse.Check) -> str:
    """The check's name in Dagster, where the asset is said beside it: `key`, `relation_test_id`."""
    return check.name.replace(f":{check.model}", "").replace(".", "_")


@dg.multi_asset(
    name="extract",
    specs=[
        dg.AssetSpec(
            GENERATION,
            description="The published generation of the lake: every readable entity type.",
            group_name="lake",
            kinds={"parquet"},
        ),
        *(
            dg.AssetSpec(
                key(name),
                description=f"Octane's {name.removeprefix('octane.')}, as the server answers it.",
                group_name="lake",
                kinds={"parquet"},
            )
            for name in SOURCES
        ),
    ],
    retry_policy=RETRY,
)
def extract(
    context: dg.AssetExecutionContext, octane: OctaneResource
) -> Iterator[dg.MaterializeResult[Any]]:
    """Read the Octane server into a new generation of the lake."""
    with one_sentence():
        report = refresh.extract(octane.settings())
    for finding in report.manifest.findings:
        context.log.warning(finding)
    costs = Costs(report.manifest)
    yield dg.MaterializeResult(
        asset_key=GENERATION,
        metadata={
            **costs.metadata(report.manifest.tables),
            "generation": report.manifest.generation,
            "findings": dg.MetadataValue.json(report.manifest.findings),
            "requests": dg.MetadataValue.json(report.manifest.politeness),
            "rows_by_table": dg.MetadataValue.json(
                {name: table.rows for name, table in sorted(report.manifest.tables.items())}
            ),
        },
    )
    for name in SOURCES:
        yield dg.MaterializeResult(
            asset_key=key(name), metadata=costs.metadata([name.removeprefix("octane.")])
        )


@dg.multi_asset(
    name="warehouse",
    specs=[
        dg.AssetSpec(
            key(model.name),
            deps=[key(source) for source in model.sources if not source.startswith("meta.")]
            or [GENERATION],
            description=model.header.question,
            group_name=model.schema,
            kinds={"duckdb"},
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(column.name, description=column.meaning)
                        for column in model.columns
                    ]
                )
            },
        )
        for model in TABLE_MODELS
    ],
    check_specs=[
        dg.AssetCheckSpec(
            name=check_name(check),
            asset=key(check.model),
            description=check.meaning,
            blocking=check.severity == "error",
        )
        for check in CHECKS.values()
    ],
)
def build_warehouse(
    context: dg.AssetExecutionContext, octane: OctaneResource
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Build the DuckDB warehouse aside, check it, swap it in."""
    home = octane.home()
    with one_sentence():
        report = warehouse.build(home, lake=octane.lake(), progress=context.log.debug)
    manifest = _manifest(octane.lake())
    costs = Costs(manifest)
    sources = _transitive_sources()
    for model in report.models:
        yield dg.MaterializeResult(
            asset_key=key(model.name),
            metadata={
                **costs.metadata(sources[model.name], rows=model.rows),
                "status": model.status,
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(
                            column.name, type=column.type or "unknown", description=column.meaning
                        )
                        for column in model.columns
                    ]
                ),
            },
        )
    for result in report.checks:
        check = CHECKS[result.name]
        yield dg.AssetCheckResult(
            asset_key=key(check.model),
            check_name=check_name(check),
            passed=result.passed,
            severity=(
                dg.AssetCheckSeverity.ERROR
                if result.severity == "error"
                else dg.AssetCheckSeverity.WARN
            ),
            description=result.detail or check.meaning,
        )


@dg.asset(
    key=REPORT,
    deps=[key(model.name) for model in TABLE_MODELS if model.schema in ("flow", "metric")],
    description="The HTML report of the flows' answers.",
    group_name="reports",
    kinds={"html"},
)
def report(octane: OctaneResource) -> dg.MaterializeResult[Any]:
    """Write the HTML report from the published warehouse."""
    home = octane.home()
    with one_sentence():
        page = reports.write(home)
    manifest = _manifest(octane.lake())
    return dg.MaterializeResult(
        metadata={
            **Costs(manifest).metadata(manifest.tables),
            "page": dg.MetadataValue.path(str(page)),
        }
    )


class Costs:
    """Rows, pages and bytes that tables rest on, from a manifest's certificate."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def metadata(
        self, tables: Iterable[str] | Mapping[str, Any], *, rows: int | None = None
    ) -> dict[str, Any]:
        """Metadata of an asset made of these lake tables; `rows` defaults to theirs."""
        known = [name for name in tables if name in self._manifest.tables]
        entities = {self._manifest.tables[name].entity for name in known}
        read = [row for row in self._manifest.certificate if row.entity in entities]
        if rows is None:
            rows = sum(self._manifest.tables[name].rows for name in known)
        return {
            "dagster/row_count": rows,
            "pages": sum(row.pages for row in read),
            "bytes": sum(row.bytes_received for row in read),
            "as_of": dg.MetadataValue.timestamp(self._manifest.as_of),
        }


def _transitive_sources() -> dict[str, set[str]]:
    """Per model, the lake tables under it, however deep."""
    found: dict[str, set[str]] = {}
    for model in TABLE_MODELS:  # in building order: sources come first
        mine: set[str] = set()
        for source in model.sources:
            schema, _, table = source.partition(".")
            mine |= {table} if schema == "octane" else found.get(source, set())
        found[model.name] = mine
    return found


def _manifest(lake: Lake) -> Manifest:
    manifest = lake.current()
    if manifest is None:
        where = lake.storage.describe()
        raise dg.Failure(f"There is no generation in {where}; materialise the extract first.")
    return manifest


class one_sentence:  # noqa: N801  (a context manager that reads like a phrase)
    """Our errors are complete sentences: Dagster shows them without a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OctaneFlowsError):
            raise dg.Failure(str(error)) from error
