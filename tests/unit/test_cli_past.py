"""The commands about the past, as a user calls them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.config import LakePlace
from octane_flows.errors import UsageError
from octane_flows.lake import open_lake
from octane_flows.warehouse.warehouse_as_of import past_path
from tests.golden import kit


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for day, name in enumerate(("2.8", "2.8 final", "2.8 final again")):
        release = {"id": "5", "type": "release", "name": name}
        kit.write_lake(tmp_path, {"release": [release]}, as_of=kit.AS_OF + timedelta(days=day))
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generations_and_histories_are_listed(home: Path) -> None:
    listed = json.loads(ask("generations", "--format", "json"))
    assert [(one["generation"], one["as_of"][:10]) for one in listed] == [
        (1, "2021-01-20"),
        (2, "2021-01-21"),
        (3, "2021-01-22"),
    ]
    versions = json.loads(ask("history", "release", "5", "--format", "json"))
    assert [one["name"] for one in versions] == ["2.8", "2.8 final", "2.8 final again"]
    with pytest.raises(UsageError, match="no version of release 6"):
        ask("history", "release", "6")


def test_a_query_looks_back_and_expiry_forgets(home: Path) -> None:
    sql = (
        "select releases.release_name, count(*) as versions from er.releases as releases "
        "join octane_history.release as release on release.id = releases.release_id group by all"
    )
    answer = json.loads(ask("query", "--as-of", "2021-01-21", sql, "--format", "json"))
    assert answer == [{"release_name": "2.8 final", "versions": 3}]
    assert past_path(home, 2).is_file()

    would = ask("expire", "--keep", "1", "--dry-run")
    # of each its manifest, and the part that names its files
    assert would.startswith("expire       would let go of 2 generations and 4 files")
    assert past_path(home, 2).is_file()
    assert ask("expire", "--keep", "1").startswith("expire       let go of 2 generations")
    assert not past_path(home, 2).exists()
    assert "nothing to do" in ask("compact", "--dry-run")


def test_expire_wants_to_know_what_may_go(home: Path) -> None:
    with pytest.raises(UsageError, match="--keep N generations, --older-than DAYS"):
        ask("expire")


def test_commands_find_a_lake_in_a_bucket(
    home: Path, bucket: LakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_LAKE", f"s3://{bucket.bucket}/{bucket.prefix}")
    monkeypatch.setenv("OCTANE_LAKE_ENDPOINT", str(bucket.endpoint))
    monkeypatch.setenv("OCTANE_LAKE_KEY_ID", "key")
    monkeypatch.setenv("OCTANE_LAKE_SECRET", "canary-secret")
    release = {"id": "5", "type": "release", "name": "in the bucket"}
    kit.write_lake(home, {"release": [release]}, lake=open_lake(home, bucket))

    assert len(json.loads(ask("generations", "--format", "json"))) == 1
    versions = json.loads(ask("history", "release", "--format", "json"))
    assert [one["name"] for one in versions] == ["in the bucket"]
