"""The warehouse and the report as assets: `octane/*`, `er/*`, `flow/*`, `metric/*`, `plan/*`.

The lake's current generation in, a published warehouse with its checks and a page out. Keys,
dependencies, columns and checks come from the models themselves; nothing is listed by hand.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from dagster_octane.asset_metadata import (
    FRESH,
    LAKE,
    MODELS,
    REPORT,
    SOURCES,
    TABLE_MODELS,
    Costs,
    column_lineage,
    column_schema,
    current_manifest,
    key,
    model_file,
    rows_table,
    with_origins,
)
from dagster_octane.resources import RETRY, SITE, OctaneResource, one_sentence
from octane_flows import warehouse
from octane_flows.errors import CheckError
from octane_flows.lake import Manifest
from octane_flows.models.lineage import columns_made_of
from octane_flows.warehouse import phase_versions

SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}
REFERENCES = "references"


def check_name(check: warehouse.Check) -> str:
    """The check's name in Dagster, where the asset is said beside it: `key`, `references`."""
    kind, _, rest = check.name.partition(":")
    return REFERENCES if kind == "relation" else kind if rest else check.name


#: The checks by asset and name: all references of a model are one, for each costs a run some time.
CHECKS: dict[tuple[str, str], list[warehouse.Check]] = {}
for _check in warehouse.list_checks(list(MODELS)):
    CHECKS.setdefault((_check.model, check_name(_check)), []).append(_check)


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
    """What the model reads; versions of work items come from the tables of the work items."""
    names = set(model.sources)
    if phase_versions.TABLE in names:
        names = names - {phase_versions.TABLE} | set(phase_versions.SOURCES)
    return [key(name) for name in sorted(names) if not name.startswith("meta.")]


def _model_spec(model: warehouse.Model) -> dg.AssetSpec:
    sources = _upstream(model)
    return dg.AssetSpec(
        key(model.name),
        deps=sources or [LAKE],
        description=model.header.question,
        group_name=model.schema,
        kinds={"duckdb", "sql"},
        owners=SITE.owners,
        freshness_policy=FRESH if model.schema in ("flow", "metric") else None,
        metadata={
            **column_schema((one.name, None, one.meaning) for one in model.columns),
            **model_file(model),
        },
    )


@dg.multi_asset(
    name="warehouse",
    specs=[*map(_source_spec, SOURCES), *map(_model_spec, TABLE_MODELS)],
    check_specs=[
        dg.AssetCheckSpec(
            name=name,
            asset=key(model),
            description="; ".join(check.meaning for check in checks),
            blocking=checks[0].severity == "error",
        )
        for (model, name), checks in CHECKS.items()
    ],
    retry_policy=RETRY,
)
def build_warehouse(
    context: dg.AssetExecutionContext, octane: OctaneResource
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Build the DuckDB warehouse aside, check it, swap it in."""
    with one_sentence():
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
                yield from checked(building.check_results)
                raise
            report = building.publish()
    failed = [one for one in report.checks if not one.passed]
    for one in failed:
        context.log.warning(f"Check {one.name}: {one.detail}")
    if report.newer is not None:
        context.log.warning(
            f"The warehouse of generation {report.newer} was published meanwhile and stays: it is "
            f"newer than {report.generation}, which this run built."
        )
    context.log.info(
        f"Built the warehouse of generation {report.generation}: {len(report.tables)} tables "
        f"with {sum(report.tables.values()):,} rows, {len(report.models)} models, "
        f"{len(report.checks) - len(failed)} of {len(report.checks)} checks passed."
    )
    # as metadata of the materialisation alone: a result's own is kept with the step's output too
    for asset, told in _told(report, building.manifest):
        context.add_asset_metadata(told, asset_key=asset)
        yield dg.MaterializeResult(asset_key=asset)
    yield from checked(report.checks)


def _told(
    report: warehouse.BuildReport, manifest: Manifest
) -> Iterator[tuple[dg.AssetKey, dict[str, Any]]]:
    """The metadata of each table and model, those that others read first."""
    costs = Costs(manifest)
    for name in SOURCES:
        table = name.removeprefix("octane.")
        yield key(name), costs.of_tables([table], report.tables.get(table))
    below, made_of = _tables_below(), columns_made_of(TABLE_MODELS)
    for model in report.models:
        origins = made_of[model.name]
        yield (
            key(model.name),
            {
                **costs.of_tables(below[model.name], model.rows),
                **column_schema(
                    (one.name, one.type, with_origins(one.meaning, origins.get(one.name, ())))
                    for one in model.columns
                ),
                **column_lineage(origins),
                "status": model.status,
            },
        )


def checked(results: Sequence[warehouse.CheckResult]) -> Iterator[dg.AssetCheckResult]:
    """The results as Dagster shows them; a check that could not run passes and says so."""
    by_name = {result.name: result for result in results}
    for (model, name), checks in CHECKS.items():
        own = [by_name[check.name] for check in checks if check.name in by_name]
        failed = [one for one in own if not one.passed]
        told = "; ".join(f"{one.name.partition(':')[2]}: {one.detail}" for one in failed)
        rows = [
            {"check": one.name, "row": ", ".join(f"{k}={v}" for k, v in row.items())}
            for one in failed
            for row in one.examples
        ]
        yield dg.AssetCheckResult(
            asset_key=key(model),
            check_name=name,
            passed=not failed,
            severity=SEVERITY[checks[0].severity],
            description=told or (None if own else "not run: the lake lacks what it reads"),
            metadata={"violations": sum(one.violations for one in failed), **rows_table(rows)},
        )


def _tables_below() -> dict[str, set[str]]:
    """Per model, the lake tables under it, however deep."""
    found: dict[str, set[str]] = {}
    for model in TABLE_MODELS:  # in building order: sources come first
        mine: set[str] = set()
        for source in model.sources:
            schema, _, table = source.partition(".")
            mine |= {table} if schema == "octane" else found.get(source, set())
        found[model.name] = mine
    return found


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

    with one_sentence():
        page = reports.write(octane.home())
        manifest = current_manifest(octane.lake())
    context.log.info(f"Wrote {page}.")
    rows = sum(one.rows_held or 0 for one in manifest.certificate)
    told = Costs(manifest).of_tables(manifest.tables, rows)
    return dg.MaterializeResult(metadata={**told, "page": dg.MetadataValue.path(str(page))})
