"""Exports that were killed, that meet another one, or find tables that are not theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="needs the extra export")

import pyarrow as pa
from deltalake import DeltaTable

from octane_flows.config import LakePlace, Secret
from octane_flows.errors import LakeError, UsageError
from octane_flows.export import destination, export
from octane_flows.export.delta_target import DeltaTarget
from octane_flows.export.destination import Format
from octane_flows.export.iceberg_target import IcebergTarget
from octane_flows.lake import Lake, expire
from octane_simulator import Simulator
from tests.company_lake import (
    DEFECTS,
    FORMATS,
    how,
    ids_of,
    read,
    refresh,
    shown,
    two_workspaces,
    warehouse_rows,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = two_workspaces()
    yield simulator
    simulator.close()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("format", FORMATS)
def test_a_killed_export_goes_on(
    format: Format, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = destination(format, tmp_path)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget
    left = 0

    def dying(commit: Callable[..., None]) -> Callable[..., None]:
        def step(*given: Any) -> None:
            nonlocal left
            commit(*given)
            left -= 1
            if left == 0:
                raise Killed

        return step

    refresh(simulator, tmp_path)
    for commits in (1, 2, 3, 2, 1):  # of the first generation, then of later ones
        left = commits
        with monkeypatch.context() as patched:
            for name in ("rewrite", "merge", "append"):
                patched.setattr(target, name, dying(getattr(target, name)))
            with pytest.raises(Killed):
                export(tmp_path, place)
        if commits == 2:  # else another generation comes before the next try
            export(tmp_path, place)
            assert shown(place) == warehouse_rows(tmp_path)
        simulator.store.update("defect", ids_of(simulator)[0], {"name": f"after {commits}"})
        simulator.store.delete("defect", ids_of(simulator)[-1])
        refresh(simulator, tmp_path, census=True)

    export(tmp_path, place)
    assert shown(place) == warehouse_rows(tmp_path)


@pytest.mark.parametrize("commit", ["merge", "append"])
@pytest.mark.parametrize("format", FORMATS)
def test_of_two_exports_at_once_none_spoils_the_other(
    format: Format,
    commit: str,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = destination(format, tmp_path)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget
    refresh(simulator, tmp_path)
    export(tmp_path, place, history=True)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, tmp_path)
    proper = getattr(target, commit)

    def behind(*given: Any) -> None:
        monkeypatch.setattr(target, commit, proper)
        export(tmp_path, place, history=True)  # the other one, from begin to end
        proper(*given)

    monkeypatch.setattr(target, commit, behind)
    with pytest.raises(LakeError, match=r"no other export writes there, and run the export again"):
        export(tmp_path, place, history=True)
    export(tmp_path, place, history=True)

    assert shown(place) == warehouse_rows(tmp_path)
    assert read(place, "defect_history").num_rows == 2 * DEFECTS + 1
    named = read(place, "generations").select(["generation", "table_name"]).to_pylist()
    assert len(named) == len({tuple(row.values()) for row in named})


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_killed_export_of_another_lake_left_is_written_anew(
    format: Format, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    place = destination(format, home)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget

    def killed(*_: Any) -> None:
        raise Killed

    refresh(simulator, other)
    with monkeypatch.context() as patched:
        patched.setattr(target, "append", killed)  # every table is written, nothing recorded
        with pytest.raises(Killed):
            export(other, place)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, home)

    report = export(home, place)

    assert how(report)["defect"] == "written"
    assert shown(place) == warehouse_rows(home)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_not_this_lakes_is_left_alone(
    format: Format, simulator: Simulator, tmp_path: Path
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    place = destination(format, home)
    refresh(simulator, home)
    refresh(simulator, other)
    export(home, place)
    with pytest.raises(UsageError, match=r"shows generation 1 of .* exported from another lake"):
        export(other, place)

    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, home)
    export(home, place)
    with pytest.raises(UsageError, match="shows generation 2, but the warehouse holds 1"):
        export(other, place)

    refresh(simulator, home)
    expire(Lake(home / "lake"), keep=1)
    with pytest.raises(UsageError, match=r"generation 2, which this lake keeps no longer.*--full"):
        export(home, place)
    export(home, place, full=True)
    assert shown(place) == warehouse_rows(home)


def test_a_table_of_somebody_else_is_left_alone(simulator: Simulator, tmp_path: Path) -> None:
    place = destination("delta", tmp_path)
    DeltaTable.create(f"{place.output}/defect", pa.schema([("id", pa.int64())]))
    refresh(simulator, tmp_path)

    with pytest.raises(UsageError, match=r"delta/defect is there but was not exported from http"):
        export(tmp_path, place)

    assert DeltaTable(f"{place.output}/defect").version() == 0


def test_what_a_library_says_is_one_line_without_the_secret(tmp_path: Path) -> None:
    secret = "canary-of-a-secret"
    bucket = LakePlace("company", "", "http://127.0.0.1:9", "us-east-1", "key", Secret(secret))
    place = destination("delta", tmp_path, output="s3://company/octane", bucket=bucket)
    causes = f"Generic S3 error\n \x1b[31m\u21b3\x1b[0m refused\n{'x' * 240} {secret} {'y' * 400}"

    with pytest.raises(LakeError) as failed, place.errors((OSError,), "open", "defect"):
        raise OSError(causes)

    said = str(failed.value)
    assert said.startswith("Could not open s3://company/octane/defect (Generic S3 error refused x")
    assert "run the export again" in said
    assert "canary" not in said
    assert "\n" not in said
