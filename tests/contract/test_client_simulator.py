"""The client against the simulator over real HTTP.

The two share no code, so that each checks the other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from octane_flows.client import Octane, Workspace, field
from octane_flows.client.session import Timing
from octane_flows.config import ApiKey, Secret, Settings, UserPassword
from octane_flows.errors import AnswerError, NotFoundError, RequestError, SignInError
from octane_simulator import Running, Simulator, serve

#: One name per character that has broken a client somewhere, and all together.
NAMES = [
    "and & and",
    "hash # and ?",
    "plus + percent %41 %",
    'double " quote',
    "apostrophe ' single",
    "caret ^ caret",
    "back \\ slash \\",
    "brackets ( { [ < > ] } )",
    "marks ; || ! , = ... /",
    "Grüße aus Köln",
    "漢字テスト",
    "rocket 🚀 family 👩‍👩‍👧",
    "null",
    "  blanks  inside ",
    "& # + \" ' ^ \\ ä 漢 🚀 all",
]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serve(Simulator(dataset="empty", seed=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def settings(running: Running) -> Settings:
    return Settings(
        url=running.url,
        shared_space=running.shared_space,
        workspaces=None,
        credentials=ApiKey(running.client_id, Secret(running.client_secret)),
        home=Path("unused"),
        timeout_s=20,
    )


@pytest.fixture(scope="module")
def octane(settings: Settings) -> Iterator[Octane]:
    slept: list[float] = []
    with Octane(settings, timing=Timing(sleep=slept.append)) as opened:
        yield opened


@pytest.fixture(scope="module")
def workspace(octane: Octane, running: Running) -> Workspace:
    return octane.workspace(running.workspace)


@pytest.fixture(scope="module")
def releases(workspace: Workspace) -> dict[str, str]:
    """Name -> id of one release per name."""
    rows = workspace.create(
        "releases",
        [
            {"name": name, "start_date": "2021-01-01T00:00:00Z", "end_date": "2021-06-01T00:00:00Z"}
            for name in NAMES
        ],
        fields=["name"],
    )
    return {str(row["name"]): str(row["id"]) for row in rows}


def test_the_server_tells_version_time_and_workspaces(octane: Octane, running: Running) -> None:
    assert octane.version()
    assert octane.server_time().tzinfo is UTC
    assert running.workspace in [other.id for other in octane.workspaces()]


def test_the_signed_in_user_is_a_user_of_the_workspace(
    octane: Octane, workspace: Workspace
) -> None:
    user = octane.current_user()

    assert user is not None
    named = workspace.page("workspace_users", fields=["name"], query=field("name").eq(user.name))
    assert [row["name"] for row in named.rows] == [user.name]


def test_a_user_signs_in_and_a_wrong_secret_does_not(settings: Settings, running: Running) -> None:
    user = UserPassword(running.user, Secret(running.password))
    with Octane(replace(settings, credentials=user)) as octane:
        assert octane.version()
    wrong = ApiKey(running.client_id, Secret("canary-secret"))
    with Octane(replace(settings, credentials=wrong)) as octane:
        with pytest.raises(SignInError, match="OCTANE_CLIENT_SECRET") as caught:
            octane.version()
        assert "canary" not in str(caught.value)


def test_metadata_names_collections_fields_and_targets(workspace: Workspace) -> None:
    metadata = workspace.metadata()
    defect = metadata.entity_types["defect"]
    assert defect.collection == "defects"
    assert "GET" in defect.methods
    assert defect.subtype_of == "work_item"
    assert "defect" in metadata.entity_types["work_item"].subtypes
    assert defect.fields["severity"].targets == ("list_node",)
    assert defect.fields["release"].is_reference
    assert not defect.fields["release"].multiple
    assert {"id", "type"} <= set(defect.fields)


@pytest.mark.parametrize("name", NAMES)
def test_any_character_is_written_read_and_found(
    workspace: Workspace, releases: dict[str, str], name: str
) -> None:
    assert workspace.entity("releases", releases[name], fields=["name"])["name"] == name
    page = workspace.page("releases", fields=["name"], query=field("name").eq(name))
    assert [row["id"] for row in page.rows] == [releases[name]]
    within = field("name").in_([name, "no such"]) & field("id").eq(releases[name])
    assert workspace.count("releases", within) == 1
    assert workspace.count("releases", ~field("name").eq(name)) == len(NAMES) - 1


def test_dates_ranges_and_wildcards_select(workspace: Workspace, releases: dict[str, str]) -> None:
    start = datetime(2021, 1, 1, tzinfo=UTC)
    ids = sorted(int(id) for id in releases.values())
    assert workspace.count("releases", field("start_date").eq(start)) == len(NAMES)
    assert workspace.count("releases", field("start_date").lt(start)) == 0
    assert workspace.count("releases", field("id").between(ids[0], ids[2])) == 3
    assert workspace.count("releases", field("name").like("*caret*")) == 1
    either = field("name").eq("null") | field("name").eq("Grüße aus Köln")
    assert workspace.count("releases", either & field("id").ge(ids[0])) == 2


def test_writes_update_and_delete(workspace: Workspace) -> None:
    (made,) = workspace.create(
        "milestones", [{"name": "short-lived", "date": "2021-01-05T00:00:00Z"}]
    )
    workspace.update_one("milestones", made["id"], {"name": "renamed"})
    assert workspace.entity("milestones", made["id"], fields=["name"])["name"] == "renamed"
    workspace.update("milestones", [{"id": made["id"], "name": "again"}])
    assert workspace.entity("milestones", made["id"], fields=["name"])["name"] == "again"
    workspace.delete("milestones", made["id"])
    with pytest.raises(NotFoundError):
        workspace.entity("milestones", made["id"], fields=["name"])


def test_the_servers_refusals_become_errors_with_their_code(workspace: Workspace) -> None:
    with pytest.raises(RequestError) as caught:
        workspace.page("defects", fields=["no_such_field"])
    assert caught.value.error_code == "platform.unknown_field"
    with pytest.raises(NotFoundError):
        workspace.page("no_such_collection", fields=["id"])
    with pytest.raises(RequestError):
        workspace.page("defects", fields=["id"], limit=0)
    with pytest.raises(RequestError):
        workspace.page("defects", fields=["id"], query="name EQ")


def test_an_expired_session_is_renewed_for_all_threads(
    settings: Settings, running: Running, releases: dict[str, str]
) -> None:
    with Octane(settings) as octane:
        workspace = octane.workspace(running.workspace)
        workspace.count("releases")
        running.simulator.faults.expire()
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda _: workspace.count("releases"), range(12)))
        assert counts == [len(releases)] * 12
        assert octane.politeness.retries == 0


def test_bad_days_are_waited_out(octane: Octane, workspace: Workspace, running: Running) -> None:
    faults = running.simulator.faults
    before = octane.politeness
    faults.add("unavailable", times=2, path="/phases")
    faults.add("too_many_requests", path="/phases", retry_after="1")
    assert workspace.count("phases") > 0
    faults.add("cut_body", path="/phases")
    assert workspace.count("phases") > 0
    after = octane.politeness
    assert after.retries - before.retries == 4
    assert after.status_429 - before.status_429 == 1


def test_what_is_not_data_is_refused(
    workspace: Workspace, running: Running, releases: dict[str, str]
) -> None:
    faults = running.simulator.faults
    faults.add("html_200", path="/phases")
    assert workspace.count("phases") > 0  # signed in once more, as a gateway may have wanted it

    faults.add("html_200", path="/phases", times=2)
    with pytest.raises(AnswerError, match="web page"):
        workspace.count("phases")


def test_no_log_of_a_library_tells_the_session_or_the_secret(
    settings: Settings, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), Octane(settings) as octane:
        octane.workspace(running.workspace).count("phases")

    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "LWSSO_COOKIE_KEY" not in logged
    assert running.client_secret not in logged
