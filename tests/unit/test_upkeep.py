"""Compaction and retention: smaller and shorter, but every kept answer stays what it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Lake, compact, expire
from octane_flows.warehouse import build, connect, history, load_models
from tests.golden import kit

NAMES = ("er.releases", "er.sprints", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]
LINKS = "defect__product_areas"


def grow(home: Path, generations: range) -> None:
    for number in generations:
        rows: dict[str, list[dict[str, Any]]] = {
            "release": [
                {"id": str(number % 3), "type": "release", "name": f"r{number}"},
                {"id": "9", "type": "release", "_deleted": number % 2 == 0},
            ],
            LINKS: [{"source_id": "1", "target_id": str(number)}],
        }
        kit.write_lake(home, rows, as_of=kit.AS_OF + timedelta(days=number))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    grow(tmp_path, range(9))
    return Lake(tmp_path / "lake")


def state(home: Path) -> list[Any]:
    with connect(home) as connection:
        return [
            connection.execute(f"from octane.{table} order by all").fetchall()
            for table in ("release", LINKS)
        ]


def files(lake: Lake) -> set[str]:
    return {entry.path for entry in lake.storage.list("data")}


def test_compaction_changes_no_answer(lake: Lake, tmp_path: Path) -> None:
    build(tmp_path, models=FEW)
    before = state(tmp_path), history(tmp_path, "release").to_pylist()
    done = compact(lake)

    assert (done.generation, done.tables, done.files_before, done.files_after) == (10, 2, 18, 2)
    manifest = lake.current()
    assert manifest is not None
    assert [file.rows for file in manifest.tables["release"].files] == [18]
    assert history(tmp_path, "release").to_pylist() == before[1]
    build(tmp_path, models=FEW, full=True)
    assert state(tmp_path) == before[0]


def test_a_warehouse_that_held_the_merged_files_reads_nothing(lake: Lake, tmp_path: Path) -> None:
    build(tmp_path, models=FEW)
    before = state(tmp_path)
    compact(lake)
    build(tmp_path, models=FEW)

    with connect(tmp_path) as connection:
        built = connection.execute("select updated_from, changed_tables from meta.build").fetchall()
    assert built == [(9, [])]
    assert state(tmp_path) == before


def test_a_warehouse_that_held_some_of_the_merged_files_reads_the_others(
    lake: Lake, tmp_path: Path
) -> None:
    build(tmp_path, models=FEW)
    grow(tmp_path, range(9, 12))
    compact(lake)
    grow(tmp_path, range(12, 14))
    build(tmp_path, models=FEW)
    updated = state(tmp_path)
    with connect(tmp_path) as connection:
        built = connection.execute("select updated_from, changed_tables from meta.build").fetchall()
    build(tmp_path, models=FEW, full=True)

    assert built == [(9, [LINKS, "release"])]
    assert updated == state(tmp_path)


def test_few_small_files_stay(tmp_path: Path) -> None:
    grow(tmp_path, range(3))
    lake = Lake(tmp_path / "lake")
    assert compact(lake).generation is None
    assert len(lake.kept()) == 3


def test_a_dry_run_of_compaction_tells_and_changes_nothing(lake: Lake) -> None:
    before = files(lake)
    assert compact(lake, dry_run=True).files_before == 18
    assert files(lake) == before
    assert len(lake.kept()) == 9


def test_a_file_that_does_not_add_up_is_not_merged(lake: Lake) -> None:
    manifest = lake.current()
    assert manifest is not None
    first, second = manifest.tables["release"].files[:2]
    lake.resolve(first).write_bytes(lake.resolve(second).read_bytes()[:-9])
    with pytest.raises(LakeError, match="is not what its manifest says"):
        compact(lake)
    assert lake.current() == manifest


def test_expired_generations_go_and_kept_ones_answer(lake: Lake, tmp_path: Path) -> None:
    compact(lake)
    merged = {entry for entry in files(lake) if Path(entry).name.startswith("000010-")}
    dry_run = expire(lake, keep=1, dry_run=True)
    assert len(files(lake)) == 20
    expiry = expire(lake, keep=1)

    assert dry_run == expiry
    assert [entry.generation for entry in expiry.expired] == list(range(1, 10))
    assert files(lake) == merged
    assert [entry.generation for entry in lake.kept()] == [10]
    build(tmp_path, models=FEW)
    assert len(state(tmp_path)[0]) == 4 - 1
    with pytest.raises(UsageError, match="has no generation 3; it keeps 1"):
        lake.as_of(3)


def test_a_warehouse_older_than_what_is_kept_is_rebuilt(lake: Lake, tmp_path: Path) -> None:
    build(tmp_path, models=FEW)
    before = state(tmp_path)
    compact(lake)
    expire(lake, keep=1)
    build(tmp_path, models=FEW)

    assert state(tmp_path) == before


def test_generations_expire_by_age_but_never_the_current(lake: Lake) -> None:
    expiry = expire(lake, before=kit.AS_OF + timedelta(days=4))
    assert [entry.generation for entry in expiry.kept] == [5, 6, 7, 8, 9]
    expiry = expire(lake, before=kit.AS_OF + timedelta(days=400))
    assert [entry.generation for entry in expiry.kept] == [9]


def test_leftovers_of_killed_runs_are_swept_but_not_those_of_a_run_at_work(
    lake: Lake, tmp_path: Path
) -> None:
    killed = tmp_path / "lake" / "data" / "1002" / "release" / "000004-dead00-0001.parquet.part"
    killed.write_bytes(b"half a file")
    working = tmp_path / "lake" / "data" / "1002" / "release" / "000010-aaaaaa-0001.parquet"
    working.write_bytes(b"not yet published")
    expiry = expire(lake, keep=9)

    assert expiry.files == ("data/1002/release/000004-dead00-0001.parquet.part",)
    assert not killed.exists()
    assert working.exists()


def test_a_reader_with_open_files_goes_on(lake: Lake) -> None:
    manifest = lake.current()
    assert manifest is not None
    compact(lake)
    with lake.resolve(manifest.tables["release"].files[0]).open("rb") as stream:
        expire(lake, keep=1)
        assert stream.read(4) == b"PAR1"


def test_an_expiry_that_loses_to_a_publisher_deletes_nothing(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = lake.pointer()
    grow(tmp_path, range(9, 10))
    before = files(lake)
    monkeypatch.setattr(lake, "pointer", lambda: pointer)
    with pytest.raises(LakeError, match="nothing was removed"):
        expire(lake, keep=1)
    assert files(lake) == before
