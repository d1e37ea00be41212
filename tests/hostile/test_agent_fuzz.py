"""A hostile agent finds no write, no file and no address, whatever it calls and asks.

Calls are made of SQL that would read, write or connect, of true and of nonsense arguments; beside
the warehouse lie a file with a secret and a server that counts who connects.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octane_flows import warehouse
from octane_flows.agents import AgentTools, list_tools
from octane_flows.errors import OctaneFlowsError
from octane_flows.lake import Lake
from octane_flows.models import load_models
from tests.golden import kit

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
SECRET = "a-secret-that-no-answer-holds"
#: Where a hostile text points: files, folders, addresses, and what is opened as one of them.
TARGETS = (
    "{secret}", "{folder}/*", "{folder}/../**/secret.txt", "{folder}/new.{suffix}",
    "{address}/x.csv", "{address}/x.parquet", "s3://bucket/x", "{home}/warehouse.duckdb",
    "{home}/lake/**/*.parquet", "/etc/passwd", "/dev/stdin", "\\\\server\\share",
)  # fmt: skip
READS = (
    "select * from read_text('{0}')", "select * from read_blob('{0}')", "from read_csv('{0}')",
    "from read_json('{0}')", "from read_parquet('{0}')", "from parquet_metadata('{0}')",
    "from read_duckdb('{0}')", "from glob('{0}')", "from sniff_csv('{0}')", "from '{0}'",
    "from query('from read_text(''{0}'')')", "from query_table('{0}')",
    "from parquet_schema('{0}')",
    "select * from er.releases where release_name in (select content from read_text('{0}'))",
    "select (select string_agg(content) from read_text('{0}')) from metric.test_outcomes()",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''{0}'')'))",
    "from octane_history.release union all by name from read_text('{0}')",
    "with a as materialized (from read_csv_auto('{0}', sep := '|', header := false)) from a",
)  # fmt: skip
WRITES = (
    "copy (select 1) to '{0}'", "attach '{0}' as other", "export database '{0}'", "load '{0}'",
    "install httpfs from '{0}'", "create table er.new as select 1", "delete from octane.release",
    "insert into er.releases by name select 1 as release_id", "checkpoint", "vacuum",
    "from checkpoint()", "set lock_configuration = false", "set enable_external_access = true",
    "pragma enable_profiling", "select 1; copy (select 1) to '{0}'",
    "create secret (type s3, key_id 'a', secret 'b')",
    "from enable_logging('QueryLog', storage := 'file', storage_path := '{0}')", "use memory",
    "from enable_profiling(save_location := '{0}')", "call force_checkpoint()", "begin",
    "reset all", "from duckdb_secrets()", "prepare a as select 1", "create macro a() as 1",
    "detach memory", "explain analyze copy (select 1) to '{0}'", "import database '{0}'",
    "select nextval('a')", "from register_external_resource('a', 'b', map {}, '{0}', '{0}', 'c')",
    "comment on table er.x is 'y'",
)  # fmt: skip
HARMLESS = (
    "from er.releases", "select * from meta.generation", "from flow.planned_runs()", "select {0}",
    "from duckdb_databases()", "from duckdb_settings()", "from test_all_types()",
    "select 'x' -- {0}", "from range(10)", "select * from er.releases, er.releases",
    "summarize er.releases", "'", "",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A data folder, and what lies beside it."""

    tools: AgentTools
    home: Path
    folder: Path
    listener: socket.socket

    def hostile(self, text: str) -> str:
        """A target as it is in this place; any other text as it is."""
        if text not in TARGETS:
            return text
        host, port = self.listener.getsockname()
        return text.format(
            secret=self.folder / "secret.txt",
            folder=self.folder,
            home=self.home,
            address=f"http://{host}:{port}",
            suffix="csv",
        )

    def files(self) -> dict[str, str]:
        """All files by path, with a digest of their content."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def is_connected_to(self) -> bool:
        """Whether anybody waits to be answered by the server beside the warehouse."""
        try:
            self.listener.accept()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.txt").write_text(SECRET, encoding="utf-8")
    home = folder / "home"
    kit.write_lake(home, {"release": [{"id": "5", "type": "release", "name": "2.8"}]})
    warehouse.build(home, models=[m for m in load_models() if not m.name.startswith("plan.")])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Place(AgentTools(home, lambda: Lake(home / "lake")), home, folder, listener)


statements = st.one_of(
    st.tuples(st.sampled_from(READS + WRITES), st.sampled_from(TARGETS)),
    st.tuples(st.sampled_from(HARMLESS), st.text(max_size=20)),
)
wrapped = st.sampled_from(
    ["{0}", "({0})", "select * from ({0}) as a", "{0};", "/* a */ {0}", "with b as ({0}) from b",
     "{0} union all {0}", "select exists ({0})"]
)  # fmt: skip
queries = st.tuples(wrapped, statements)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(TARGETS),
    st.lists(st.text(max_size=3), max_size=2),
)


@settings(max_examples=EXAMPLES)
@given(query=queries)
def test_no_query_reads_writes_or_connects(
    place: Place, query: tuple[str, tuple[str, str]]
) -> None:
    frame, (statement, target) = query[0], (query[1][0], place.hostile(query[1][1]))
    inner = statement.replace("{0}", place.hostile(target) if "{" in target else target)
    check(
        place, "query", {"sql": frame.replace("{0}", inner.replace("{{", "{").replace("}}", "}"))}
    )


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_no_argument_does(place: Place, data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from(list_tools()))
    properties = tool.input_schema["properties"]
    names = st.one_of(st.sampled_from(sorted(properties)), st.text(max_size=5))
    given_values = data.draw(st.dictionaries(names, values, max_size=4))
    if tool.name == "plan":
        given_values["slug"] = data.draw(st.sampled_from(properties["slug"]["enum"]))
        given_values["parameters"] = data.draw(st.dictionaries(st.text(max_size=5), values))
    arguments = {
        name: place.hostile(value) if isinstance(value, str) else value
        for name, value in given_values.items()
    }
    check(place, tool.name, arguments)


def check(place: Place, name: str, arguments: dict[str, Any]) -> None:
    """Call a tool: whatever it answers, nothing was written, and nothing else was read."""
    before = place.files()
    try:
        answer = json.dumps(place.tools.call(name, arguments), allow_nan=False)
    except OctaneFlowsError as error:
        answer = str(error)
        assert "\n" not in answer
    assert SECRET not in answer
    assert "root:" not in answer
    assert place.files() == before
    assert not place.is_connected_to()
