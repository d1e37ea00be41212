"""What the server no longer gives is told and costs nothing else: workspaces and entity types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from octane_flows import warehouse
from octane_flows.cli.published_messages import require_complete
from octane_flows.client.transport import Request, Response
from octane_flows.errors import AccessError, ExtractError, UsageError
from octane_flows.extract import ExtractReport
from octane_flows.lake import Lake, drop_workspace, expire
from octane_flows.status import print_status
from octane_simulator import Simulator
from tests.small import FIELDS, START, TYPES, SmallTransport, loaded, run_extract

FEW = [model for model in warehouse.load_models() if model.name == "er.releases"]
FIRST, SECOND = BOTH = ("1002", "1003")


@pytest.fixture
def two() -> Iterator[Simulator]:
    """Two workspaces, each with a defect."""
    simulator = Simulator(clock=START, workspaces=BOTH)
    for workspace in BOTH:
        store = simulator.space.workspaces[workspace].store
        store.insert("defect", {"name": f"in {workspace}"})
    simulator.clock.advance(3600)
    yield simulator
    simulator.close()


class Refusing(SmallTransport):
    """Gives 403, or another status, where `part` is in the address."""

    part = f"/workspaces/{SECOND}/"
    status = 403

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        return replace(answer, status=self.status) if self.part in request.url else answer


def extracted(
    simulator: Simulator, home: Path, transport: SmallTransport | None = None
) -> ExtractReport:
    return run_extract(simulator, home, transport, workspaces=BOTH)


def names(home: Path) -> list[tuple[str, str]]:
    with loaded(home) as connection:
        return connection.execute(
            "select _workspace_id, name from octane.defect order by all"
        ).fetchall()


def status_of(home: Path) -> str:
    console = Console(width=400, record=True, quiet=False)
    with console.capture() as captured:
        print_status(home, Lake(home / "lake"), console)
    return captured.get()


def findings(report: ExtractReport, workspace: str) -> str:
    return "; ".join(
        finding.text for finding in report.manifest.findings if finding.workspace == workspace
    )


@pytest.mark.parametrize(
    ("part", "status", "before"),
    [
        ("/", 403, True),
        ("/", 403, False),
        ("/", 404, True),
        ("/", 404, False),
        ("/defects", 403, False),  # where it has rows, the type alone is refused
    ],
)
def test_a_workspace_that_may_not_be_read_does_not_stop_the_others(
    two: Simulator, tmp_path: Path, part: str, status: int, before: bool
) -> None:
    if before:
        extracted(two, tmp_path)
    for id in BOTH:
        two.space.workspaces[id].store.insert("defect", {"name": "new"})
    two.clock.advance(3600)
    refusing = Refusing(two)
    refusing.part, refusing.status = f"/workspaces/{SECOND}{part}", status

    report = extracted(two, tmp_path, refusing)

    old = [(SECOND, f"in {SECOND}")] if before else []
    assert names(tmp_path) == [(FIRST, f"in {FIRST}"), (FIRST, "new"), *old]
    assert "the workspace was not read" in findings(report, SECOND)
    assert "not read" not in findings(report, FIRST)
    with pytest.raises(ExtractError, match=rf"workspace {SECOND}.*OCTANE_WORKSPACES"):
        require_complete(report)
    assert "the workspace was not read" in status_of(tmp_path)
    refused = [row.workspace for row in report.manifest.certificate if row.status == "refused"]
    assert set(refused) == ({SECOND} if before else set())
    # another extract of the first alone leaves it so; one that may read it makes it whole
    later = run_extract(two, tmp_path, workspaces=(FIRST,)).manifest
    assert [row.workspace for row in later.certificate if row.status == "refused"] == refused
    whole = extracted(two, tmp_path)
    require_complete(whole)
    assert len(names(tmp_path)) == 4
    assert "not read" not in findings(whole, SECOND)


def test_without_any_readable_workspace_the_extract_fails(two: Simulator, tmp_path: Path) -> None:
    refusing = Refusing(two)
    refusing.part = "/metadata/"

    with pytest.raises(AccessError, match="metadata/entities of workspace 1002"):
        extracted(two, tmp_path, refusing)


class WithoutStories(SmallTransport):
    """A server whose metadata no longer has stories."""

    types = TYPES - {"story"}


def test_an_entity_type_that_disappears_from_metadata_is_told(
    two: Simulator, tmp_path: Path
) -> None:
    two.store.insert("story", {"name": "s"})
    run_extract(two, tmp_path)

    report = run_extract(two, tmp_path, WithoutStories(two), only=("defect",))

    assert "story is no longer in the server's metadata" in findings(report, FIRST)
    shown = status_of(tmp_path)
    assert "absent: no longer in the server's metadata" in shown
    assert "1 of 2 entity types" in shown
    assert "story is no longer" in shown
    report = run_extract(two, tmp_path)
    assert "no longer" not in findings(report, FIRST)
    assert "2 of 2 entity types" in status_of(tmp_path)


def test_a_type_that_is_left_out_is_not_gone(two: Simulator, tmp_path: Path) -> None:
    run_extract(two, tmp_path)

    report = run_extract(two, tmp_path, only=("defect",))

    assert {row.status for row in report.manifest.certificate} == {"complete", "carried"}


class Unlisted(SmallTransport):
    """A server that no longer lists the second workspace."""

    fields = FIELDS

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        if "/workspaces?" in request.url:
            body = b'{"total_count":1,"data":[{"type":"workspace","id":"1002","name":"a"}]}'
            return replace(answer, body=body)
        return answer


class NoneListed(SmallTransport):
    """A server that lists no workspace."""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        if "/workspaces?" in request.url:
            return replace(answer, body=b'{"total_count":0,"data":[]}')
        return answer


def test_all_workspaces_where_none_is_listed_is_told_and_a_role_helps(
    two: Simulator, tmp_path: Path
) -> None:
    run_extract(two, tmp_path, workspaces=())
    before = names(tmp_path)

    with pytest.raises(UsageError, match=r"lists no workspace .* ask for a role in a workspace"):
        run_extract(two, tmp_path, NoneListed(two), workspaces=())

    assert names(tmp_path) == before
    assert len(run_extract(two, tmp_path, workspaces=()).manifest.workspaces) == 2


def test_a_workspace_that_is_no_longer_listed_is_told_and_can_be_let_go(
    two: Simulator, tmp_path: Path
) -> None:
    run_extract(two, tmp_path, workspaces=())
    assert len(names(tmp_path)) == 2
    warehouse.build(tmp_path, models=FEW)
    two.clock.advance(2 * 86_400)

    report = run_extract(two, tmp_path, Unlisted(two), workspaces=())

    assert f"octane-flows drop-workspace {SECOND}" in findings(report, SECOND)
    require_complete(report)
    shown = status_of(tmp_path)
    assert "absent: the server no longer lists it" in shown
    assert f"behind       workspace {SECOND} Simulated workspace {SECOND} was last read" in shown
    lake = Lake(tmp_path / "lake")
    _, versions = drop_workspace(lake, SECOND, dry_run=True)
    assert (versions, len(names(tmp_path))) == (1, 2)

    manifest, _ = drop_workspace(lake, SECOND)

    assert names(tmp_path) == [(FIRST, f"in {FIRST}")]
    assert list(manifest.workspaces) == [FIRST]
    assert SECOND not in status_of(tmp_path).partition("warehouse ")[0]
    for full in (False, True):
        warehouse.build(tmp_path, full=full, models=FEW)
        with warehouse.connect(tmp_path) as connection:
            ids = connection.execute("select distinct _workspace_id from octane.defect").fetchall()
        assert ids == [(FIRST,)]
    report = run_extract(two, tmp_path, Unlisted(two), workspaces=())
    assert "no longer lists" not in findings(report, SECOND)
    assert expire(lake, keep=1).files
    assert not list((tmp_path / "lake" / "data" / SECOND).rglob("*.parquet"))


def test_only_a_workspace_beside_others_is_let_go(two: Simulator, tmp_path: Path) -> None:
    run_extract(two, tmp_path)
    lake = Lake(tmp_path / "lake")

    with pytest.raises(UsageError, match="no rows of workspace 77; it has: 1002"):
        drop_workspace(lake, "77")
    with pytest.raises(UsageError, match="is the only one"):
        drop_workspace(lake, FIRST)
