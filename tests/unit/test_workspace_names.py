"""Workspaces by name wherever ids are: settings, the lake, the warehouse, questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from octane_flows import warehouse
from octane_flows.changes.warehouse_changes import changes_of
from octane_flows.client.transport import Request, Response
from octane_flows.config import ids_of_workspaces, workspace_label
from octane_flows.errors import ServerError, UsageError
from octane_flows.extract import ExtractReport
from octane_flows.lake import Lake
from octane_flows.questions import given_values, question_named
from octane_simulator import Simulator
from tests.golden import kit
from tests.small import START, SmallTransport, run_extract

NAMES = {"1001": "Payments", "1002": "payments", "1003": "Claims", "1004": None}
FIRST, SECOND = "1002", "1003"
SECOND_NAME = f"Simulated workspace {SECOND}"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (["1003"], ("1003",)),
        (["77"], ("77",)),  # an id is taken as it is: whoever reads it says that it is not there
        (["Payments"], ("1001",)),
        (["payments"], ("1002",)),
        (["CLAIMS", "1003", "Claims"], ("1003",)),
    ],
)
def test_ids_stay_and_names_become_ids(wanted: list[str], ids: tuple[str, ...]) -> None:
    assert ids_of_workspaces(wanted, NAMES, where="the lake") == ids


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("PAYMENTS", r"is several in the lake: 1001 Payments, 1002 payments; write the id"),
        ("Claim", r"no workspace 'Claim' in the lake; the nearest are 1003 Claims\."),
        ("Zebra", r"there are 1001 Payments, 1002 payments, 1003 Claims, 1004\."),
    ],
)
def test_a_name_that_none_or_several_have_is_told(wanted: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        ids_of_workspaces([wanted], NAMES, where="the lake")


def test_where_no_name_is_known_ids_are_asked_for() -> None:
    with pytest.raises(UsageError, match=r"names are not known there, so write an id, such as 7\."):
        ids_of_workspaces(["Main"], {"7": None}, where="the lake")
    assert workspace_label("7", {"7": None}) == "7"


class Counted(SmallTransport):
    """Counts how often the list of workspaces is read; may refuse it, or give other names."""

    def __init__(self, simulator: Simulator, status: int = 200, name: str = "") -> None:
        super().__init__(simulator)
        self.status, self.name, self.lists = status, name, 0

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        if "/workspaces?" not in request.url:
            return answer
        self.lists += 1
        if self.status != 200:
            return replace(answer, status=self.status, body=b"{}")
        body = answer.body.replace(SECOND_NAME.encode(), self.name.encode())
        return replace(answer, body=body) if self.name else answer


@pytest.fixture
def two() -> Iterator[Simulator]:
    """Two workspaces, each with a defect."""
    simulator = Simulator(clock=START, workspaces=(FIRST, SECOND))
    for workspace in (FIRST, SECOND):
        simulator.space.workspaces[workspace].store.insert("defect", {"name": f"in {workspace}"})
    simulator.clock.advance(3600)
    yield simulator
    simulator.close()


def name_of(report: ExtractReport, workspace: str = SECOND) -> str | None:
    return report.manifest.workspaces[workspace].name


def test_an_extract_reads_the_workspace_of_a_name(two: Simulator, tmp_path: Path) -> None:
    report = run_extract(two, tmp_path, workspaces=(SECOND_NAME.upper(),))

    assert list(report.manifest.workspaces) == [SECOND]
    stored = Lake(tmp_path / "lake").current()
    assert stored is not None
    assert stored.names == {SECOND: SECOND_NAME}
    with pytest.raises(UsageError, match=rf"no workspace '.* 9' in shared .*{SECOND}"):
        run_extract(two, tmp_path, workspaces=("Simulated workspace 9",))


def test_ids_are_named_with_the_first_extract_of_a_day(two: Simulator, tmp_path: Path) -> None:
    first, same_day, next_day = (Counted(two, name=name) for name in ("", "no", "Renamed"))

    assert name_of(run_extract(two, tmp_path, first, workspaces=(SECOND,))) == SECOND_NAME
    two.clock.advance(60)
    assert name_of(run_extract(two, tmp_path, same_day, workspaces=(SECOND,))) == SECOND_NAME
    two.clock.advance(86_400)
    assert name_of(run_extract(two, tmp_path, next_day, workspaces=(SECOND,))) == "Renamed"
    assert [each.lists for each in (first, same_day, next_day)] == [1, 0, 1]


def test_a_list_that_is_refused_hinders_nothing_where_ids_are_given(
    two: Simulator, tmp_path: Path
) -> None:
    assert name_of(run_extract(two, tmp_path, Counted(two, 403), workspaces=(SECOND,))) is None
    two.clock.advance(86_400)
    run_extract(two, tmp_path, workspaces=(SECOND,))
    two.clock.advance(86_400)

    kept = run_extract(two, tmp_path, Counted(two, 403), workspaces=(SECOND,))

    assert name_of(kept) == SECOND_NAME
    with pytest.raises(ServerError, match=r"Listing the workspaces .* by their ids"):
        run_extract(two, tmp_path, Counted(two, 403), workspaces=(SECOND_NAME,))


def test_the_warehouse_names_its_workspaces(two: Simulator, tmp_path: Path) -> None:
    run_extract(two, tmp_path, workspaces=())
    models = [model for model in warehouse.load_models() if model.name == "er.releases"]

    warehouse.build(tmp_path, workspaces=["simulated workspace 1003"], models=models)

    with warehouse.connect(tmp_path) as connection:
        assert warehouse.workspace_names(connection) == {SECOND: SECOND_NAME}
        assert warehouse.workspace_id_of(connection, SECOND_NAME.lower()) == SECOND
        with pytest.raises(UsageError, match=rf"no workspace 1002; it has {SECOND} Simulated"):
            warehouse.workspace_id_of(connection, FIRST)


def test_a_warehouse_of_an_older_version_has_ids_alone(two: Simulator, tmp_path: Path) -> None:
    run_extract(two, tmp_path, workspaces=())
    warehouse.build(tmp_path)
    with warehouse.open_file(warehouse.warehouse_path(tmp_path), read_only=False) as connection:
        connection.execute("drop view meta.accepted_values")
        connection.execute("alter table meta.workspaces drop column workspace_name")
        flow = question_named("flow", "my_new_stories")

        assert warehouse.workspace_names(connection) == {FIRST: None, SECOND: None}
        assert given_values(connection, flow, {"workspace_id": FIRST})[0] == {"workspace_id": FIRST}


USERS = {
    "workspace_user": [
        {"id": "7", "type": "workspace_user", "name": "ann", "_workspace_id": FIRST},
        {"id": "8", "type": "workspace_user", "name": "ann", "_workspace_id": SECOND},
    ]
}


@pytest.fixture(scope="module")
def named_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two workspaces, in each of which another user has the same name."""
    home = tmp_path_factory.mktemp("named")
    kit.write_lake(home, USERS)
    warehouse.build(home)
    with warehouse.open_file(warehouse.warehouse_path(home), read_only=False) as connection:
        connection.execute(
            f"insert into meta.workspaces select * replace ('{SECOND}' as workspace_id) "
            "from meta.workspaces"
        )
        connection.execute("update meta.workspaces set workspace_name = 'Space ' || workspace_id")
    return home


def test_questions_take_workspaces_by_name_and_look_for_others_in_them(named_home: Path) -> None:
    flow = question_named("flow", "my_new_stories")
    with warehouse.connect(named_home) as connection:
        values, unknown = given_values(
            connection, flow, {"user_id": "ann", "workspace_id": "space 1003"}
        )
        _, (ambiguous,) = given_values(connection, flow, {"user_id": "ann"})
        _, (nowhere,) = given_values(connection, flow, {"workspace_id": "Space 1004"})

    assert (values, unknown) == ({"user_id": "8", "workspace_id": SECOND}, ())
    assert ambiguous.is_ambiguous
    assert "'7'" in ambiguous.sentence
    assert "(Space 1003)" in nowhere.sentence


def test_changes_of_several_workspaces_name_them(named_home: Path) -> None:
    lake = Lake(named_home / "lake")

    both = changes_of(named_home, lake, "UTC", "yesterday")
    only = changes_of(named_home, lake, "UTC", "yesterday", workspace="Space 1002")

    assert both.workspace_names == {FIRST: "Space 1002", SECOND: "Space 1003"}
    assert only.workspace_names == {}
