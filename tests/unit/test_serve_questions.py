"""Pages, CSV and JSON of questions over HTTP, who may read them, and what is refused."""

from __future__ import annotations

import csv
import io
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import pytest
from starlette.responses import PlainTextResponse

from octane_flows import warehouse
from octane_flows.config import ServePlace
from octane_flows.config.credentials import Secret
from octane_flows.models.macro_parameters import PARAMETER_TYPES
from octane_flows.questions import list_questions, question_named, run_question
from octane_flows.serve import MountedApplication, bounded_connections
from octane_flows.serve.bounded_answers import Deadline, Limits, bounded_table
from octane_flows.serve.openapi_document import SCHEMAS
from octane_flows.serve.refused_requests import RefusalError
from octane_flows.serve.served_generations import ServedGenerations
from octane_flows.serve.warehouse_reader import WarehouseReader
from octane_flows.warehouse import warehouse_path
from tests.served import serving
from tests.services import until

TOKEN, PASSWORD = "a-token-of-many-letters", "pass:word-ü-long"
SIGNED = ServePlace(user="qa", password=Secret(PASSWORD), token=Secret(TOKEN))
DEFECTS = "/flow/open_high_severity_defects"
LARGE = "select list(range) from range(100000000)"
FOREVER = (
    "select count(*) from range(100000000) as a, range(100000000) as b where a.range > b.range"
)


@pytest.fixture(scope="module")
def log() -> list[str]:
    return []


@pytest.fixture(scope="module")
def client(served_home: Path, log: list[str]) -> Iterator[httpx.Client]:
    with serving(served_home, log=log) as opened:
        yield opened


@pytest.fixture
def copied(served_home: Path, tmp_path: Path) -> Path:
    """A data folder of its own, whose warehouse a test may replace."""
    shutil.copyfile(warehouse_path(served_home), warehouse_path(tmp_path))
    return tmp_path


def publish(home: Path, sql: str) -> None:
    """Replace the warehouse by one that the statement changed, as a build does."""
    aside = home / "aside.duckdb"
    shutil.copyfile(warehouse_path(home), aside)
    aside.chmod(0o600)
    with duckdb.connect(str(aside)) as connection:
        connection.execute(sql)
    aside.replace(warehouse_path(home))


def refusal(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]["message"]
    assert isinstance(sentence, str)
    return sentence


@pytest.mark.parametrize("parameters", [{}, {"severity_codes": "Low"}])
def test_json_and_csv_have_the_rows_of_the_question(
    parameters: dict[str, Any], client: httpx.Client, served_home: Path
) -> None:
    question = question_named("flow", "open_high_severity_defects")
    code = {"severity_codes": "list_node.severity.low"} if parameters else {}
    with warehouse.connect(served_home) as connection:
        expected = run_question(connection, question, code).to_pylist()
    assert len(expected) > 5

    answer = client.get(f"{DEFECTS}.json", params=parameters).json()
    table = list(csv.DictReader(io.StringIO(client.get(f"{DEFECTS}.csv", params=parameters).text)))

    assert answer["row_count"] == len(expected)
    assert answer["generation"] == 1
    assert answer["as_of"] == "2021-01-20T21:00:00Z"
    assert [row["defect_id"] for row in answer["rows"]] == [row["defect_id"] for row in expected]
    assert [row["defect_name"] for row in answer["rows"]] == [
        row["defect_name"] for row in expected
    ]
    assert [row["defect_id"] for row in table] == [row["defect_id"] for row in expected]


def test_a_csv_for_a_spreadsheet_has_no_formula(client: httpx.Client) -> None:
    text = client.get(f"{DEFECTS}.csv", params={"severity_codes": "High,Low"}).text

    assert '"\'=1+1"' in text
    assert '"=1+1"' not in text


def test_a_value_that_no_row_has_is_remarked(client: httpx.Client) -> None:
    answer = client.get(f"{DEFECTS}.json", params={"severity_codes": "Hihg"})

    assert answer.json()["rows"] == []
    assert "'Hihg' is in no row of the warehouse" in answer.json()["remarks"][0]
    assert "Hihg" in answer.headers["x-octane-remarks"]


def test_a_page_has_form_answer_query_and_link(client: httpx.Client) -> None:
    text = client.get(DEFECTS, params={"severity_codes": "list_node.severity.low"}).text

    assert f'href="{client.base_url}{DEFECTS}.csv?severity_codes=list_node.severity.low"' in text
    assert "severity_codes := &#39;list_node.severity.low&#39;" in text
    assert 'name="severity_codes" value="list_node.severity.low"' in text
    assert "it&#39;s 100% &#34;odd&#34;" in text
    assert "<script" not in text
    assert str(client.base_url) in text
    assert [part for part in text.split('"') if part.startswith("http")] == [
        part for part in text.split('"') if part.startswith(str(client.base_url).rstrip("/"))
    ], "a page loads and links nothing of the net"


def test_the_first_page_names_every_question(client: httpx.Client) -> None:
    text = client.get("/").text

    for question in (*list_questions("flow"), *list_questions("metric")):
        assert f"/{question.kind}/{question.slug}" in text


def test_openapi_names_every_question_with_its_parameters(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    names = [question.name for kind in ("flow", "metric") for question in list_questions(kind)]

    assert set(paths) == {
        f"/{name.replace('.', '/')}.{suffix}" for name in names for suffix in ("json", "csv")
    }
    operation = paths[f"{DEFECTS}.json"]["get"]
    assert operation["parameters"][-1]["schema"]["type"] in ("string", "boolean", "integer")
    assert set(SCHEMAS) == set(PARAMETER_TYPES)
    assert "severity_codes" in client.get("/api").text


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/flow/open_high_severity_defect.json", 404, "did you mean 'open_high_severity_defects'"),
        ("/flow/open_high_severity_defects.xml", 404, "end the address with .csv or .json"),
        ("/flow/planned_runs.json", 503, "older than the flow planned_runs"),
        ("/plan/whatever.json", 404, "no plan 'whatever'"),
        ("/nothing", 404, "the list of all questions is at /"),
        (f"{DEFECTS}.json?severity=1", 400, "no parameter 'severity'; did you mean"),
        (f"{DEFECTS}.json?workspace_id=1&workspace_id=2", 400, "given twice"),
        ("/metric/defect_closing_times.json?as_of=yesterday", 400, "write a date and time in UTC"),
        ("/metric/defect_closing_times.csv?as_of=99999-01-01", 400, "write a date and time"),
    ],
)
def test_a_wrong_request_says_what_to_write(
    address: str, status: int, sentence: str, client: httpx.Client
) -> None:
    assert sentence in refusal(client.get(address), status)


def test_a_wrong_parameter_leaves_the_form_with_what_was_written(client: httpx.Client) -> None:
    answer = client.get("/metric/defect_closing_times", params={"as_of": "<yesterday>"})

    assert answer.status_code == 400
    assert 'value="&lt;yesterday&gt;"' in answer.text
    assert 'role="alert"' in answer.text


def test_a_browser_gets_a_refusal_as_a_page(client: httpx.Client) -> None:
    answer = client.get("/flow/nothing", headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


def test_only_reading_is_answered(client: httpx.Client) -> None:
    assert "send GET" in refusal(client.post(f"{DEFECTS}.json", json={}), 405)


def test_the_log_has_names_of_parameters_and_no_values(
    client: httpx.Client, log: list[str]
) -> None:
    client.get(f"{DEFECTS}.json", params={"severity_codes": "c4nary\nforged"})

    line = next(line for line in reversed(log) if "severity_codes" in line)
    assert f"GET {DEFECTS}.json ?severity_codes 200" in line
    assert "c4nary" not in "".join(log)


def test_a_name_of_the_net_that_leads_here_reads_nothing(client: httpx.Client) -> None:
    answer = client.get("/", headers={"host": "evil.example:8020"})

    assert "requests to localhost alone" in refusal(answer, 403)


@pytest.mark.parametrize(
    ("headers", "login", "status"),
    [
        ({}, None, 401),
        ({"authorization": "Bearer wrong"}, None, 401),
        ({"authorization": "Bearer"}, None, 401),
        ({"authorization": "Basic !!!"}, None, 401),
        ({"authorization": f"Digest {TOKEN}"}, None, 401),
        ({"authorization": f"Bearer {TOKEN}"}, None, 200),
        ({}, ("qa", PASSWORD), 200),
        ({}, ("qa", "wrong"), 401),
        ({}, ("other", PASSWORD), 401),
        ({}, ("anybody", TOKEN), 200),
    ],
)
def test_a_sign_in_is_needed_where_it_is_set(
    headers: dict[str, str], login: tuple[str, str] | None, status: int, signed: httpx.Client
) -> None:
    auth = httpx.BasicAuth(*login) if login else None
    answer = signed.get("/serve.css", headers=headers, auth=auth)

    assert answer.status_code == status
    if status == 401:
        assert "OCTANE_SERVE_TOKEN" in refusal(answer, 401)
        assert answer.headers.get_list("www-authenticate")[0].startswith("Basic")


@pytest.fixture(scope="module")
def signed(served_home: Path) -> Iterator[httpx.Client]:
    log: list[str] = []
    with serving(served_home, SIGNED, log) as opened:
        yield opened
    assert TOKEN not in "".join(log)
    assert PASSWORD not in "".join(log)


def test_another_application_is_mounted_behind_the_sign_in(served_home: Path) -> None:
    mounted = MountedApplication("/other", PlainTextResponse("mounted"))
    with serving(served_home, SIGNED, mounted=(mounted,)) as opened:
        assert opened.get("/other/x").status_code == 401
        answer = opened.post("/other/x", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.text == "mounted"


def test_before_the_first_build_requests_are_told_so(tmp_path: Path, served_home: Path) -> None:
    with serving(tmp_path) as opened:
        answer = opened.get(f"{DEFECTS}.json")
        assert "no warehouse yet; run 'octane-flows run'" in refusal(answer, 503)
        assert str(tmp_path) not in answer.text
        assert answer.headers["retry-after"]

        shutil.copyfile(warehouse_path(served_home), warehouse_path(tmp_path))
        assert opened.get(f"{DEFECTS}.json").status_code == 200


def test_a_new_warehouse_is_served_at_once_and_a_broken_one_never(copied: Path) -> None:
    with serving(copied) as opened:
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 1

        publish(copied, "update meta.generation set generation = 2")
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2

        (copied / "broken").write_bytes(b"no database")
        (copied / "broken").replace(warehouse_path(copied))
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2

        warehouse_path(copied).unlink()
        assert opened.get(f"{DEFECTS}.json").json()["generation"] == 2


def test_replaced_generations_stay_open_for_a_while(copied: Path) -> None:
    now = [0.0]
    generations = ServedGenerations(copied, ServePlace(requests=1), clock=lambda: now[0])
    first = generations.newest()
    publish(copied, "update meta.generation set generation = 2")
    second = generations.newest()

    assert (first.number, second.number) == (1, 2)
    assert generations.named(first.token) is first
    with first.reader() as reader:
        assert reader.execute("select generation from meta.generation").fetchall() == [(1,)]
    now[0] = 10_000.0
    with pytest.raises(RefusalError, match="read the first page again") as gone:
        generations.named(first.token)
    assert gone.value.status == 410
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

    gone = Deadline(600)
    threading.Timer(0.2, gone.now).start()
    with pytest.raises(RefusalError):
        with_deadline(reader, gone, limits)
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
