"""Large rows: one large body at a time, digests without copies, files without dictionaries."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.client.large_bodies import give_up_room, large_body_room, wait_for_room
from octane_flows.extract.row_digests import LONG_TEXT_BYTES, row_digests
from octane_flows.lake import Lake
from octane_flows.lake.table_writer import LARGE_ROW_BYTES, TableWriter, has_large_rows

LONG = "ä" * LONG_TEXT_BYTES


def digests(*memos: str | None) -> list[str]:
    ids = [str(number) for number in range(len(memos))]
    rows = pa.table({"id": pa.array(["1"] * len(ids)), "memo": pa.array(memos, pa.string())})
    return [row_digests(rows.slice(place, 1), {})["1"] for place in range(len(ids))]


def test_digests_tell_long_texts_apart_wherever_they_lie_in_a_column() -> None:
    same, changed, also_same, cut, none, short = digests(
        LONG, LONG[:-1] + "a", LONG, LONG[:-1], None, "ä"
    )

    assert same == also_same == digests(LONG)[0]
    assert len({same, changed, cut, none, short}) == 5
    assert [none, short] == digests(None, "ä")


def test_another_thread_waits_until_a_large_body_is_decoded() -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with large_body_room():
            waits.set()
            wait_for_room()
            order.append("second")

    with large_body_room():
        with large_body_room():  # as the transport within a reader
            wait_for_room()
        thread = threading.Thread(target=second)
        thread.start()
        waits.wait()
        order.append("decoded")
    thread.join()
    assert order == ["decoded", "second"]


def test_the_room_is_given_up_after_an_error_and_small_bodies_never_wait() -> None:
    with large_body_room():
        wait_for_room()
        give_up_room()
        entered = threading.Event()

        def other() -> None:
            with large_body_room():
                wait_for_room()
                entered.set()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert entered.is_set()
    assert wait_for_room() == 0.0, "outside of a room nothing is kept"


def test_a_file_of_large_rows_has_the_same_rows_without_dictionaries(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("memo", pa.string()), ("points", pa.int64())])
    memo = "m" * (LARGE_ROW_BYTES + 1)
    table = pa.table([["1", "2"], [memo, None], [3, 4]], schema=schema)
    assert not has_large_rows(table)
    table = table.slice(0, 1)
    assert has_large_rows(table)

    lake = Lake(tmp_path)
    writer = TableWriter(
        lake.storage, "data/2/defect/1.parquet", schema, workspace="2", of_large_rows=True
    )
    writer.write(table)
    writer.write(table)
    entry = writer.close()

    assert entry is not None
    file = pq.ParquetFile(lake.resolve(entry))
    assert file.read().to_pylist() == [{"id": "1", "memo": memo, "points": 3}] * 2
    columns = [file.metadata.row_group(0).column(place) for place in range(3)]
    assert [column.is_stats_set for column in columns] == [True, False, True]
    assert not any("DICTIONARY" in str(column.encodings) for column in columns)
