"""No request, however malformed, makes the simulator fail: never a 500, never an exception."""

from __future__ import annotations

import gzip
import json
import socket
import string
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from octane_simulator import Simulator, serve

BASE = "/api/shared_spaces/1001/workspaces/1002"
SIMULATOR = Simulator(dataset="generated", runs=40)
SCHEMA = SIMULATOR.schema
COLLECTIONS = sorted(SCHEMA.by_collection)
FIELDS = sorted({name for entity in SCHEMA.entities.values() for name in entity.fields})
TYPES = sorted(SCHEMA.entities)
SAMPLES: list[Any] = [
    0, -1, 1.5, 10**30, -(10**30), 1e308, float("nan"), float("inf"), True, None, "", "1001", "1",
    "phase.defect.new", "list_node.severity.high", "2021-01-20T12:00:00Z", "0000-00-00", "\ud800",
    "\0", "a" * 300, "9" * 25, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "٣", "²",
]  # fmt: skip


def sign_in() -> str:
    running = {"client_id": "simulator_client", "client_secret": "simulator_secret"}
    builder = EnvironBuilder("/authentication/sign_in", method="POST", json=running)
    _, status, headers = run_wsgi_app(SIMULATOR.wsgi, builder.get_environ(), buffered=True)
    assert status.startswith("200")
    return headers["Set-Cookie"].partition(";")[0]


COOKIE = sign_in()


def ask(
    method: str,
    path: str,
    parameters: dict[str, str] | None = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> int:
    """The status of one request; an exception in the simulator comes through."""
    sent = {"Cookie": COOKIE, "ALM-OCTANE-TECH-PREVIEW": "true", **(headers or {})}
    builder = EnvironBuilder("/", method=method, data=body, headers=list(sent.items()))
    environ = builder.get_environ()
    environ["QUERY_STRING"] = _query_string(parameters or {})
    environ["PATH_INFO"] = path.encode("utf-8", "surrogatepass").decode("latin-1")
    content, status, _ = run_wsgi_app(SIMULATOR.wsgi, environ, buffered=True)
    b"".join(content)
    builder.close()
    return int(status.split()[0])


def _query_string(parameters: dict[str, str]) -> str:
    return "&".join(
        f"{name}=" + "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "surrogatepass"))
        for name, value in parameters.items()
    )


# -- what to ask --------------------------------------------------------------------------------

words = st.one_of(
    st.sampled_from(FIELDS),
    st.sampled_from(["id", "name", "type", "subtype", "phase", "run"]),
    st.text(alphabet=string.ascii_lowercase + "_.'\"*%", max_size=8),
)
identifiers = st.one_of(
    st.integers(min_value=1000, max_value=1020).map(str),
    st.sampled_from([str(value) for value in SAMPLES]),
    st.text(max_size=5),
)
literals = st.one_of(
    st.integers(min_value=-(10**25), max_value=10**25).map(str),
    st.floats().map(repr),
    st.sampled_from([f"^{value}^" for value in SAMPLES] + ["[current_user]", "[current_release]",
                    "[x]", "null", "true", "{null}", "^*^", r"^\^^", "'a*'"]),
    st.text(max_size=6).map(lambda text: f"^{text}^"),
)  # fmt: skip
operators = st.sampled_from(["EQ", "LT", "GT", "LE", "GE", "IN", "BTW", "=", "<", ">=", "XX", ""])
phrases = st.one_of(
    st.builds(lambda f, o, v: f"{f} {o} {v}", words, operators, literals),
    st.builds(lambda f, a, b: f"{f} BTW {a}...{b}", words, literals, literals),
    st.builds(lambda f, a, b: f"{f} IN {a},{b}", words, literals, literals),
)
statements = st.recursive(
    phrases,
    lambda inner: st.one_of(
        st.builds(lambda f, i: f"{f} EQ {{{i}}}", words, inner),
        st.builds(lambda f, i, j: f"{f} IN {{{i}}},{{{j}}}", words, inner, inner),
        st.builds(lambda i, o, j: f"{i}{o}{j}", inner, st.sampled_from([";", "||", "", ",", " "]),
                  inner),
        st.builds(lambda a, i, b: f"{a}{i}{b}", st.sampled_from(["!", "(", "!(", "!!", "{"]),
                  inner, st.sampled_from(["", ")", "}"])),
    ),
    max_leaves=5,
)  # fmt: skip
queries = st.one_of(
    statements.map(lambda text: f'"{text}"'),
    statements,
    st.text(max_size=20),
    st.text(max_size=20).map(lambda text: f'"{text}"'),
)
expansions = st.recursive(
    st.lists(words, max_size=3).map(",".join),
    lambda inner: st.builds(
        lambda f, i, e: f"{f}{{{i}{e}", words, inner, st.sampled_from(["}", "", "},x", "}}"])
    ),
    max_leaves=4,
)
numbers = st.one_of(
    st.integers().map(str), st.sampled_from(["0", "1", "1000", "1e3", "", "-0", "9" * 30, "٣"])
)
parameters_of_reads = st.fixed_dictionaries(
    {},
    optional={
        "query": queries,
        "fields": expansions,
        "order_by": st.lists(
            st.builds(lambda s, f: s + f, st.sampled_from(["", "-", "+"]), words), max_size=3
        ).map(",".join),
        "limit": numbers,
        "offset": numbers,
        "text_search": st.one_of(
            st.text(max_size=20),
            st.builds(lambda t: json.dumps({"type": "global", "text": t}), st.text(max_size=9)),
        ),
        "group_by": words,
        "group_data": words,
        "expand": expansions,
        "reference_update_mode": st.sampled_from(["append", "x"]),
        "is_atomic_creation": st.sampled_from(["true", "x"]),
        "skip-errors": st.sampled_from(["true", "false", "x"]),
    },
)

references = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(st.sampled_from(TYPES), st.sampled_from(SAMPLES)),
        "id": st.one_of(identifiers, st.sampled_from(SAMPLES)),
    },
)
values = st.recursive(
    st.one_of(st.sampled_from(SAMPLES), references, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.lists(references, max_size=2).map(lambda refs: {"data": refs}),
        st.dictionaries(words, inner, max_size=2),
    ),
    max_leaves=3,
)
entity_rows = st.one_of(st.dictionaries(words, values, max_size=5), values)


@st.composite
def likely_rows(draw: st.DrawFn, collection: str) -> Any:
    """A row with fields of its type, so that it gets past the first checks."""
    entity = SCHEMA.by_collection[collection]
    names = draw(st.lists(st.sampled_from(sorted(entity.fields)), max_size=2))
    row: dict[str, Any] = {name: draw(values) for name in names}
    for name, definition in entity.fields.items():
        if definition.required and definition.targets and draw(st.integers(0, 9)):
            family = SCHEMA.family(definition.targets[0])
            rows = SIMULATOR.store.read(f'SELECT type, id FROM "{family}" LIMIT 50')
            if rows:
                kind, key = draw(st.sampled_from(rows))
                row[name] = {"type": kind, "id": str(key)}
        elif definition.required and draw(st.integers(0, 9)):
            row[name] = draw(st.sampled_from(["made", "2021-01-20T12:00:00Z", 5]))
    if draw(st.booleans()):
        row["id"] = draw(identifiers)
    return row


def no_failure(status: int) -> None:
    assert status < 500, f"answered {status}"


# -- claims -------------------------------------------------------------------------------------


@given(
    collection=st.sampled_from(COLLECTIONS),
    parameters=parameters_of_reads,
    rest=st.sampled_from(["", "", "", "/groups", "/1001", "/x"]),
)
def test_reads(collection: str, parameters: dict[str, str], rest: str) -> None:
    no_failure(ask("GET", f"{BASE}/{collection}{rest}", parameters))


@given(data=st.data(), method=st.sampled_from(["POST", "PUT", "DELETE", "PATCH"]))
def test_writes(data: st.DataObject, method: str) -> None:
    collection = data.draw(st.sampled_from(COLLECTIONS))
    rows = st.one_of(likely_rows(collection), entity_rows)
    rest = data.draw(st.one_of(st.just(""), st.just(""), identifiers.map(lambda i: f"/{i}")))
    body = data.draw(
        rows if rest else st.one_of(st.lists(rows, max_size=3).map(lambda r: {"data": r}), rows)
    )
    parameters = data.draw(parameters_of_reads)
    if method == "DELETE":
        parameters["query"] = f'"id GT 1020;{data.draw(phrases)}"'  # keeps most of the rows
    text = json.dumps(body).encode()
    no_failure(ask(method, f"{BASE}/{collection}{rest}", parameters, text,
                   {"Content-Type": "application/json"}))  # fmt: skip


paths = st.one_of(
    st.sampled_from([
        "/", "/api", "/api/current_user", "/api/shared_spaces", "/api/shared_spaces/1001",
        "/api/shared_spaces/1001/workspaces", "/api/shared_spaces/1001/users", "/api/audits",
        "/api/shared_spaces/1001/workspaces/500/releases", "/authentication/sign_in",
        "/admin/server/version", f"{BASE}/metadata/fields", f"{BASE}/metadata/entities",
        f"{BASE}/test-results", f"{BASE}/test-results/1001", f"{BASE}/test-results/xsd",
        f"{BASE}/analytics/ci/builds", f"{BASE}/attachments", f"{BASE}/attachments/1001",
        f"{BASE}/tests/1001/script", f"{BASE}/tests/9/script", f"{BASE}/reports", BASE,
        f"{BASE}/background_tasks", f"{BASE}/metadata_fields", "/simulator/state",
        "/simulator/clock", "/simulator/nothing",
    ]),
    st.lists(st.one_of(identifiers, st.sampled_from(COLLECTIONS)), max_size=4)
    .map(lambda parts: BASE + "/" + "/".join(parts)),
    st.text(max_size=10).map(lambda text: f"/{text}"),
)  # fmt: skip
bodies = st.one_of(
    st.binary(max_size=30),
    entity_rows.map(lambda row: json.dumps(row).encode()),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"{}", b"null", b"1" * 5000,
                     b'"\\ud800"', gzip.compress(b"{}"), gzip.compress(b"{}")[:-3],
                     b'--b\r\nContent-Disposition: form-data; name="entity"\r\n\r\n{"name":1}'
                     b'\r\n--b\r\nContent-Disposition: form-data; name="content"; filename="a"'
                     b"\r\n\r\nx\r\n--b--\r\n"]),
)  # fmt: skip
headers_of_all = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "application/xml", "text/plain",
                                         "multipart/form-data; boundary=b", "multipart/form-data",
                                         "application/octet-stream", "application/json; charset=x",
                                         "é", ""]),
        "Content-Encoding": st.sampled_from(["gzip", "application/gzip", "GZIP", "br"]),
        "Accept": st.sampled_from(["application/json", "application/octet-stream", "text/html",
                                   "*/*", "", "é"]),
        "Accept-Encoding": st.sampled_from(["gzip", "identity", "gzip;q=0"]),
        "Authorization": st.sampled_from(["Bearer x", "Basic x", "Basic 4pyT", "é"]),
        "Cookie": st.sampled_from(["LWSSO_COOKIE_KEY=x", "=;=", "é"]),
    },
)  # fmt: skip


@given(method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
       path=paths, parameters=parameters_of_reads, body=bodies, headers=headers_of_all)  # fmt: skip
def test_anything(
    method: str, path: str, parameters: dict[str, str], body: bytes, headers: dict[str, str]
) -> None:
    if method != "GET" and path.startswith("/simulator/"):
        return  # a live fault may be a 500; tests of the faults try that route
    no_failure(ask(method, path, parameters, body, headers))


names = st.one_of(st.sampled_from(["a", "x" * 256, "", "é&<", "1"]), st.text(max_size=5))


@given(
    start=st.sampled_from(["", "<?xml version='1.0' encoding='UTF-8'?>",
                           "<?xml version='1.0' encoding='x'?>"]),
    attributes=st.dictionaries(
        st.sampled_from(["name", "duration", "status", "started", "module", "class", "run_name",
                         "external_report_url", "id"]), st.one_of(identifiers, names), max_size=5),
    inner=st.lists(st.sampled_from([
        "<release_ref id='1'/>", "<release_ref id='9223372036854775807'/>", "<release name='_'/>",
        "<product_areas><product_area_ref id='-5'/></product_areas>", "<error/>", "text",
        "<backlog_items><backlog_item_ref id='1002'/></backlog_items>", "<steps/>", "<!-- x -->",
        "<environment><taxonomy type='OS' value='é'/></environment>", "<?pi x?>",
        "<test_fields><test_field type='Framework' value='²'/></test_fields>",
    ]), max_size=3),
    skip=st.booleans(),
)  # fmt: skip
def test_results_documents(
    start: str, attributes: dict[str, str], inner: list[str], skip: bool
) -> None:
    given_ = {"name": "t", "duration": "1", "status": "Passed", **attributes}
    shown = " ".join(f"{name}='{_escaped(value)}'" for name, value in given_.items())
    run = f"<test_run {shown}>{''.join(inner)}</test_run>"
    xml = f"{start}<test_result><test_runs>{run}</test_runs></test_result>"
    parameters = {"skip-errors": "true"} if skip else {}
    body = xml.encode("utf-8", "surrogatepass")
    no_failure(
        ask("POST", f"{BASE}/test-results", parameters, body, {"Content-Type": "application/xml"})
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


@given(report=st.fixed_dictionaries({}, optional={
    "serverCiId": st.one_of(st.just("generated-ci"), values),
    "jobCiId": st.one_of(st.just("nightly-1"), values), "buildCiId": st.one_of(names, values),
    "buildName": values, "startTime": values, "duration": values,
    "status": st.one_of(st.sampled_from(["queued", "running", "finished"]), values),
    "result": st.one_of(st.sampled_from(["success", "failure", "unstable"]), values),
    "causes": values,
}))  # fmt: skip
def test_build_reports(report: dict[str, Any]) -> None:
    body = json.dumps(report).encode()
    no_failure(
        ask("PUT", f"{BASE}/analytics/ci/builds", {}, body, {"Content-Type": "application/json"})
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_broken_http_is_answered_or_closed_and_the_server_goes_on(raw: bytes) -> None:
    simulator = Simulator()
    with serve(simulator) as running:
        address = urlsplit(running.url)
        for attempt in (raw, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            with socket.create_connection((str(address.hostname), address.port or 0), 5) as sent:
                sent.sendall(attempt)
                sent.shutdown(socket.SHUT_WR)
                answer = b""
                while chunk := sent.recv(65536):
                    answer += chunk
            assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500"))
        assert b" 200 " in answer.split(b"\r\n")[0]
    simulator.close()
