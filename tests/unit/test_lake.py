"""The lake: what is published is whole, and what fails leaves the former generation current."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octane_flows.errors import LakeError
from octane_flows.lake import (
    Census,
    ColumnEntry,
    Draft,
    FileEntry,
    Interval,
    Lake,
    Manifest,
    ReadState,
    TableEntry,
)

STATE = ReadState(
    "changes",
    datetime(2021, 1, 20, 20, 55, tzinfo=UTC),
    (Interval(None, datetime(2021, 1, 20, 20, 55, tzinfo=UTC)),),
    recent={"1001": "ab"},
    census=Census(datetime(2021, 1, 20, 20, 50, tzinfo=UTC), "equal", 2, 2, 0, 0),
)
SCHEMA = pa.schema([("id", pa.string())])


def publish(draft: Draft, *files: FileEntry) -> Manifest:
    table = TableEntry(
        name="defect",
        kind="entity",
        entity="defect",
        field=None,
        label="Defect",
        columns=(ColumnEntry("id", "VARCHAR", "id", "string", "ID", ("a", "b")),),
        files=files,
    )
    return draft.publish(
        as_of=datetime(2021, 1, 20, 21, tzinfo=UTC),
        server_url="https://octane.example",
        server_version="16.2.100",
        shared_space="1001",
        tables={"defect": table},
        states={"1002": {"defect": STATE}},
        fields=[],
        certificate=[],
        schema_changes=[],
        politeness={},
        findings=["one"],
    )


def write(draft: Draft, ids: list[str]) -> FileEntry:
    writer = draft.writer("defect", SCHEMA, workspace="1002")
    writer.write(pa.table({"id": ids}, schema=SCHEMA))
    entry = writer.close()
    assert entry is not None
    return entry


def test_an_empty_folder_has_no_generation(tmp_path: Path) -> None:
    assert Lake(tmp_path).current() is None


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    draft = lake.draft()
    published = publish(draft, write(draft, ["1001", "1002"]))

    assert lake.current() == published
    file = published.tables["defect"].files[0]
    assert file.rows == 2
    assert pq.read_table(lake.resolve(file)).column("id").to_pylist() == ["1001", "1002"]


def test_a_draft_that_is_never_published_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    draft = lake.draft()
    first = publish(draft, write(draft, ["1"]))

    write(lake.draft(), ["2", "3"])

    assert lake.current() == first


def test_generations_count_up_and_the_old_one_can_be_opened(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = publish(lake.draft())
    second = publish(lake.draft())

    assert (first.generation, second.generation, second.parent) == (1, 2, 1)
    assert lake.manifest(1) == first


def test_no_rows_write_no_file(tmp_path: Path) -> None:
    writer = Lake(tmp_path).draft().writer("defect", SCHEMA, workspace="1002")

    assert writer.close() is None
    assert list(tmp_path.rglob("*.parquet*")) == []


def test_a_discarded_file_leaves_nothing_behind(tmp_path: Path) -> None:
    writer = Lake(tmp_path).draft().writer("defect", SCHEMA, workspace="1002")
    writer.write(pa.table({"id": ["1"] * 60_000}, schema=SCHEMA))
    writer.discard()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake.draft())
    (tmp_path / "generations" / "000001.json").write_text('{"format": 2}')

    with pytest.raises(LakeError, match=r"000001\.json is damaged .* restore it"):
        lake.current()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where a folder should be")

    with pytest.raises(LakeError, match=r"Could not read .*Not a directory; give OCTANE_HOME"):
        Lake(tmp_path / "lake").draft()
