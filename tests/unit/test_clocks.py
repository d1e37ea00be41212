"""Clocks that are wrong lose no change: of the server, of a cache, while an extract runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from octane_flows.client.server_clock import server_time_of
from octane_flows.client.transport import Request, Response
from octane_flows.errors import AnswerError
from octane_flows.extract import ExtractReport
from octane_simulator import Simulator
from tests.small import Killed, SmallTransport, run_extract, stored_rows
from tests.small_defects import certificate, ids_of

HOUR = 3600
DAY = 86_400


def change(simulator: Simulator, name: str = "changed") -> str:
    """A change of the oldest defect; returns its id."""
    id = ids_of(simulator)[0]
    simulator.store.update("defect", id, {"name": name})
    return id


def findings_on_clocks(report: ExtractReport) -> list[str]:
    return [
        finding.text
        for finding in report.manifest.findings
        if " in their time" in finding.text or " clock " in finding.text
    ]


def stored_name(home: Path, id: str) -> str:
    return str(stored_rows(home, "defect", "name")[id][0])


@pytest.mark.parametrize("ahead", [HOUR, DAY, 400 * DAY])
@pytest.mark.parametrize("later", [600, 2 * HOUR, 2 * DAY])
@pytest.mark.parametrize("census", [False, True])
def test_a_date_header_that_was_ahead_hides_no_change(
    simulator: Simulator, tmp_path: Path, ahead: int, later: int, census: bool
) -> None:
    simulator.faults.add("clock_skew", seconds=ahead)
    run_extract(simulator, tmp_path, census=census)
    simulator.clock.advance(600)
    id = change(simulator)
    simulator.clock.advance(later)
    simulator.faults.remove("clock_skew")

    run_extract(simulator, tmp_path)

    assert stored_name(tmp_path, id) == "changed"


@pytest.mark.parametrize("ahead", [HOUR, DAY])
def test_the_first_row_of_an_empty_type_is_not_hidden_either(
    simulator: Simulator, tmp_path: Path, ahead: int
) -> None:
    simulator.faults.add("clock_skew", seconds=ahead)
    run_extract(simulator, tmp_path)
    simulator.clock.advance(600)
    id = simulator.store.insert("story", {"name": "first"})
    simulator.clock.advance(3 * DAY)
    simulator.faults.remove("clock_skew")

    run_extract(simulator, tmp_path)

    assert stored_rows(tmp_path, "story", "name") == {id: ("first",)}


@pytest.mark.parametrize("ahead", [HOUR, DAY])
def test_a_whole_clock_that_was_ahead_is_noticed_and_loses_nothing(
    simulator: Simulator, tmp_path: Path, ahead: int
) -> None:
    """The stamps of the rows are ahead as well, so only the good cursor helps."""
    run_extract(simulator, tmp_path)
    began = simulator.clock.now()
    simulator.clock.advance(ahead)
    change(simulator, "ahead")
    run_extract(simulator, tmp_path)
    simulator.clock.set(began + timedelta(seconds=600))
    id = change(simulator)
    simulator.clock.advance(1200)

    report = run_extract(simulator, tmp_path)

    assert stored_name(tmp_path, id) == "changed"
    (finding,) = findings_on_clocks(report)
    assert "was ahead when its changes were read" in finding
    assert f"read again from {began - timedelta(minutes=2):%Y-%m-%d %H:%M} UTC" in finding
    simulator.clock.advance(600)
    change(simulator, "again")
    report = run_extract(simulator, tmp_path)
    assert stored_name(tmp_path, id) == "again"
    assert not findings_on_clocks(report)


def test_without_a_good_cursor_everything_is_read_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.clock.advance(DAY)
    other = ids_of(simulator)[1]
    simulator.store.update("defect", other, {"name": "ahead"})
    run_extract(simulator, tmp_path)
    simulator.clock.advance(-DAY + 600)
    id = change(simulator)
    simulator.clock.advance(HOUR)

    report = run_extract(simulator, tmp_path)

    assert stored_name(tmp_path, id) == "changed"
    assert certificate(report).mode == "full"
    assert "read again in full" in findings_on_clocks(report)[0]


def test_an_extract_is_never_later_than_this_machines_clock(
    simulator: Simulator, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    simulator.clock.set(now + timedelta(hours=1, seconds=30), frozen=False)

    report = run_extract(simulator, tmp_path)

    assert report.manifest.as_of <= datetime.now(UTC)
    assert certificate(report).cursor == report.manifest.as_of - timedelta(minutes=2)
    (finding,) = findings_on_clocks(report)
    assert "clock is 1 h 0 min ahead of this machine's clock" in finding
    id = change(simulator)
    run_extract(simulator, tmp_path)
    assert stored_name(tmp_path, id) == "changed"


class WithHeader(SmallTransport):
    """Changes the headers of answers; `header` gets the number of the request."""

    header: Callable[[int], dict[str, str]] = staticmethod(lambda _: {})

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        changed = self.header(len(self.targets))
        kept = [pair for pair in answer.headers if pair[0] not in changed]
        return replace(answer, headers=(*kept, *changed.items()))


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Mon, 01 Jan 2900 00:00:00",
    ],
)
def test_a_date_of_the_year_9999_is_not_believed(
    simulator: Simulator, tmp_path: Path, date: str
) -> None:
    transport = WithHeader(simulator)
    transport.header = lambda number: {"date": date} if number < 9 else {}
    if "-1200" in date:
        with pytest.raises(AnswerError, match="no usable Date header"):
            run_extract(simulator, tmp_path, transport)
        return

    report = run_extract(simulator, tmp_path, transport)

    assert report.manifest.as_of <= datetime.now(UTC)


@pytest.mark.parametrize("place", [4, 6, 8])
def test_a_clock_that_is_set_back_while_an_extract_runs_dates_it_by_the_earliest_answer(
    simulator: Simulator, tmp_path: Path, place: int
) -> None:
    true_time = simulator.clock.http_date()
    transport = WithHeader(simulator)
    ahead = simulator.clock.http_date(HOUR)
    transport.header = lambda number: {"date": ahead if number < place else true_time}

    report = run_extract(simulator, tmp_path, transport)

    assert abs(report.manifest.as_of - simulator.clock.now()) < timedelta(minutes=1)
    assert certificate(report).cursor == report.manifest.as_of - timedelta(minutes=2)
    assert "differ by 1 h 0 min" in findings_on_clocks(report)[0]
    id = change(simulator)
    simulator.clock.advance(HOUR)
    report = run_extract(simulator, tmp_path)
    assert stored_name(tmp_path, id) == "changed"
    assert not findings_on_clocks(report)


class WithMisfits(WithHeader):
    """A server whose defects have a severity without type and id, too."""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        if "/defects" not in request.url or answer.status != 200:
            return answer
        body = json.loads(answer.body)
        for row in body["data"]:
            row["severity"] = {}
        return replace(answer, body=json.dumps(body).encode())


@pytest.mark.parametrize("full", [False, True])
def test_nothing_is_dated_after_an_extract_whose_clock_was_set_back(
    simulator: Simulator, tmp_path: Path, full: bool
) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(HOUR)
    change(simulator)
    true_time, ahead = simulator.clock.http_date(), simulator.clock.http_date(HOUR)
    transport = WithMisfits(simulator)
    transport.header = lambda number: {"date": ahead if number < 6 else true_time}

    manifest = run_extract(simulator, tmp_path, transport, census=True, full=full).manifest

    state = manifest.states[simulator.workspace]["defect"]
    assert abs(manifest.as_of - simulator.clock.now()) < timedelta(minutes=1)
    assert state.census is not None
    assert state.census.at <= manifest.as_of
    assert state.rejected
    assert all(value.since <= manifest.as_of for value in state.rejected)


def test_the_rows_of_a_stopped_extract_with_a_clock_ahead_are_read_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3 * HOUR)
    change(simulator, "first")
    simulator.faults.add("clock_skew", seconds=DAY)

    def stop(request: Request) -> None:
        if "/current_user" in request.url:  # all types are read
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop))
    simulator.faults.remove("clock_skew")
    id = change(simulator, "second")
    simulator.clock.advance(HOUR)

    report = run_extract(simulator, tmp_path)

    assert stored_name(tmp_path, id) == "second"
    assert report.resumed == 0


def test_the_age_of_a_cached_answer_is_added_to_its_date() -> None:
    def time_with(age: str) -> datetime | None:
        return server_time_of(
            Response(200, (("date", "Wed, 20 Jan 2021 12:00:00 GMT"), ("age", age)))
        )

    noon = datetime(2021, 1, 20, 12, tzinfo=UTC)
    assert time_with("90") == noon + timedelta(seconds=90)
    assert [time_with(age) for age in ("", "soon", "-5", "٣", "9" * 40)] == [noon] * 5
