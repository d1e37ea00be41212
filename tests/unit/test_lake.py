"""The lake: a published generation is whole, and a failure leaves the previous one current."""

from __future__ import annotations

import dataclasses
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octane_flows.errors import LakeError
from octane_flows.lake import (
    Census,
    CertificateRow,
    ColumnEntry,
    Draft,
    FieldEntry,
    FileEntry,
    Finding,
    Interval,
    Lake,
    Manifest,
    ReadState,
    SchemaChange,
    TableEntry,
    expire,
)

STATE = ReadState(
    "changes",
    datetime(2021, 1, 20, 20, 55, tzinfo=UTC),
    (Interval(None, datetime(2021, 1, 20, 20, 55, tzinfo=UTC)),),
    census=Census(datetime(2021, 1, 20, 20, 50, tzinfo=UTC), "equal", 2, 2, 0, 0),
)
SCHEMA = pa.schema([("id", pa.string())])


CERTIFICATE = CertificateRow(
    "1002", "defect", "defects", 2, 2, 1, 900, "complete", rows_held=2, server_count_start=0,
    cursor=STATE.cursor, lag_s=300.0, tombstones={"deleted": 1},
)  # fmt: skip


def field(name: str, last_generation: int) -> FieldEntry:
    return FieldEntry(
        workspace="1002",
        entity="defect",
        name=name,
        label=name.title(),
        field_type="string",
        is_multiple=False,
        is_user_defined=False,
        targets=(),
        list_root=None,
        first_generation=1,
        last_generation=last_generation,
    )


def publish(
    draft: Draft, *files: FileEntry, label: str = "ID", recent: str = "1001", removed_in: int = 0
) -> Manifest:
    """A generation of one table; another label, recent rows or files make new parts."""
    table = TableEntry(
        name="defect",
        kind="entity",
        entity="defect",
        field=None,
        label="Defect",
        columns=(ColumnEntry("id", "VARCHAR", "id", "string", label, ("a", "b")),),
        files=files,
    )
    return draft.publish(
        as_of=datetime(2021, 1, 20, 21, tzinfo=UTC),
        server_url="https://octane.example",
        server_version="16.2.100",
        shared_space="1001",
        tables={"defect": table},
        states={"1002": {"defect": dataclasses.replace(STATE, recent={recent: "ab"})}},
        fields=[field("id", draft.generation), field("old", removed_in or draft.generation)],
        certificate=[CERTIFICATE],
        schema_changes=[SchemaChange(1, "1002", "defect", "id", "added", "string")],
        politeness={"requests": 3},
        findings=[Finding("1002", "one")],
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
    draft = Draft(lake)
    published = publish(draft, write(draft, ["1001", "1002"]))

    assert lake.current() == published
    file = published.tables["defect"].files[0]
    assert file.rows == 2
    assert pq.read_table(lake.resolve(file)).column("id").to_pylist() == ["1001", "1002"]


def test_a_manifest_is_shown_on_a_few_lines(tmp_path: Path) -> None:
    draft = Draft(Lake(tmp_path))
    shown = repr(publish(draft, write(draft, ["1"])))
    assert "generation=1" in shown
    assert len(shown) < 1000


def test_a_draft_that_is_never_published_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    draft = Draft(lake)
    first = publish(draft, write(draft, ["1"]))

    write(Draft(lake), ["2", "3"])

    assert lake.current() == first


def test_generations_count_up_and_the_old_one_can_be_opened(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = publish(Draft(lake))
    second = publish(Draft(lake))

    assert (first.generation, second.generation, second.parent) == (1, 2, 1)
    assert lake.manifest(1) == first


def test_no_rows_write_no_file(tmp_path: Path) -> None:
    writer = Draft(Lake(tmp_path)).writer("defect", SCHEMA, workspace="1002")

    assert writer.close() is None
    assert list(tmp_path.rglob("*.parquet*")) == []


def test_a_discarded_file_leaves_nothing_behind(tmp_path: Path) -> None:
    writer = Draft(Lake(tmp_path)).writer("defect", SCHEMA, workspace="1002")
    writer.write(pa.table({"id": ["1"] * 60_000}, schema=SCHEMA))
    writer.discard()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake))
    (tmp_path / "generations" / "000001.json").write_text('{"format": 1}')

    with pytest.raises(LakeError, match=r"000001\.json is damaged .* restore it"):
        lake.current()


def parts(folder: Path) -> list[str]:
    """The parts that lie in a lake, by generation and name."""
    names = [path.stem.split("-") for path in sorted((folder / "parts").iterdir())]
    return [f"{int(generation)} {name}" for generation, _, name in names]


def test_what_stays_is_written_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    draft = Draft(lake)
    file = write(draft, ["1"])
    first = publish(draft, file)
    same = publish(Draft(lake), file)
    renamed = publish(Draft(lake), file, label="Key")
    draft = Draft(lake)
    grown = publish(draft, file, write(draft, ["2"]), label="Key", recent="1002", removed_in=1)

    assert parts(tmp_path) == [
        "1 files", "1 recent", "1 schema", "3 schema", "4 files", "4 recent", "4 schema",
    ]  # fmt: skip
    for published in (first, same, renamed, grown):
        assert lake.manifest(published.generation) == published
    assert [field.last_generation for field in grown.fields] == [4, 1]


def test_parts_stay_as_long_as_a_kept_generation_names_them(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake))
    publish(Draft(lake), label="Key")
    publish(Draft(lake), label="Key", recent="1002")
    working = tmp_path / "parts" / "000004-aaaaaa-files.json"
    working.write_text("{}")  # of a run at work
    (tmp_path / "parts" / "000002-dead00-files.json").write_text("{")  # of a killed run

    expire(lake, keep=2)
    assert parts(tmp_path) == ["1 files", "1 recent", "2 schema", "3 recent", "4 files"]
    assert [lake.manifest(kept.generation).generation for kept in lake.kept()] == [2, 3]
    expire(lake, keep=1)
    assert parts(tmp_path) == ["1 files", "2 schema", "3 recent", "4 files"]
    assert lake.current() == lake.manifest(3)


def test_a_part_that_is_not_what_was_published_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    published = publish(Draft(lake))
    part = tmp_path / published.parts["files"].path
    part.write_text(part.read_text().replace("defect", "deject"))

    with pytest.raises(LakeError, match=r"-files\.json cannot be read: it is not what its manif"):
        lake.current()
    part.unlink()
    with pytest.raises(LakeError, match=r"-files\.json cannot be read: no such file; restore"):
        lake.current()


def test_a_manifest_of_another_format_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake))
    head = tmp_path / "generations" / "000001.json"
    text = gzip.decompress(head.read_bytes()).decode()
    head.write_text(text.replace('"format":1', '"format":9'))

    with pytest.raises(LakeError, match=r"000001\.json was written by another version"):
        lake.current()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where a folder should be")

    with pytest.raises(LakeError, match=r"Could not read .*Not a directory; give OCTANE_HOME"):
        Draft(Lake(tmp_path / "lake"))


def test_a_file_has_the_rows_that_were_written_whatever_the_encodings(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = pa.table(
        {
            "id": pa.array([str(number) for number in range(300)]),
            "name": pa.array(["first", "second", None] * 100),
            "notes": pa.array(["x" * 3000, "", None] * 100),
            "duration": pa.array([None, 1, 2**53] * 100, pa.int64()),
            "ratio": pa.array([0.5, None, -0.0] * 100),
            "_generation": pa.array([1] * 300, pa.int64()),
        }
    )
    writer = Draft(lake).writer("defect", rows.schema, workspace="1002")
    writer.write(rows)
    file = writer.close()
    assert file is not None

    assert pq.read_table(lake.resolve(file)).equals(rows)
    group = pq.ParquetFile(lake.resolve(file)).metadata.row_group(0)
    has_dictionary = {
        group.column(place).path_in_schema: group.column(place).has_dictionary_page
        for place in range(group.num_columns)
    }
    assert {name for name, is_so in has_dictionary.items() if is_so} == {
        "name",
        "notes",
        "_generation",
    }
