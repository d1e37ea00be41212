"""A lake in a bucket of a real S3 server: the same guarantees, local copies checked by digest."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import octane_flows
from octane_flows.cli import main
from octane_flows.config import LakePlace, Secret, load_lake
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import (
    BucketStorage,
    Draft,
    FileEntry,
    Lake,
    Manifest,
    compact,
    expire,
    open_lake,
)
from octane_flows.warehouse import build, connect, load_models
from tests.golden import kit
from tests.unit.test_lake import publish, write

NAMES = ("er.releases", "er.sprints", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]


def names(home: Path) -> list[str]:
    with connect(home) as connection:
        return [row[0] for row in connection.execute("select name from octane.release").fetchall()]


def test_without_the_extra_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match=r"needs the package obstore; install octane-flows\[bucke"):
        open_lake(tmp_path, LakePlace("bucket", "prefix"))

    monkeypatch.setenv("OCTANE_LAKE", "s3://bucket/prefix")
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    for command in (["status"], ["build"], ["generations"], ["expire", "--keep", "1"]):
        monkeypatch.setattr(sys, "argv", ["octane-flows", *command])
        with pytest.raises(SystemExit, match="2"):
            main()
        assert "install octane-flows[bucket]" in " ".join(capsys.readouterr().err.split())


def test_a_warehouse_is_built_and_updated_from_a_bucket(bucket: LakePlace, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, bucket)
    for number in range(8):
        kit.write_lake(tmp_path, {"release": [{"id": "5", "name": f"r{number}"}]}, lake=lake)
    build(tmp_path, lake=lake, models=FEW)
    assert names(tmp_path) == ["r7"]

    assert compact(lake).files_before == 8
    expire(lake, keep=1)
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "new"}]}, lake=lake)
    shutil.rmtree(tmp_path / "lake-cache")  # another machine, or a cleaned cache
    build(tmp_path, lake=lake, models=FEW)
    assert sorted(names(tmp_path)) == ["new", "r7"]
    assert not (tmp_path / "lake").exists()
    assert len(list(lake.storage.list("data"))) == 2


def test_a_lake_that_was_copied_into_a_bucket_goes_on_there(
    bucket: LakePlace, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "from the folder"}]})
    lake = open_lake(tmp_path / "elsewhere", bucket)
    for path in sorted(folder.rglob("*"), key=lambda path: path.name == "CURRENT"):
        if path.is_file():
            assert lake.storage.create(path.relative_to(folder).as_posix(), path.read_bytes())
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "new"}]}, lake=lake)
    build(tmp_path, lake=lake, models=FEW)
    assert sorted(names(tmp_path)) == ["from the folder", "new"]


def test_a_file_that_was_changed_in_the_bucket_is_named(bucket: LakePlace, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, bucket)
    draft = Draft(lake)
    manifest = publish(draft, write(draft, ["1"]))
    file = manifest.tables["defect"].files[0]
    lake.storage.delete(file.path)
    assert lake.storage.create(file.path, b"something else")

    assert lake.resolve(file).is_file()  # the copy of the machine that wrote it
    other = open_lake(tmp_path / "other", bucket)
    with pytest.raises(LakeError, match=r"s3://lake-.* is not what its manifest says"):
        other.resolve(file)
    lake.storage.delete(file.path)
    with pytest.raises(LakeError, match=r"Could not read s3://lake-"):
        other.resolve(file)


def test_two_machines_write_the_same_generation_and_one_wins(
    bucket: LakePlace, tmp_path: Path
) -> None:
    here, there = open_lake(tmp_path / "here", bucket), open_lake(tmp_path / "there", bucket)
    first, second = Draft(here), Draft(there)
    assert first.generation == second.generation
    winner = publish(first, write(first, ["1"]))
    lost = write(second, ["2"])

    with pytest.raises(LakeError, match="Another process published workspace 1002 into s3://"):
        publish(second, lost)
    assert there.current() == winner


def test_a_server_without_conditional_writes_is_refused(
    bucket: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    put = obstore.put

    def careless(store: Any, path: str, body: Any, **named: Any) -> Any:
        named.pop("mode", None)
        return put(store, path, body, **named)

    monkeypatch.setattr(obstore, "put", careless)
    with pytest.raises(LakeError, match="does not honour conditional writes"):
        publish(Draft(open_lake(tmp_path, bucket)))
    monkeypatch.undo()
    assert open_lake(tmp_path, bucket).current() is None


def test_a_write_whose_answer_was_lost_counts(
    bucket: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore
    from obstore.exceptions import PreconditionError

    lake = open_lake(tmp_path, bucket)
    publish(Draft(lake))
    put = obstore.put

    def lossy(store: Any, path: str, body: Any, **named: Any) -> Any:
        put(store, path, body, **named)
        raise PreconditionError("the repeated request met what its first try wrote")

    draft = Draft(lake)
    monkeypatch.setattr(obstore, "put", lossy)
    published = publish(draft)
    monkeypatch.undo()
    assert lake.current() == published


class Killed(BaseException):
    """Stands for the end of the process."""


class Dying(BucketStorage):
    """Ends the process before or after its n-th change."""

    def __init__(self, place: LakePlace, cache: Path, step: int, *, after: bool) -> None:
        super().__init__(place, cache)
        self.left = step
        self.after = after

    def _count(self, change: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        done = change()
        if self.left == 0:
            raise Killed
        return done

    def add(self, path: str, local: Path, sha256: str) -> None:
        self._count(lambda: super(Dying, self).add(path, local, sha256))

    def create(self, path: str, body: bytes) -> bool:
        return bool(self._count(lambda: super(Dying, self).create(path, body)))

    def swap(self, path: str, body: bytes, previous: bytes | None) -> bool:
        return bool(self._count(lambda: super(Dying, self).swap(path, body, previous)))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 7))  # data, three parts, head, pointer
def test_a_kill_at_any_change_leaves_a_whole_generation(
    bucket: LakePlace, tmp_path: Path, step: int, after: bool
) -> None:
    lake = open_lake(tmp_path, bucket)
    draft = Draft(lake)
    first = publish(draft, write(draft, ["1"]))
    dying = Lake(Dying(bucket, tmp_path / "dying", step, after=after))
    with pytest.raises(Killed):
        publish_two(dying)

    current = lake.current()
    assert current is not None
    assert (current == first) == (not (step == 6 and after))
    again = Draft(lake)
    third = publish(again, write(again, ["4"]))
    assert third.parent == current.generation
    fresh = open_lake(tmp_path / "fresh", bucket)
    for kept in fresh.kept():
        assert fresh.manifest(kept.generation) == lake.manifest(kept.generation)
        for file in fresh.manifest(kept.generation).tables["defect"].files:
            assert fresh.resolve(file).is_file()


def publish_two(lake: Lake) -> Manifest:
    draft = Draft(lake)
    file: FileEntry = write(draft, ["2", "3"])
    return publish(draft, file, label="Key", recent="1002")


def test_settings_name_the_bucket() -> None:
    place = load_lake(
        {
            "OCTANE_LAKE": "s3://company-lake/qa/octane/",
            "OCTANE_LAKE_ENDPOINT": "https://s3.example.com/",
            "OCTANE_LAKE_REGION": "eu-central-1",
            "OCTANE_LAKE_KEY_ID": "key",
            "OCTANE_LAKE_SECRET": "canary",
        }
    )
    assert place == LakePlace(
        "company-lake",
        "qa/octane",
        "https://s3.example.com",
        "eu-central-1",
        "key",
        Secret("canary"),
    )
    assert "canary" not in repr(place)
    assert load_lake({}) is None


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"OCTANE_LAKE": "gs://bucket"}, "not the address of a bucket"),
        ({"OCTANE_LAKE_REGION": "eu-central-1"}, "OCTANE_LAKE is not"),
        ({"OCTANE_LAKE": "s3://bucket", "OCTANE_LAKE_KEY_ID": "key"}, "belong together"),
        (
            {"OCTANE_LAKE": "s3://bucket", "OCTANE_LAKE_ENDPOINT": "http://minio.example"},
            "unencrypted; use https",
        ),
        ({"OCTANE_LAKE": "s3://bucket", "OCTANE_LAKE_ENDPOINT": "minio"}, "not a web address"),
    ],
)
def test_a_wrong_place_is_an_error(environ: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_lake(environ)


def test_a_bucket_that_is_not_there_is_named(bucket: LakePlace, tmp_path: Path) -> None:
    missing = LakePlace("no-such-bucket", "", bucket.endpoint, "us-east-1", "k", Secret("canary"))
    with pytest.raises(LakeError, match=r"check OCTANE_LAKE, its endpoint") as raised:
        publish(Draft(open_lake(tmp_path, missing)))
    assert "canary" not in str(raised.value)


def set_bucket(monkeypatch: pytest.MonkeyPatch, bucket: LakePlace) -> None:
    monkeypatch.setenv("OCTANE_LAKE", f"s3://{bucket.bucket}/{bucket.prefix}")
    monkeypatch.setenv("OCTANE_LAKE_ENDPOINT", str(bucket.endpoint))
    monkeypatch.setenv("OCTANE_LAKE_KEY_ID", "key")
    monkeypatch.setenv("OCTANE_LAKE_SECRET", "canary-secret")


def test_python_users_find_the_history_in_a_bucket(
    bucket: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_bucket(monkeypatch, bucket)
    lake = open_lake(tmp_path, bucket)
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "there"}]}, lake=lake)
    build(tmp_path, lake=lake, models=FEW)
    with octane_flows.open(tmp_path) as opened:
        assert opened.history("release", "5").project("name").fetchall() == [("there",)]
    # The data folder of the settings may still have a folder lake from before the bucket was set.
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "left behind"}]})
    with octane_flows.open() as opened:
        assert opened.history("release", "5").project("name").fetchall() == [("there",)]


def test_the_bucket_of_the_settings_is_not_the_lake_of_another_data_folder(
    bucket: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.write_lake(
        tmp_path / "theirs",
        {"release": [{"id": "5", "name": "of the settings"}]},
        lake=open_lake(tmp_path / "theirs", bucket),
    )
    later = kit.AS_OF + timedelta(days=1)
    copied = tmp_path / "copied"
    kit.write_lake(copied, {"release": [{"id": "5", "name": "own"}]}, as_of=later)
    build(copied, models=FEW)
    shutil.rmtree(copied / "lake")
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path / "theirs"))
    set_bucket(monkeypatch, bucket)

    with octane_flows.open(copied) as opened:
        for ask in (
            lambda: opened.history("release", "5"),
            opened.generations,
            lambda: opened.as_of(1),
            lambda: opened.sql("select * from octane_history.release"),
        ):
            with pytest.raises(
                UsageError, match=r"has no folder lake.*set OCTANE_HOME to .*copied"
            ):
                ask()
    # The remedy helps: with the data folder in the settings and without the bucket, the message
    # names the missing lake of this folder.
    monkeypatch.setenv("OCTANE_HOME", str(copied))
    monkeypatch.delenv("OCTANE_LAKE")
    for name in ("ENDPOINT", "KEY_ID", "SECRET"):
        monkeypatch.delenv(f"OCTANE_LAKE_{name}")
    kit.write_lake(copied, {"release": [{"id": "5", "name": "restored"}]}, as_of=later)
    with octane_flows.open(copied) as opened:
        assert opened.history("release", "5").project("name").fetchall() == [("restored",)]
