"""Pages, CSV and JSON of questions over HTTP, who may read them, and what is refused."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from starlette.responses import PlainTextResponse

from octane_flows import warehouse
from octane_flows.config import ServePlace
from octane_flows.config.credentials import Secret
from octane_flows.models.macro_parameters import PARAMETER_TYPES
from octane_flows.questions import list_questions, question_named, run_question
from octane_flows.serve import MountedApplication, question_pages
from octane_flows.serve.openapi_document import SCHEMAS, WORKBOOK
from octane_flows.warehouse import warehouse_path
from tests.served import refusal, serving

TOKEN, PASSWORD = "a-token-of-many-letters", "pass:word-ü-long"
SIGNED = ServePlace(user="qa", password=Secret(PASSWORD), token=Secret(TOKEN))
DEFECTS = "/flow/open_high_severity_defects"


@pytest.fixture(scope="module")
def log() -> list[str]:
    return []


@pytest.fixture(scope="module")
def client(served_home: Path, log: list[str]) -> Iterator[httpx.Client]:
    with serving(served_home, log=log) as opened:
        yield opened


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


def test_a_workbook_has_the_rows_up_to_its_limit(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get(f"{DEFECTS}.xlsx", params={"severity_codes": "Low"})

    assert answer.headers["content-type"] == WORKBOOK
    assert 'filename="open_high_severity_defects.xlsx"' in answer.headers["content-disposition"]
    with ZipFile(io.BytesIO(answer.content)) as book:
        assert b"defect_id" in book.read("xl/sharedStrings.xml")
    assert f'href="{client.base_url}{DEFECTS}.xlsx"' in client.get(DEFECTS).text
    monkeypatch.setattr(question_pages, "WORKBOOK_ROWS", 1)
    assert "take .csv" in refusal(client.get(f"{DEFECTS}.xlsx"), 400)


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
        f"/{name.replace('.', '/')}.{suffix}"
        for name in names
        for suffix in ("json", "csv", "xlsx")
    }
    operation = paths[f"{DEFECTS}.json"]["get"]
    assert operation["parameters"][-1]["schema"]["type"] in ("string", "boolean", "integer")
    assert set(SCHEMAS) == set(PARAMETER_TYPES)
    assert "severity_codes" in client.get("/api").text


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/flow/open_high_severity_defect.json", 404, "did you mean 'open_high_severity_defects'"),
        ("/flow/open_high_severity_defects.xml", 404, "end the address with .csv, .json or .xlsx"),
        ("/flow/planned_runs.json", 503, "older than the flow planned_runs"),
        ("/plan/whatever.json", 404, "no plan 'whatever'"),
        ("/metric/planned_runs.csv", 404, "a flow: planned_runs is at /flow/planned_runs.csv"),
        ("/flows/planned_runs.csv", 404, "/flows: planned_runs is at /flow/planned_runs.csv"),
        ("/plans/triage", 404, "nothing at /plans: triage is at /metric/triage."),
        ("/flows/nothing", 404, "the list of all questions is at /"),
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
    for path in ("/", "/odata/", f"{DEFECTS}.json"):
        answer = client.post(path, json={})
        assert "send GET" in refusal(answer, 405)
        asked = client.options(path)
        assert asked.status_code == 204
        assert answer.headers["allow"] == asked.headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.head(path).status_code == 200


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
