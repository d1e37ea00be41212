"""A lake of any size, made by SQL from nothing but numbers and a seed, as an extract writes it.

A folder and a number of runs in, one published generation out; everything else is in proportion:
a test for 50 runs, three modules for a test, a defect for 100 runs. `flow_speed` and
`warehouse_update` call it; the latter has some runs change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from octane_flows.lake import Draft, Lake, Manifest, TableEntry
from octane_flows.warehouse.octane_contract import contract_entry
from tests.benchmarks._volume.shape import (
    AS_OF,
    LIST_ITEMS,
    PHASES,
    RELEASES,
    RUNS,
    SEED,
    TESTS,
    WORKSPACE,
    count_rows,
    of_kind,
)
from tests.benchmarks._volume.surroundings import surrounding_rows
from tests.benchmarks._volume.testing import link_rows, run_columns, test_columns
from tests.golden import kit

__all__ = ["prepare_changed", "publish"]

BATCH_ROWS = 250_000


def publish(home: Path, runs: int) -> Manifest:
    """One generation with that many runs; nothing of it is read from a server."""
    draft = Draft(Lake(home / "lake"))
    connection = duckdb.connect()
    _prepare(connection, runs)
    tables = {name: contract_entry(name) for name in kit.tables()}
    for name, entry in tables.items():
        rows = _rows(name, runs)
        if rows[1]:  # otherwise the table stays empty
            generated = _generated(draft, connection, entry, rows, AS_OF)
            tables[name] = _write(draft, entry, generated)
    connection.close()
    return _publish(draft, tables, AS_OF)


def prepare_changed(home: Path, runs: int, changed: Sequence[int]) -> Callable[[], Manifest]:
    """What publishes the next generation: these runs with their tags, and their tests' last runs.

    Only `home`'s generations of as many runs can be changed; none of them: nothing is written. The
    rows are made before, so that the call is what an extract does with rows that it has read.
    """
    draft = Draft(Lake(home / "lake"))
    if draft.parent is None:
        raise ValueError("There is no generation whose runs could change.")
    now = AS_OF + timedelta(minutes=draft.generation)
    previous_tables = draft.parent.tables
    made: list[tuple[TableEntry, pa.Table]] = []
    with duckdb.connect() as connection:
        _prepare(connection, runs)
        connection.register("changed", pa.table({"i": pa.array(changed, pa.int64())}))
        for name, entry in previous_tables.items():
            entity, _, field = name.partition("__")
            number = "i" if entity in RUNS else "run_test(i)"
            if not changed or not (entity in RUNS or field == "last_runs"):
                continue
            source, columns = _rows(name, runs)
            some = f"(select * from {source} where i in (select {number} from changed))"
            if columns:
                rows = _generated(draft, connection, entry, (some, columns), now)
                made.append((entry, pa.Table.from_batches(rows, rows.schema)))

    def publish() -> Manifest:
        new = {entry.name: _write(draft, entry, rows.to_reader()) for entry, rows in made}
        return _publish(draft, {**previous_tables, **new}, now)

    return publish


def _publish(draft: Draft, tables: dict[str, TableEntry], as_of: datetime) -> Manifest:
    return draft.publish(
        as_of=as_of, server_url="http://127.0.0.1", server_version="24.4", shared_space="1001",
        tables=tables, states={}, fields=[], certificate=[], schema_changes=[], politeness={},
        findings=[], signed_in_user_id="1", signed_in_user_name="user1",
    )  # fmt: skip


def _prepare(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Macros of the generator, and which of its runs each test ran last in the newest releases."""
    for macro in (
        f"spread(i, k, salt) as cast(hash(i, salt + {SEED}) % cast(k as bigint) as bigint)",
        "pick(i, k, salt) as cast(spread(i, k, salt) + 1 as varchar)",
        f"moment(share) as cast(timestamp '{AS_OF:%Y-%m-%d}' - to_seconds(31536000 * (1 - share)) "
        "as timestamp)",
        f"coded(code) as case code {_whens([f'list_node.{item}' for item in LIST_ITEMS])} end",
        f"phased(code) as case code {_whens([phase for phase, _, _ in PHASES])} end",
        f"run_test(i) as spread(i, {max(runs // 50, 100)}, 1) + 1",
        "outcome(i) as case when spread(i, 100, 2) < 5 then 'failed' "
        "when spread(i, 100, 2) < 93 then 'passed' "
        "when spread(i, 100, 2) < 97 then 'skipped' else 'planned' end",
        f"run_release(i, n) as cast(least(floor({RELEASES}.0 * i / n), {RELEASES - 1}) as bigint)",
    ):
        connection.execute(f"create macro {macro}")
    connection.execute(
        f"create table last_runs as select run_test(i) as test_number, max(i) as i "
        f"from range(1, {runs} + 1) as numbers(i) "
        f"where run_release(i, {runs}) >= {RELEASES - 3} group by run_test(i), "
        f"run_release(i, {runs})"
    )


def _whens(codes: list[str]) -> str:
    return " ".join(f"when '{code}' then '{number}'" for number, code in enumerate(codes, 1))


def _rows(name: str, runs: int) -> tuple[str, dict[str, str]]:
    """The from clause that counts the rows of a table by `i`, of `n`, and its columns."""
    tests = max(runs // 50, 100)
    entity, _, field = name.partition("__")
    if field:
        return link_rows(entity, field, runs, tests)
    if entity in TESTS:
        return of_kind("test_kind", tests, entity), test_columns(entity)
    if entity in RUNS:
        return of_kind("run_kind", runs, entity), run_columns(entity, runs)
    count, columns = surrounding_rows(runs, tests).get(name, (0, {}))
    return count_rows(count), columns


def _generated(
    draft: Draft,
    connection: duckdb.DuckDBPyConnection,
    entry: TableEntry,
    rows: tuple[str, dict[str, str]],
    as_of: datetime,
) -> pa.RecordBatchReader:
    source, columns = rows
    types = {column.name: column.type for column in entry.columns}
    own = {
        "_workspace_id": f"'{WORKSPACE}'",
        "_generation": str(draft.generation),
        "_extracted_at": f"timestamp '{as_of:%Y-%m-%d %H:%M}'",
        "_deleted": "false",
    }
    given = {key.strip('"'): value for key, value in columns.items()}
    filled = {key: value for key, value in {**own, **given}.items() if key in types}
    selected = ", ".join(f'cast({sql} as {types[key]}) as "{key}"' for key, sql in filled.items())
    schema = pa.schema([(key, kit.ARROW[types[key]]) for key in filled])
    query = connection.sql(f"select {selected} from {source} as numbered")
    return query.to_arrow_reader(BATCH_ROWS).cast(schema)


def _write(draft: Draft, entry: TableEntry, rows: pa.RecordBatchReader) -> TableEntry:
    """The entry with one more file."""
    writer = draft.writer(entry.name, rows.schema, workspace=WORKSPACE)
    for batch in rows:
        writer.write(pa.Table.from_batches([batch]))
    file = writer.close()
    return dataclasses.replace(entry, files=(*entry.files, *((file,) if file else ())))
