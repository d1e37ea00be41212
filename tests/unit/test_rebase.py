"""What a draft becomes where others published first: nothing of theirs or its own is lost.

Drafts that were begun at the same time are published one after the other, beside compaction and
expiry; `test_shared_lake` does the same at random, with workers that are killed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from octane_flows.errors import LakeError
from octane_flows.lake import (
    ColumnEntry,
    Draft,
    Lake,
    Manifest,
    compact,
    expire,
)
from octane_flows.lake.rebase import rebase
from octane_flows.warehouse import build
from tests.shared_lake import FEW, START, TABLE, publish, require_whole, stored_names, write


def test_rows_that_were_read_before_others_published_are_loaded(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    publish(Draft(lake), "1001", {"1": "a"})
    slow = Draft(lake)
    publish(Draft(lake), "1001", {"1": "b"})
    build(
        tmp_path, models=FEW
    )  # holds generation 2; the rows of the slow draft carry the number 2 too
    late = publish(slow, "1002", {"1": "late"})
    build(tmp_path, models=FEW)

    assert (late.generation, late.parent, late.stamp("1002")) == (3, 2, 2)
    assert stored_names(tmp_path) == {"1001": {"1": "b"}, "1002": {"1": "late"}}


def test_a_merged_file_brings_only_what_a_warehouse_lacks(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(Draft(lake), "1001", {"1": name})
    slow = Draft(lake)
    publish(Draft(lake), "1002", {"1": "x"})
    build(tmp_path, models=FEW)
    publish(slow, "1001", {"2": "late"})
    assert compact(lake, min_files=2).generation == 6
    build(tmp_path, models=FEW)

    assert stored_names(tmp_path) == {"1001": {"1": "c", "2": "late"}, "1002": {"1": "x"}}


def test_the_same_workspace_is_published_by_one_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake), "1001", {"1": "a"})
    slow = Draft(lake)
    winner = publish(Draft(lake), "1001", {"1": "b"})

    with pytest.raises(LakeError, match=r"Another process published workspace 1001 into"):
        publish(slow, "1001", {"1": "c"})
    assert lake.current() == winner


def test_another_server_is_an_error_though_both_were_the_first(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    slow = Draft(lake)
    publish(Draft(lake), "1001", {"1": "a"})

    with pytest.raises(LakeError, match=r"published shared space 1001 of http://127\.0\.0\.1 into"):
        slow.publish(
            as_of=START, server_url="https://octane.example", server_version="1", shared_space="9",
            tables={}, states={}, fields=[], certificate=[], schema_changes=[], politeness={},
            findings=[], workspaces=["1002"],
        )  # fmt: skip


def test_a_full_reading_replaces_files_that_were_merged_meanwhile(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(Draft(lake), "1001", {name: name})
    slow, second = Draft(lake), Draft(lake)
    compact(lake, min_files=2)
    publish(slow, "1001", {"d": "d"}, replaces=3)
    publish(second, "1002", {"1": "x"})
    build(tmp_path, models=FEW)

    assert stored_names(tmp_path) == {"1001": {"d": "d"}, "1002": {"1": "x"}}


def test_files_beside_those_that_are_replaced_stay(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(Draft(lake), "1001", {name: name})
    slow = Draft(lake)
    publish(Draft(lake), "1002", {"1": "x"})
    publish(slow, "1001", {"d": "d"}, replaces=1)
    build(tmp_path, models=FEW)

    assert stored_names(tmp_path) == {"1001": {name: name for name in "bcd"}, "1002": {"1": "x"}}


def test_files_that_were_merged_meanwhile_are_not_named_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(Draft(lake), "1001", {name: name})
    slow = Draft(lake)
    compact(lake, min_files=2)
    expire(lake, keep=1)
    published = publish(slow, "1001", {"d": "d"})

    require_whole(lake, published)
    build(tmp_path, models=FEW)
    assert stored_names(tmp_path) == {"1001": {name: name for name in "abcd"}}


def test_of_two_compactions_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    for name in "abc":
        publish(Draft(lake), "1001", {name: name})
    late_draft = Draft(lake, is_compaction=True)
    compact(lake, min_files=2)
    publish(Draft(lake), "1001", {"d": "d"})
    monkeypatch.setattr("octane_flows.lake.compaction.Draft", lambda *_, **__: late_draft)

    with pytest.raises(LakeError, match="Another process compacted"):
        compact(lake, min_files=2)


def test_an_expiry_spares_what_a_slow_worker_has_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake), "1002", {"1": "a"})
    slow, killed = Draft(lake), Draft(lake)
    leftover = write(killed, TABLE, "1001", {"1": "killed"}, START)
    file = write(slow, TABLE, "1002", {"1": "slow"}, START)
    for name in "abc":
        publish(Draft(lake), "1001", {"1": name})
    expiry = expire(lake, keep=1)

    assert lake.resolve(file).is_file()
    assert [path for path in expiry.files if path.startswith("data/")] == [leftover.path]


def test_what_others_know_is_theirs_and_what_is_ours_is_ours(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(Draft(lake), "1001", {"1": "a"})
    slow = Draft(lake)
    later = publish(Draft(lake), "1001", {"1": "b", "2": "b"})
    late = publish(slow, "1002", {"1": "x"})

    users = {id: entry.signed_in_user_name for id, entry in late.workspaces.items()}
    assert users == {"1001": "reader of 1001", "1002": "reader of 1002"}
    assert late.states == {**later.states, "1002": late.states["1002"]}
    rows = [(row.workspace, row.status, row.rows_written) for row in late.certificate]
    assert rows == [("1002", "complete", 1), ("1001", "carried", 0)]
    assert [(change.workspace, change.generation) for change in late.schema_changes] == [
        ("1001", 1),
        ("1001", 2),
        ("1002", 3),
    ]
    assert [(field.workspace, field.first_generation) for field in late.fields] == [
        ("1001", 2),
        ("1002", 3),
    ]
    assert late.as_of == later.as_of
    assert lake.as_of(later.as_of) == late


def test_two_processes_that_name_a_column_alike_do_not_mix_their_values(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    parent = publish(Draft(lake), "1001", {"1": "a"})

    def with_column(kind: str, field: str = "size_udf") -> Manifest:
        table = parent.tables[TABLE]
        columns = (*table.columns, ColumnEntry("size_udf", kind, field))
        return replace(parent, tables={TABLE: replace(table, columns=columns)})

    def rebased(draft: Manifest, head: Manifest) -> Manifest:
        return rebase(draft, parent, head, workspaces=["1002"], number=2, where="the lake")

    for kind, field in (("BIGINT", "size_udf"), ("VARCHAR", "Size_udf")):
        with pytest.raises(LakeError, match=r"added the column size_udf .* Run it again"):
            rebased(with_column(kind, field), with_column("VARCHAR"))
    same = rebased(with_column("VARCHAR"), with_column("VARCHAR"))
    assert same.tables == with_column("VARCHAR").tables
