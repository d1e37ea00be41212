"""Generations, readers and limits of the served warehouse: what a request may take."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest

from octane_flows.config import ServePlace
from octane_flows.serve import bounded_connections
from octane_flows.serve.bounded_answers import Deadline, Limits, bounded_table
from octane_flows.serve.refused_requests import RefusalError
from octane_flows.serve.served_generations import ServedGenerations
from octane_flows.serve.warehouse_reader import WarehouseReader
from octane_flows.warehouse import warehouse_path
from tests.served import publish, refusal, serving
from tests.services import until

DEFECTS = "/flow/open_high_severity_defects"
LARGE = "select list(range) from range(100000000)"
FOREVER = (
    "select count(*) from range(100000000) as a, range(100000000) as b where a.range > b.range"
)


def test_a_new_warehouse_is_served_at_once_and_a_broken_one_never(copied_home: Path) -> None:
    with serving(copied_home) as opened:
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 1

        publish(copied_home, "update meta.generation set generation = 2")
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2

        (copied_home / "broken").write_bytes(b"no database")
        (copied_home / "broken").replace(warehouse_path(copied_home))
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2

        warehouse_path(copied_home).unlink()
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2


def test_replaced_generations_stay_open_for_a_while(copied_home: Path) -> None:
    now = [0.0]
    generations = ServedGenerations(copied_home, ServePlace(requests=1), clock=lambda: now[0])
    first = generations.newest()
    publish(copied_home, "update meta.generation set generation = 2")
    second = generations.newest()

    assert (first.number, second.number) == (1, 2)
    assert generations.named(first.token) is first
    with first.reader() as reader:
        assert reader.execute("select generation from meta.generation").fetchall() == [(1,)]
    now[0] = 10_000.0
    with pytest.raises(RefusalError, match="read the first page again") as expired:
        generations.named(first.token)
    assert expired.value.status == 410
    generations.close()


def test_a_reader_that_broke_is_replaced(
    served_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = ServedGenerations(served_home, ServePlace(requests=1))
    first = generations.newest()
    with monkeypatch.context() as patched, first.reader():
        patched.setattr(WarehouseReader, "works", lambda reader: False)
        assert generations.newest() is first

    second = generations.newest()
    assert second is not first
    with second.reader() as reader:
        assert reader.execute("select generation from meta.generation").fetchall() == [(1,)]
    generations.close()


@pytest.mark.parametrize(
    "sql",
    [
        "create table warehouse.er.x (a int)",
        "insert into meta.generation select * from meta.generation",
        "drop schema er cascade",
        "copy (select 1) to '{file}'",
        "attach '{file}' as other",
        "select * from read_text('{file}')",
        "set memory_limit = '10GB'",
        "install httpfs",
        "use memory; create table memory.main.x as from read_csv('{file}')",
    ],
)
def test_a_reader_writes_nothing_and_reads_no_other_file(
    sql: str, reader: WarehouseReader, tmp_path: Path
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("secret", encoding="utf-8")

    with pytest.raises(duckdb.Error):
        reader.execute(sql.format(file=file))

    with reader.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(sql.format(file=file))
    assert file.read_text(encoding="utf-8") == "secret"


@pytest.fixture
def reader(served_home: Path) -> Iterator[WarehouseReader]:
    opened = WarehouseReader(warehouse_path(served_home), 128)
    yield opened
    opened.close()


def test_a_query_ends_at_its_deadline_and_when_its_client_goes(reader: WarehouseReader) -> None:
    limits = Limits(0.1, 10, 128)
    with pytest.raises(RefusalError, match=r"within 0\.1 seconds") as late:
        with_deadline(reader, Deadline(0.1), limits)
    assert late.value.status == 504

    broken_off = Deadline(600)
    threading.Timer(0.2, broken_off.now).start()
    with pytest.raises(RefusalError):
        with_deadline(reader, broken_off, limits)
    assert reader.execute("select 1").fetchall() == [(1,)], "the reader serves the next request"


def with_deadline(reader: WarehouseReader, deadline: Deadline, limits: Limits) -> None:
    with deadline.interrupting(reader):
        bounded_table(reader.sql(FOREVER), limits, "The query")


def test_too_many_rows_and_too_much_memory_are_refused(reader: WarehouseReader) -> None:
    limits = Limits(60, 10, 128)
    with pytest.raises(RefusalError, match="more than the 10 rows") as many:
        bounded_table(reader.sql("from range(11)"), limits, "The query")
    with pytest.raises(RefusalError, match="more than the 128 MB") as large:
        bounded_table(reader.sql(LARGE), limits, "The query")

    assert (many.value.status, large.value.status) == (413, 413)
    assert bounded_table(reader.sql("from range(10)"), limits, "The query").num_rows == 10


def test_many_clients_at_once_are_answered_or_told_to_wait(served_home: Path) -> None:
    with serving(served_home, ServePlace(requests=1)) as opened:
        with ThreadPoolExecutor(40) as threads:
            answers = list(threads.map(lambda _: opened.get(f"{DEFECTS}.json"), range(80)))
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert any(answer.status_code == 200 for answer in answers)
        for answer in answers:
            if answer.status_code == 503:
                assert "try again in 5 seconds" in refusal(answer, 503)
                assert answer.headers["retry-after"] == "5"
        assert opened.get(f"{DEFECTS}.json").status_code == 200


def test_a_silent_client_is_cut_off_and_disturbs_nobody(
    served_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connections, "SILENCE_S", 0.3)
    with serving(served_home) as opened:
        address = urlsplit(str(opened.base_url))
        with socket.create_connection((address.hostname, address.port), timeout=60) as silent:
            silent.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            assert opened.get("/serve.css").status_code == 200
            assert is_cut_off(silent)


def is_cut_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_more_connections_than_may_be_are_told_so(
    served_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connections, "MOST_CONNECTIONS", 3)
    with serving(served_home) as opened:
        address = urlsplit(str(opened.base_url))
        place = (address.hostname, address.port)
        idle = [socket.create_connection(place, timeout=60) for _ in range(3)]
        with socket.create_connection(place, timeout=60) as full:
            answer = full.recv(4096)
        for connection in idle:
            connection.close()

        assert answer.startswith(b"HTTP/1.1 503")
        assert b"as many connections as it may" in answer
        until(lambda: opened.get("/serve.css").status_code == 200, "others are served", within_s=60)
