"""The vendor's own JavaScript SDK against the simulator: our driver, and the SDK's own tests.

`make test` installs the SDK into tests/vendor_sdk/node_modules with npm. Without npm, these tests
are skipped and say so; with TESTS_NEED_NODE=1, as on the build machine, they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from octane_simulator import Running, Simulator, serve
from tests.needs import need

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
SDK = MODULES / "@microfocus" / "alm-octane-js-rest-sdk"
MISSING = (
    "the vendor's SDK is not installed: install Node.js 18 or newer with npm, then `make test`"
)

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    need(shutil.which("node") and SDK.exists(), MISSING, "TESTS_NEED_NODE")
    simulator = Simulator()
    simulator.add_field("defect", "team_mood_udf", "string")
    with serve(simulator) as running:
        yield running
    simulator.close()


def node(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    return subprocess.run(
        ["node", *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


# -- our driver ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(server: Running) -> Seen:
    run = node(
        HERE / "drive.js", server.url, server.client_id, server.client_secret,
        server.shared_space, server.workspace, cwd=HERE,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    answers: Seen = json.loads(run.stdout.splitlines()[-1])
    return answers


def test_it_signs_in_and_reads_metadata(seen: Seen) -> None:
    assert seen["wrong_password"]["status"] == 401
    (entity,) = seen["metadata"]["data"]
    assert (entity["type"], entity["name"]) == ("entity_metadata", "defect")
    assert [field["name"] for field in seen["user_defined"]["data"]] == ["team_mood_udf"] * 2
    assert {field["entity_name"] for field in seen["user_defined"]["data"]} == {
        "defect",
        "work_item",
    }


def test_it_creates_one_and_many(seen: Seen) -> None:
    assert (seen["created"]["total_count"], seen["created_many"]["total_count"]) == (1, 4)
    rows = seen["created"]["data"] + seen["created_many"]["data"]
    assert {row["type"] for row in rows} == {"defect"}
    assert len({row["id"] for row in rows}) == 5


def test_it_reads_one_and_a_page(seen: Seen) -> None:
    assert set(seen["one"]) == {"type", "id", "workspace_id", "subtype", "logical_name"}
    assert seen["one_with_fields"]["phase"] == {"type": "phase", "id": "phase.defect.new"}
    assert seen["page"]["total_count"] == 5
    assert [(row["name"], row["story_points"]) for row in seen["page"]["data"]] == [
        ("Four", 2),
        ("Three", 1),
    ]


def test_all_that_its_query_builder_makes_is_understood(seen: Seen) -> None:
    assert len(seen["queries"]) == 37
    assert {text: status for text, status in seen["queries"].items() if status != 200} == {}


def test_it_updates_one_and_many(seen: Seen) -> None:
    assert seen["updated"]["id"] == seen["created"]["data"][0]["id"]
    assert seen["updated_many"]["total_count"] == 2
    assert seen["updated_by_query"]["total_count"] == 1
    after = seen["after_updates"]["data"]
    assert after[0]["name"] == "One, changed"
    assert after[0]["user_tags"]["total_count"] == 1
    assert [row["story_points"] for row in after] == [None, 8, 13, 21, 34]


def test_it_moves_scripts_and_attachments(seen: Seen) -> None:
    assert seen["script"]["script"] == "- Open\n- ?It opens\n"
    assert seen["uploaded"]["total_count"] == 1
    assert (seen["attachment"]["name"], seen["attachment"]["size"]) == ("bytes.bin", 7)
    assert seen["attachment"]["owner_work_item"]["id"] == seen["created"]["data"][0]["id"]
    assert bytes(seen["words"]["data"]) == b"plain words"


def test_it_sends_requests_of_its_own(seen: Seen) -> None:
    assert seen["custom"]["name"] == "One, changed"


def test_an_ended_session_is_renewed_unseen(seen: Seen) -> None:
    assert seen["after_expiry"]["name"] == "One, changed"


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        ("unknown_entity", 404, "platform.entity_not_found"),
        ("unknown_collection", 404, "platform.web_application"),
        ("unknown_field", 400, "platform.unknown_field"),
        ("bad_query", 400, "platform.invalid_query"),
        ("bad_limit", 400, "platform.illegal_field_value"),
        ("read_only", 403, "platform.modify_non_editable_field"),
    ],
)
def test_refusals_reach_the_caller(seen: Seen, step: str, status: int, code: str) -> None:
    assert (seen[step]["status"], seen[step]["data"]["error_code"]) == (status, code)


def test_bulk_refusals_say_which_row(seen: Seen) -> None:
    (error,) = seen["duplicate"]["data"]["errors"]
    assert (error["index"], error["error_code"]) == (0, "platform.duplicate_entity_error")
    assert seen["partial"]["status"] == 409
    assert len(seen["partial"]["data"]["data"]) == 1
    (error,) = seen["partial"]["data"]["errors"]
    assert (error["index"], error["error_code"]) == (0, "platform.entity_not_found")


def test_it_deletes_one_and_by_query(seen: Seen) -> None:
    assert seen["deleted"] is None
    assert seen["deleted_by_query"]["total_count"] == 4
    assert seen["left"]["data"] == []


# -- the SDK's own tests ------------------------------------------------------------------------


@pytest.fixture
def sdk_copy(server: Running, tmp_path: Path) -> Path:
    """The installed package, with the address of the server in the file that its tests read."""
    copy = tmp_path / "sdk"
    shutil.copytree(SDK, copy)
    host, port = server.url.removeprefix("http://").split(":")
    settings = {
        "config": {
            "protocol": "http",
            "host": host,
            "port": int(port),
            "tech_preview_API": True,
            "shared_space_id": int(server.shared_space),
            "workspace_id": int(server.workspace),
        },
        "options": {"client_id": server.client_id, "client_secret": server.client_secret},
    }
    (copy / "dist" / "octane.json").write_text(json.dumps(settings), "utf-8")
    return copy


def test_its_route_generator_reads_our_metadata_and_its_own_tests_pass(sdk_copy: Path) -> None:
    run = node(
        sdk_copy / "scripts" / "generate_default_routes.js", "dist/octane.json", cwd=sdk_copy
    )
    assert run.returncode == 0, run.stdout + run.stderr
    routes = json.loads((sdk_copy / "routes" / "default.json").read_text("utf-8"))
    assert len(routes) >= 61  # one route for each entity type, and those that the SDK always has
    shutil.copy(sdk_copy / "routes" / "default.json", sdk_copy / "dist" / "routes")

    tests = sorted(sdk_copy.glob("dist/test/**/integration/*.js"))
    tests.append(sdk_copy / "dist" / "test" / "query.js")
    report = sdk_copy / "report.json"
    run = node(
        MODULES / "mocha" / "bin" / "mocha.js", "--reporter", "json",
        "--reporter-option", f"output={report}", *tests, cwd=sdk_copy,
    )  # fmt: skip
    assert report.exists(), run.stdout + run.stderr
    results = json.loads(report.read_text("utf-8"))
    failures = {
        failure["fullTitle"]: failure["err"].get("message") for failure in results["failures"]
    }
    assert failures == {}
    assert results["pending"] == []
    assert results["stats"]["passes"] >= 49
