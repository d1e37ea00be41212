"""The contract of `octane.*`: fresh, known to the models, and filled with nulls where it lacks."""

from __future__ import annotations

from pathlib import Path

import duckdb

from octane_flows.models.read_columns import read_columns
from octane_flows.models.syntax_tree import parse_sql
from octane_flows.warehouse import load_models
from octane_flows.warehouse.octane_contract import (
    Missing,
    completed,
    contract_entry,
    contract_tables,
    find_missing,
    findings,
)
from tests.generated_contract import CONTRACT, fresh_contract


def test_the_packaged_contract_is_what_a_server_lists() -> None:
    assert CONTRACT.read_text(encoding="utf-8") == fresh_contract(), (
        "octane_contract.json is stale; run: make docs"
    )


def test_the_models_read_nothing_but_the_contract() -> None:
    unknown = {
        f"{model.where}: octane.{table}.{column}"
        for model in load_models()
        for table, columns in model.reads.items()
        for column in columns - contract_tables().get(table, {}).keys()
    }
    assert unknown == set()


def read(sql: str) -> dict[str, set[str]]:
    with duckdb.connect(":memory:") as connection:
        tree = parse_sql(sql, "sql/er/x.sql", connection)
    return {table: set(columns) for table, columns in read_columns(tree).items()}


def test_columns_count_for_the_table_that_their_alias_stands_for() -> None:
    assert read(
        "with manual as (select run.id from octane.run_manual as run)\n"
        "select manual.id, run.name from manual\n"
        "join octane.run_suite as run on run.id = manual.id\n"
        "where exists (select 1 from octane.phase as phase where phase.id = run.phase_id)"
    ) == {"run_manual": {"id"}, "run_suite": {"id", "name", "phase_id"}, "phase": {"id"}}


def test_a_table_whose_rows_are_counted_is_read() -> None:
    assert read("select count(*) from octane.defect") == {"defect": set()}


def test_tables_and_columns_that_lack_are_added_empty() -> None:
    models = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]
    release = contract_entry("release", ["id", "name", "type"])
    missing = find_missing(models, {"release": release})

    assert Missing("sprint", None, None, ("er.sprints",)) in missing
    assert Missing("release", "start_date", "TIMESTAMP", ("er.releases",)) in missing
    assert {entry.table for entry in missing} == {"release", "sprint"}
    entries = {entry.name: entry for entry in completed({"release": release}, missing)}
    assert "start_date" in {column.name for column in entries["release"].columns}
    assert entries["sprint"] == contract_entry("sprint")
    assert findings(missing)[1] == (
        "octane.sprint is not in the lake (not listed for this role or version, or left out): "
        "it is empty, and er.sprints have no rows of it"
    )


def test_the_contract_ships_with_the_package() -> None:
    import octane_flows.warehouse.octane_contract as contract

    assert CONTRACT.parent == Path(contract.__file__).parent
