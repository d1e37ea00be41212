"""What `query` refuses: more than one select, and every file but those of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from octane_flows import warehouse
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Lake
from octane_flows.models.model import load_models
from octane_flows.warehouse import restricted_rows
from tests.golden import kit

MODELS = [model for model in load_models() if model.name == "er.releases"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    kit.write_lake(folder, {"release": [{"id": "5", "type": "release", "name": "2.8"}]})
    warehouse.build(folder, models=MODELS)
    return folder


@pytest.fixture
def connection(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(home) as opened:
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "select release_name from er.releases",
        "from er.releases select release_name;",
        "with a as (select release_name from er.releases) select * from a -- ;",
    ],
)
def test_a_select_is_answered(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert restricted_rows(connection, sql).to_pydict() == {"release_name": ["2.8"]}


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("select 1; select 2", "this is select, select"),
        ("copy (select 1) to '{file}'", "this is copy"),
        ("attach '{file}' as other", "this is attach"),
        ("set threads = 1", "this is set"),
        ("pragma database_list", "this is pragma"),
        ("install httpfs", "this is load"),
        ("create temp table a as select 1", "this is create"),
        ("export database '{file}'", "this is export"),
        ("", "this is nothing"),
        ("selct 1", "did not accept this SQL"),
        ("select nothing from er.releases", "did not accept this SQL"),
        ("select error('mine')", "did not accept this SQL"),
        ("select cast('x' as integer)", "did not accept this SQL"),
        ("select * from read_text('{file}')", "no files"),
        ("select * from read_blob('{file}')", "no files"),
        ("select * from read_csv('{file}')", "no files"),
        ("select * from '{file}.csv'", "no files"),
        ("select * from glob('/etc/*')", "no files"),
        ("select * from read_parquet('{lake}/**/*.parquet')", "no files"),
        ("select * from variable", "did not accept this SQL"),
        ("select 1e308::double * 10 as big", "the column big that are infinite"),
        ("select sqrt(-1::double) as root", "the column root that are infinite or no number"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(
    sql: str, sentence: str, connection: duckdb.DuckDBPyConnection, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("secret", encoding="utf-8")
    variable = connection.sql("select 1").to_arrow_table()
    assert variable.num_rows == 1

    with pytest.raises(UsageError, match=sentence) as raised:
        restricted_rows(connection, sql.format(file=file, lake=home / "lake"))

    assert "\n" not in str(raised.value)
    assert file.read_text(encoding="utf-8") == "secret"
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


def test_the_history_is_read_from_its_own_files_alone(
    home: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    sql = "select name from octane_history.release"
    files = warehouse.attach_history(connection, Lake(home / "lake"), ["release"])

    assert restricted_rows(connection, sql, files).to_pydict() == {"name": ["2.8"]}
    with pytest.raises(UsageError, match="no files"):
        restricted_rows(connection, "select * from read_text('/etc/hostname')", files)


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "other bytes"])
def test_damaged_files_of_the_lake_are_one_sentence(damage: str, tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "type": "release", "name": "2.8"}]})
    warehouse.build(tmp_path, models=MODELS)
    lake = Lake(tmp_path / "lake")
    manifest = lake.current()
    assert manifest is not None
    [file] = manifest.tables["release"].files
    path = lake.resolve(file)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        half = len(content) // 2
        bodies = {"cut": content[:half], "empty": b"", "other bytes": b"x" * len(content)}
        path.write_bytes(bodies[damage])

    def read_history() -> None:
        with warehouse.connect(tmp_path) as connection:
            files = warehouse.attach_history(connection, lake, ["release"])
            restricted_rows(connection, "select * from octane_history.release", files)

    with pytest.raises(LakeError, match=r"restore it from a backup, or read .*--full release"):
        read_history()
    with warehouse.connect(tmp_path) as connection:  # the other half of the remedy
        assert restricted_rows(connection, "select name from octane.release").num_rows == 1


def test_an_answer_has_a_bound(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.warehouse.free_sql.MAX_ANSWER_BYTES", 1 << 20)

    assert restricted_rows(connection, "select * from range(100000)").num_rows == 100_000
    with pytest.raises(UsageError, match="more than 1 MB; add a limit"):
        restricted_rows(connection, "select * from range(10000000000)")
    counted = restricted_rows(connection, "select count(*) as n from range(1000000)")
    assert counted.to_pydict() == {"n": [1_000_000]}


def test_a_fault_behind_the_first_rows_is_one_sentence(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    sql = "select cast(if(i < 500000, '1', 'x') as integer) from range(1000000) as t(i)"

    with pytest.raises(UsageError, match="did not accept this SQL"):
        restricted_rows(connection, sql)
