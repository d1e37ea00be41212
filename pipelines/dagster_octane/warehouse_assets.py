"""The warehouse and the report as assets: `octane/*`, `er/*`, `flow/*`, `metric/*`, `plan/*`.

The lake's current generation in, a published warehouse with its checks and a page out. Keys,
dependencies, columns and checks come from the models; nothing is listed by hand. A model has one
check for its key and all of its references, because every check costs a run several events.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import dagster as dg

from dagster_octane.asset_metadata import (
    FRESH,
    LAKE,
    MODELS,
    REPORT,
    SOURCE_TABLES,
    TABLE_MODELS,
    Costs,
    column_lineage,
    column_schema,
    current_manifest,
    key,
    model_file,
    relations,
    rows_table,
    with_origins,
)
from dagster_octane.resources import RETRY, SITE, OctaneResource, errors_as_failures
from octane_flows import warehouse
from octane_flows.errors import CheckError
from octane_flows.lake import Manifest
from octane_flows.models.lineage import columns_made_of
from octane_flows.warehouse import phase_versions

SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}
KEY_AND_REFERENCES = "key_and_references"


def check_name(check: warehouse.Check) -> str:
    """The name of a check in Dagster: those that a model's header declares have the same name."""
    return KEY_AND_REFERENCES if ":" in check.name else check.name


def _grouped_checks() -> dict[tuple[str, str], list[warehouse.Check]]:
    groups: dict[tuple[str, str], list[warehouse.Check]] = {}
    for check in warehouse.list_checks(list(MODELS)):
        groups.setdefault((check.model, check_name(check)), []).append(check)
    return groups


#: The checks by model and name in Dagster.
CHECKS: Final = _grouped_checks()


def _source_spec(name: str) -> dg.AssetSpec:
    entity, _, field = name.removeprefix("octane.").partition("__")
    meaning = f"Octane's entity type {entity}: the newest version of each row."
    if field:
        meaning = f"Octane's field {field} of {entity}: the links of each row's newest version."
    return dg.AssetSpec(
        key(name),
        deps=[LAKE],
        description=meaning,
        group_name="octane",
        kinds={"duckdb"},
        owners=SITE.owners,
    )


def _upstream(model: warehouse.Model) -> list[dg.AssetKey]:
    """The assets that a model reads; versions of work items come from the work items' tables."""
    names = set(model.sources)
    if phase_versions.TABLE in names:
        names = names - {phase_versions.TABLE} | set(phase_versions.SOURCES)
    keys = [key(name) for name in sorted(names) if not name.startswith("meta.")]
    # The tables in `octane` are no steps, so models that read them also wait for the extract.
    reads_lake = not keys or any(name.startswith("octane.") for name in names)
    return [LAKE, *keys] if reads_lake else keys


def _model_spec(model: warehouse.Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(model.name),
        deps=_upstream(model),
        description=model.header.question,
        group_name=model.schema,
        kinds={"duckdb", "sql"},
        owners=SITE.owners,
        freshness_policy=FRESH if model.schema in ("flow", "metric") else None,
        metadata={
            **column_schema((column.name, None, column.meaning) for column in model.columns),
            **model_file(model),
            **relations(model),
        },
    )


#: Shown with their lineage, but no run reports them one by one: the lake's asset has their rows.
EXTRACTED_TABLES: Final = [_source_spec(name) for name in SOURCE_TABLES]


@dg.multi_asset(
    name="warehouse",
    specs=[*map(_model_spec, TABLE_MODELS)],
    check_specs=[
        dg.AssetCheckSpec(
            name=name,
            asset=key(model),
            description="; ".join(check.meaning for check in checks),
            blocking=any(check.severity == "error" for check in checks),
        )
        for (model, name), checks in CHECKS.items()
    ],
    retry_policy=RETRY,
)
def build_warehouse(
    context: dg.AssetExecutionContext, octane: OctaneResource
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Build the DuckDB warehouse in a new file, check it, let it replace the old one."""
    with errors_as_failures():
        lake = octane.lake()
        with warehouse.Warehouse(
            octane.home(),
            lake=lake,
            manifest=current_manifest(lake),
            workspaces=octane.warehouse_workspaces(),
        ) as building:
            building.load()
            building.create_models()
            try:
                building.check()
            except CheckError:
                yield from check_results(building.check_results)
                raise
            report = building.publish()
    failed = [result for result in report.checks if not result.passed]
    for result in failed:
        context.log.warning(f"Check {result.name}: {result.detail}")
    if report.newer is not None:
        context.log.warning(
            f"Another process published the warehouse of generation {report.newer} meanwhile. It "
            f"stays, because it is newer than generation {report.generation} of this run."
        )
    context.log.info(
        f"Built the warehouse of generation {report.generation}: {len(report.tables)} tables "
        f"with {sum(report.tables.values()):,} rows, {len(report.models)} models, "
        f"{len(report.checks) - len(failed)} of {len(report.checks)} checks passed."
    )
    for gap in warehouse.gaps_of_report(report):
        context.log.warning(f"Gap: {gap}.")
    for asset, metadata in _asset_metadata(report, building.manifest):
        # Dagster would store the metadata of the result twice, also with the step's output.
        context.add_asset_metadata(metadata, asset_key=asset)
        yield dg.MaterializeResult(asset_key=asset)
    yield from check_results(report.checks)


def _asset_metadata(
    report: warehouse.BuildReport, manifest: Manifest
) -> Iterator[tuple[dg.AssetKey, dict[str, Any]]]:
    """The metadata of each model, in the order in which they were built."""
    costs = Costs(manifest)
    lake_tables, lineage = _lake_tables(), columns_made_of(TABLE_MODELS)
    for model in report.models:
        origins = lineage[model.name]
        yield (
            key(model.name),
            {
                **costs.of_tables(lake_tables[model.name], model.rows),
                **column_schema(
                    (
                        column.name,
                        column.type,
                        with_origins(column.meaning, origins.get(column.name, ())),
                    )
                    for column in model.columns
                ),
                **column_lineage(origins),
                "status": model.status,
                "reason": model.reason or "",
            },
        )


def check_results(results: Sequence[warehouse.CheckResult]) -> Iterator[dg.AssetCheckResult]:
    """The results as Dagster shows them; each says what of its tables the lake lacks."""
    by_name = {result.name: result for result in results}
    for (model, name), checks in CHECKS.items():
        ran = [by_name[check.name] for check in checks if check.name in by_name]
        failed = [result for result in ran if not result.passed]
        severities = {result.severity for result in failed} or {check.severity for check in checks}
        yield dg.AssetCheckResult(
            asset_key=key(model),
            check_name=name,
            passed=not failed,
            severity=SEVERITY["error" if "error" in severities else "warn"],
            description=_description(ran),
            metadata={
                "violations": sum(result.violations for result in failed),
                **rows_table([row for result in failed for row in _example_rows(result)]),
            },
        )


def _description(results: Sequence[warehouse.CheckResult]) -> str | None:
    sentences = [f"{result.name}: {result.detail}" for result in results if not result.passed]
    for result in results:
        if result.reason is not None:
            sentences.append(f"{result.name} is partial: {result.reason}")
        if result.last_run_generation is not None:
            generation = result.last_run_generation
            sentences.append(f"{result.name} was not run again since generation {generation}")
    return "; ".join(sentences) or None


def _example_rows(result: warehouse.CheckResult) -> list[dict[str, str]]:
    """Rows that fail a check; only its text where an update has no examples."""
    examples = [", ".join(f"{k}={v}" for k, v in row.items()) for row in result.examples]
    return [{"check": result.name, "row": text} for text in examples or [result.detail]]


def _lake_tables() -> dict[str, set[str]]:
    """For each model the lake tables that it reads, directly or through other models."""
    tables: dict[str, set[str]] = {}
    for model in TABLE_MODELS:  # in building order, so that the models that it reads come first
        tables[model.name] = set()
        for source in model.sources:
            schema, _, table = source.partition(".")
            tables[model.name] |= {table} if schema == "octane" else tables.get(source, set())
    return tables


@dg.asset(
    key=REPORT,
    deps=[key(model.name) for model in TABLE_MODELS if model.schema in ("flow", "metric")],
    description="The HTML report of the flows' answers.",
    group_name="reports",
    kinds={"html"},
    owners=list(SITE.owners),
    freshness_policy=FRESH,
)
def report(context: dg.AssetExecutionContext, octane: OctaneResource) -> dg.MaterializeResult[Any]:
    """Write the HTML report from the published warehouse."""
    from octane_flows import reports  # plots take long to import, and most processes draw none

    with errors_as_failures():
        page = reports.write(octane.home(), keep=True)  # the comparison with the server follows
        manifest = current_manifest(octane.lake())
    context.log.info(f"Wrote {page}.")
    rows = sum(row.rows_held or 0 for row in manifest.certificate)
    costs = Costs(manifest).of_tables(manifest.tables, rows)
    return dg.MaterializeResult(metadata={**costs, "page": dg.MetadataValue.path(str(page))})
