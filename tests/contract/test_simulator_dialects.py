"""The simulator understands what known clients send: sign-in, headers and query spellings.

Each line is a request that a client sent, byte for byte where that matters. The expected answers
for six defects are written by hand. Requests go directly to WSGI, which leaves their bytes alone.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import run_wsgi_app

from octane_simulator import LocalFeeder, Simulator

NOW = datetime(2021, 1, 20, 21, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
PREVIEW = {"ALM-OCTANE-TECH-PREVIEW": "true"}
KEY, SECRET = "simulator_client", "simulator_secret"
USER, PASSWORD = "sam.simulator", "simulator"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW)
    _fill(simulator.feeder())
    yield simulator
    simulator.close()


def _fill(feeder: LocalFeeder) -> None:
    """Six defects 1002 to 1007 below one feature; two releases; the fourth day changes the last."""
    feeder.create(
        "releases",
        [
            {"name": name, "start_date": "2021-01-01T00:00:00Z", "end_date": "2021-02-01T00:00:00Z"}
            for name in ("R 1", "it's #2 & 3")
        ],
    )
    (tag,) = feeder.create("user_tags", [{"name": "ui"}])
    high, low = (
        {"type": "list_node", "id": f"list_node.severity.{word}"} for word in ("high", "low")
    )
    release, other = ({"type": "release", "id": release_id} for release_id in ("1001", "1002"))
    me = {"type": "workspace_user", "id": "1001"}
    feeder.create("defects", [
        {"name": "Login time out", "severity": high, "release": release, "owner": me,
         "story_points": 1},
        {"name": "time to say (good) bye", "severity": low, "release": release, "story_points": 2},
        {"name": "it's 5\" wide \\ long", "severity": high, "story_points": 3},
        {"name": "Grüße & 漢字 # + 100% 🙂", "release": other, "story_points": 4},
        {"name": "a+b", "severity": low, "user_tags": {"data": [{"type": "user_tag", "id": tag}]}},
    ])  # fmt: skip
    feeder.set_clock(datetime(2021, 1, 24, 12, tzinfo=UTC))
    feeder.create("defects", [{"name": "Late", "description": "<p>time</p>", "blocked": True}])


def ask(
    simulator: Simulator,
    path: str,
    query: str = "",
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, list[str]], bytes]:
    """Status, headers and body; the query string goes in as it stands."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "octane", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": None,
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    environ["wsgi.input"] = BytesIO(body)
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    parts, status, answered = run_wsgi_app(simulator.wsgi, environ, buffered=True)
    answer_headers: dict[str, list[str]] = {}
    for name, value in answered.items():
        answer_headers.setdefault(name, []).append(value)
    return int(status.split()[0]), answer_headers, b"".join(parts)


def basic(name: str = KEY, secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def cookies_of(headers: dict[str, list[str]]) -> str:
    jar = SimpleCookie()
    for line in headers.get("Set-Cookie", []):
        jar.load(line)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())


# -- signing in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "body", "headers"),
    [
        ("JS generic, with a user", {"user": USER, "password": PASSWORD}, {}),
        ("JS generic, with an API key", {"user": KEY, "password": SECRET}, {}),
        ("JS vanilla, Java, Postman, Python", {"client_id": KEY, "client_secret": SECRET}, {}),
        ("JS of 12.53", {"enable_csrf": True, "user": USER, "password": PASSWORD}, {}),
        ("PPM", {"user": KEY, "password": SECRET, "enable_csrf": "false"}, {}),
        ("CI plug-ins", {"client_id": KEY, "client_secret": SECRET},
         {"HPECLIENTTYPE": "HPE_CI_CLIENT"}),
        ("old cookies still attached", {"user": USER, "password": PASSWORD},
         {"Cookie": "LWSSO_COOKIE_KEY=stale; OCTANE_USER=somebody"}),
        ("content type with a charset", {"user": USER, "password": PASSWORD},
         {"Content-Type": "application/json; charset=UTF-8"}),
    ],
)  # fmt: skip
def test_every_way_to_sign_in(
    simulator: Simulator, client: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    status, answered, _ = ask(
        simulator,
        "/authentication/sign_in",
        method="POST",
        body=json.dumps(body).encode(),
        headers=sent,
    )
    assert status == 200, client
    cookie = cookies_of(answered)
    assert cookie.startswith("LWSSO_COOKIE_KEY=")
    assert "OCTANE_USER=" in cookie
    assert ask(simulator, "/api/current_user", headers={"Cookie": cookie})[0] == 200


def test_a_sign_in_body_may_be_packed(simulator: Simulator) -> None:
    packed = gzip.compress(json.dumps({"client_id": KEY, "client_secret": SECRET}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    status, _, _ = ask(
        simulator, "/authentication/sign_in", method="POST", body=packed, headers=headers
    )
    assert status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic(), 200),
        (basic(USER, PASSWORD), 200),
        (basic(USER, "wrong"), 401),
        ({"Authorization": "Basic !"}, 401),
        ({"Authorization": "Bearer simulator-bearer-token"}, 200),
        ({"Authorization": "Bearer other"}, 401),
        ({"Cookie": "LWSSO_COOKIE_KEY=other"}, 401),
        ({}, 401),
    ],
)
def test_callers_who_do_not_sign_in(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    assert ask(simulator, "/api/current_user", headers=headers)[0] == status


def test_a_token_is_exchanged_and_sent_as_cookie(simulator: Simulator) -> None:
    form = (
        b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
        b"&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
        b"&subject_token=eyJhbGciOi"
    )
    path = "/osp/a/au/auth/oauth2/token"
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(simulator, path, method="POST", body=form, headers=sent)[0] == 401
    status, _, body = ask(simulator, path, method="POST", body=form, headers={**sent, **basic()})
    assert status == 200
    token = json.loads(body)["access_token"]
    assert (
        ask(simulator, "/api/current_user", headers={"Cookie": f"access_token={token}"})[0] == 200
    )
    half = b"grant_type=password"
    assert ask(simulator, path, method="POST", body=half, headers={**sent, **basic()})[0] == 400


def test_a_desktop_tool_is_granted_a_token(simulator: Simulator) -> None:
    path = "/authentication/grant_tool_token"
    status, _, body = ask(simulator, path)
    offer = json.loads(body)
    assert (status, set(offer)) == (200, {"identifier", "authentication_url"})
    wanted = json.dumps({"identifier": offer["identifier"]}).encode()
    json_body = {"Content-Type": "application/json"}
    status, _, body = ask(simulator, path, method="POST", body=wanted, headers=json_body)
    grant = json.loads(body)
    cookie = f"{grant['cookie_name']}={grant['access_token']}"
    assert ask(simulator, "/api/current_user", headers={"Cookie": cookie})[0] == 200
    other = json.dumps({"identifier": "unknown"}).encode()
    assert ask(simulator, path, method="POST", body=other, headers=json_body)[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"ALM-OCTANE-TECH-PREVIEW": "true"}, 200),
        ({"ALM_OCTANE_TECH_PREVIEW": "true"}, 200),
        ({"ALM-OCTANE-TECH-PREVIEW": "True"}, 200),
        ({"ALM-OCTANE-PRIVATE": "true"}, 200),
        ({"HPECLIENTTYPE": "HPE_REST_API_TECH_PREVIEW"}, 200),
        ({"HPECLIENTTYPE": "ALM_OCTANE_TECH_PREVIEW"}, 200),
        ({"HPECLIENTTYPE": "HPE_PUBLIC_API"}, 403),
        ({"ALM-OCTANE-TECH-PREVIEW": "false"}, 403),
        ({}, 403),
    ],
)
def test_every_header_that_opens_the_technical_preview(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    sent = {**basic(), **headers}
    assert ask(simulator, f"{WS}/defects", "fields=owner{full_name}", headers=sent)[0] == status
    for client in ("HPE_CI_CLIENT", "HPE_MQM_UI"):
        public = {**basic(), "HPECLIENTTYPE": client}
        assert ask(simulator, f"{WS}/defects", headers=public)[0] == 200


# -- queries ------------------------------------------------------------------------------------

LOGIN, TIME, WIDE, UTF8, PLUS, LATE = "1002", "1003", "1004", "1005", "1006", "1007"
QUERIES: list[tuple[str, str, list[str]]] = [
    # JavaScript SDK: carets, blanks around words
    ("JS", "severity EQ {id EQ ^list_node.severity.high^};!(name EQ ^a^)||id IN ^1006^,^2^",
     [LOGIN, WIDE, PLUS]),
    ("JS", "id BTW 1003...1004", [TIME, WIDE]),
    ("JS", "last_modified BTW ^2021-01-24T00:00:00.000Z^...^2021-01-25T00:00:00.000Z^", [LATE]),
    ("JS", "owner EQ {null}", [TIME, WIDE, UTF8, PLUS, LATE]),
    ("JS", "!owner EQ {null}", [LOGIN]),
    ("JS", "story_points EQ null", [PLUS, LATE]),
    ("JS", "owner IN {id EQ 1001},{id EQ 1}", [LOGIN]),
    # Java SDK: everything in parentheses, quotes
    ("Java", "(name EQ 'a+b');(id IN '1006','1007')", [PLUS]),
    ("Java", "(story_points BTW '2'...'3')", [TIME, WIDE]),
    ("Java", "(id BTW 1003 ...1004)", [TIME, WIDE]),
    ("Java", "(id BTW '1003' ...'1004')", [TIME, WIDE]),
    ("Java", "(name EQ 'Late')||!(id GE 1003)", [LOGIN, LATE]),
    ("Java", "(last_modified GE '2021-01-24T00:00:00Z')", [LATE]),
    ("Java", "(last_modified GE '2021-01-24T00:00Z')", [LATE]),
    ("Java", "(last_modified GE '2021-01-24T00:00:00.123Z')", [LATE]),
    # CI SDK, C#, PPM, Python: symbols, no blanks
    ("CI", "name='*time*'", [LOGIN, TIME]),
    ("CI", "owner={null}", [TIME, WIDE, UTF8, PLUS, LATE]),
    ("CI", "release={id=1001}", [LOGIN, TIME]),
    ("CI", "name='*time*';owner={null};release={id=1001};last_modified>='2021-01-01T00:00:00Z'",
     [TIME]),
    ("CI", "story_points>2;story_points<=4", [WIDE, UTF8]),
    ("CI", "story_points=null", [PLUS, LATE]),
    ("CI", "!release={null}", [LOGIN, TIME, UTF8]),
    ("CI", "((id=1002)||(id=1003))", [LOGIN, TIME]),
    ("CI", "id IN 1002,1003,9", [LOGIN, TIME]),
    ("CI", r"name='time to say \(good\) bye'", [TIME]),
    ("CI", r"name='it\'s 5\" wide \\ long'", [WIDE]),
    ("C#", "name='it*s 5* wide*'", [WIDE]),
    # node-octane-client: lower case, blanks after the semicolon
    ("node", "severity eq {id eq 'list_node.severity.low'}; name eq ^a+b^", [PLUS]),
    # nested, dotted, tokens
    ("any", "parent={phase={metaphase={logical_name='metaphase.work_item.done'}}}", []),
    ("any", "severity={list_root={logical_name='list_node.severity'}}", [LOGIN, TIME, WIDE, PLUS]),
    ("any", "severity={list_root.logical_name='list_node.severity'}", [LOGIN, TIME, WIDE, PLUS]),
    ("any", "phase={metaphase={!logical_name=^metaphase.work_item.done^}};id>1006", [LATE]),
    ("any", "owner IN [current_user]", [LOGIN]),
    ("any", "release={[current_release]}", [LOGIN, TIME]),
    ("any", "user_tags={name='ui'}", [PLUS]),
    ("any", "blocked=true", [LATE]),
    ("any", "name EQ ^Grüße & 漢字 # + 100% 🙂^", [UTF8]),
    # ids quoted, in carets, bare
    ("ids", "id='1002'", [LOGIN]), ("ids", "id EQ ^1002^", [LOGIN]), ("ids", "id=1002", [LOGIN]),
    ("ids", "id GT '1006'", [LATE]),
]  # fmt: skip


def percent(text: str, plain: str = "") -> str:
    """Percent-encoding of all bytes but letters, digits, `-_.~` and those named."""
    kept = set(plain.encode()) | set(
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
    )
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())


ENCODINGS = {
    "JS: encodeURIComponent between raw quotes": lambda s: f'"{percent(s, "!*()" + chr(39))}"',
    "Java: URLEncoder, blanks as +": lambda s: percent(f'"{s}"', "* ").replace(" ", "+"),
    "CI: blanks as %20": lambda s: percent(f'"{s}"', "*"),
    "raw but for what breaks a URL": lambda s: percent(f'"{s}"', "\"^'{}();|,!=<>*[]\\:/"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_query_dialect_in_every_encoding(simulator: Simulator, encoding: str) -> None:
    headers = {**basic(), **PREVIEW}
    for client, statement, expected in QUERIES:
        query = f"fields=id&order_by=id&query={ENCODINGS[encoding](statement)}"
        status, _, body = ask(simulator, f"{WS}/defects", query, headers=headers)
        assert status == 200, (client, statement, body)
        ids = [row["id"] for row in json.loads(body)["data"]]
        assert ids == expected, (client, statement)


@pytest.mark.parametrize(
    ("path", "query", "ids"),
    [
        ("defects", "&offset=4&fields=id&order_by=id", [PLUS, LATE]),
        ("defects", "fields=id%2Cname&order_by=-id,name&limit=1", [LATE]),
        ("defects", 'query="id+IN+1002%2C1003"&order_by=id', [LOGIN, TIME]),
        ("list_nodes", 'query="list_root={logical_name=\'list_node.severity\'}"&limit=5000&'
         "order_by=index", [f"list_node.severity.{word}" for word in
                            ("urgent", "very_high", "high", "medium", "low")]),
        ("work_items", "query=%22subtype+EQ+'defect';story_points+LT+3%22&order_by=id",
         [LOGIN, TIME]),
        ("defects", 'text_search={"type":"global","text":"time"}&order_by=id',
         [LOGIN, TIME, LATE]),
        ("defects", "text_search=%7B%22type%22%3A%22global%22%2C%22text%22%3A%22good%20time%22%7D",
         [TIME]),
    ],
)  # fmt: skip
def test_other_parameters_as_clients_write_them(
    simulator: Simulator, path: str, query: str, ids: list[str]
) -> None:
    status, _, body = ask(simulator, f"{WS}/{path}", query, headers={**basic(), **PREVIEW})
    assert status == 200, body
    assert sorted(row["id"] for row in json.loads(body)["data"]) == sorted(ids)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (
            "history_logs",
            'query="timestamp>=^2021-01-01T00:00:00Z^;'
            "timestamp<=^2021-01-31T00:00:00Z^;entity_type=^defect^;action=^create^;"
            'field_name=^name^"',
        ),
        ("historys", "query=\"entity_id=1002;entity_type='defect'\""),
        ("history_records", 'query="entity_id EQ ^1002^;entity_type EQ ^defect^"'),
    ],
)
def test_history_answers_under_all_its_names(simulator: Simulator, path: str, query: str) -> None:
    headers = {**basic(), **PREVIEW}
    status, _, body = ask(simulator, f"{WS}/{path}", f"{query}&fields=entity_id", headers=headers)
    assert status == 200, body
    assert LOGIN in {row["entity_id"] for row in json.loads(body)["data"]}


def test_fields_are_expanded(simulator: Simulator) -> None:
    query = "fields=owner{full_name},release{name},parent{}&query=%22id=1002%22"
    _, _, body = ask(simulator, f"{WS}/defects", query, headers={**basic(), **PREVIEW})
    (row,) = json.loads(body)["data"]
    assert row["owner"] == {"type": "workspace_user", "id": "1001", "full_name": "Sam Simulator"}
    assert row["release"]["name"] == "R 1"
    assert row["parent"] == {"type": "work_item_root", "id": "1001"}


def test_a_search_marks_its_hits(simulator: Simulator) -> None:
    query = 'fields=id,global_text_search_result&text_search={"type":"global","text":"time"}'
    _, _, body = ask(simulator, f"{WS}/defects", query, headers=basic())
    results = {row["id"]: row["global_text_search_result"] for row in json.loads(body)["data"]}
    assert results[LOGIN]["name"] == "Login <em>time</em> out"
    assert results[LATE] == {"name": "Late", "description": "<p><em>time</em></p>"}


def test_groups_count_and_add_up(simulator: Simulator) -> None:
    query = "group_by=severity&group_data=sum(story_points)&query=%22subtype=%27defect%27%22"
    _, _, body = ask(simulator, f"{WS}/work_items/groups", query, headers=basic())
    answer = json.loads(body)
    assert answer["groupsTotalCount"] == 3
    shown = {
        (group["value"] or {}).get("name"): (group["count"], group["aggregatedData"])
        for group in answer["groups"]
    }
    assert shown == {
        "High": (2, {"story_points": 4}),
        "Low": (2, {"story_points": 2}),
        None: (2, {"story_points": 4}),
    }
