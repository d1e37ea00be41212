"""The tools for agents: made from the headers, bounded, and each answer says what it rests on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client
from mcp.types import TextContent
from typer.testing import CliRunner

from octane_flows import warehouse
from octane_flows.agents import INSTRUCTIONS, PROMPTS, AgentTools, list_tools
from octane_flows.agents.item_history import version_changes
from octane_flows.agents.mcp_server import make_server
from octane_flows.agents.tool_texts import DATA_SENTENCE, OWN_TOOLS, parameter_schema
from octane_flows.cli import app
from octane_flows.errors import UsageError
from octane_flows.lake import CertificateRow, Lake
from octane_flows.models import load_models
from octane_flows.models.macro_parameters import Parameter
from octane_flows.questions import list_questions
from tests.golden import kit

RELEASES = [
    {"id": str(id), "type": "release", "name": f"Release {id}", "_workspace_id": "1002"}
    for id in range(1, 8)
]
MODELS = [
    model
    for model in load_models()
    if model.name.partition(".")[0] in ("er", "flow") or model.name == "metric.test_outcomes"
]


def tools_of(home: Path) -> AgentTools:
    return AgentTools(home, lambda: Lake(home / "lake"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agents")
    kit.write_lake(folder, {"release": RELEASES})
    warehouse.build(folder, models=MODELS)
    return folder


@pytest.fixture
def tools(home: Path) -> AgentTools:
    return tools_of(home)


def test_each_question_is_a_tool_with_its_parameters() -> None:
    by_name = {tool.name: tool for tool in list_tools()}
    questions = [*list_questions("flow"), *list_questions("metric")]

    assert list(by_name) == [*OWN_TOOLS, *(question.slug for question in questions)]
    for question in questions:
        tool = by_name[question.slug]
        assert tool.description.startswith(question.text)
        assert {*tool.input_schema["properties"]} == {*question.defaults, "columns", "limit"}


def test_every_text_says_that_values_are_data() -> None:
    assert DATA_SENTENCE in INSTRUCTIONS
    assert [tool.name for tool in list_tools() if DATA_SENTENCE not in tool.description] == []


@pytest.mark.parametrize("tool", list_tools(), ids=lambda tool: tool.name)
def test_schemas_are_valid_and_take_the_defaults(tool: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    defaults = {
        name: schema["default"]
        for name, schema in tool.input_schema["properties"].items()
        if "default" in schema
    }
    needed = {"sql": "select 1", "entity_type": "defect", "id": "1"}
    needed["slug"] = "stories_with_completed_tasks"
    required = {name: needed[name] for name in tool.input_schema.get("required", [])}

    jsonschema.validate({**defaults, **required}, tool.input_schema)


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        (
            Parameter("hours", "integer", "24", "length"),
            {"description": "length", "type": "integer", "minimum": 0, "default": 24},
        ),
        (
            Parameter("shift", "integer", "-2", "hours"),
            {"description": "hours", "type": "integer", "default": -2},
        ),
        (
            Parameter("day", "date", None, "a day"),
            {"description": "a day", "type": ["string", "null"], "format": "date"},
        ),
        (
            Parameter("period", "text", "week", "one of week, day: how long"),
            {
                "description": "one of week, day: how long",
                "type": "string",
                "enum": ["week", "day"],
                "default": "week",
            },
        ),
        (
            Parameter("kind", "text", None, "one of a, b: or none"),
            {
                "description": "one of a, b: or none",
                "type": ["string", "null"],
                "enum": ["a", "b", None],
            },
        ),
    ],
)
def test_a_parameter_becomes_its_schema(parameter: Parameter, schema: dict[str, Any]) -> None:
    assert parameter_schema(parameter) == schema


def test_what_was_left_out_is_told(tools: AgentTools) -> None:
    answer = tools.call("query", {"sql": "select release_id from er.releases", "limit": 2})

    assert (answer["row_count"], len(answer["rows"]), answer["is_truncated"]) == (7, 2, True)
    assert answer["notes"][0].startswith("2 of 7 rows are shown")
    whole = tools.call("query", {"sql": "select release_id from er.releases"})
    assert (len(whole["rows"]), whole["is_truncated"], whole["notes"]) == (7, False, [])


def test_long_texts_and_long_answers_are_cut_and_told(tools: AgentTools) -> None:
    long = tools.call("query", {"sql": "select repeat('x', 5000) as text"})
    many = tools.call("query", {"sql": "select repeat('x', 3000) as t from range(100)"})

    assert len(long["rows"][0]["text"]) == 4_004
    assert (long["is_truncated"], long["notes"][0][:14]) == (True, "1 texts are cu")
    assert len(json.dumps(many["rows"])) < 110_000
    assert many["notes"][0].startswith(f"{len(many['rows'])} of 100 rows are shown")


def test_rows_behind_a_million_are_not_counted(tools: AgentTools) -> None:
    answer = tools.call("query", {"sql": "select range from range(100000000000)", "limit": 1})

    assert answer["rows"] == [{"range": 0}]
    assert not answer["is_row_count_exact"]
    assert "of more than 1," in answer["notes"][0]


def test_values_are_those_of_json(tools: AgentTools) -> None:
    sql = """
    select timestamp '2021-01-20 21:00:00' as moment, date '2021-01-20' as day, 1.5::double as part,
        12345678901234567890::hugeint as large, null as nothing, [1, null] as list,
        {'a': true} as struct, 'ä' as text, 0.1::decimal(4, 2) as exact, '\\x00'::blob as bytes
    """
    answer = tools.call("query", {"sql": sql})

    row = answer["rows"][0]
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["moment"], row["day"]) == ("2021-01-20T21:00:00Z", "2021-01-20")
    assert (row["large"], row["nothing"], row["list"]) == ("12345678901234567890", None, [1, None])
    assert (row["struct"], row["text"], row["exact"]) == ({"a": True}, "ä", "0.10")


def test_an_answer_that_takes_too_long_is_stopped(
    tools: AgentTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.agents.agent_tools.SECONDS", 0.05)
    sql = "select count(*) from range(1000000000000) where range % 3 = 1"

    with pytest.raises(
        UsageError, match=r"longer than 0\.05 seconds and was stopped; ask for less"
    ):
        tools.call("query", {"sql": sql})


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("planed_runs", {}, "There is no tool 'planed_runs'; did you mean 'planned_runs'?"),
        ("planned_runs", {"sprint": "x"}, "no argument 'sprint'; did you mean"),
        ("planned_runs", {"columns": ["nothing"]}, "has no column 'nothing'; known"),
        ("planned_runs", {"columns": "run_id"}, "columns is no list of texts"),
        ("planned_runs", {"limit": 0}, "The limit is '0'; write a whole number from 1 to 1,000"),
        ("planned_runs", {"limit": True}, "The limit is 'True'"),
        ("planned_runs", {"release_name": ["a"]}, "release_name takes one value"),
        ("planned_runs", {"only_mine": "perhaps"}, "write true or false"),
        ("query", {}, "The argument sql is missing"),
        ("query", {"sql": "select 1; select 2"}, "A query is one select"),
        ("history", {"entity_type": "release"}, "The argument id is missing"),
        ("history", {"entity_type": "relase", "id": "1"}, "no entity type or link table relase"),
        ("describe", {"name": "releases"}, "tables are named with their schema, such as er.rel"),
        ("describe", {"name": "er.relases"}, "There is no table er.relases"),
        ("describe", {"name": "flow.planed_runs"}, "did you mean 'flow.planned_runs'"),
        ("describe", {"name": 3}, "The argument name is no text"),
        ("plan", {"slug": "nothing"}, "There is no plan 'nothing' here; known"),
        ("plan", {"slug": "features_with_done_stories", "parameters": [1]}, "is no object"),
    ],
)
def test_a_mistake_is_one_sentence(
    tools: AgentTools, name: str, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as raised:
        tools.call(name, arguments)

    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_history_of_an_item_says_what_changed(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": RELEASES[:1]})
    later = kit.AS_OF + timedelta(days=1)
    renamed = [{**RELEASES[0], "name": "Spring"}]
    kit.write_lake(tmp_path, {"release": renamed}, as_of=later)
    warehouse.build(tmp_path, models=[model for model in MODELS if model.name == "er.releases"])

    answer = tools_of(tmp_path).call("history", {"entity_type": "release", "id": "1"})

    first, second = answer["rows"]
    assert first["fields"]["name"] == {"to": "Release 1"}
    assert second["fields"] == {"name": {"from": "Release 1", "to": "Spring"}}
    assert first["valid_to"] == second["valid_from"] == "2021-01-21T21:00:00Z"
    assert (answer["generation"], answer["as_of"]) == (2, "2021-01-21T21:00:00Z")


def test_versions_of_several_workspaces_are_apart() -> None:
    moment = datetime(2021, 1, 20, tzinfo=UTC)

    def version(workspace: str, name: str) -> dict[str, Any]:
        of_it = {"valid_from": moment, "valid_to": None, "is_deleted": False}
        return {"_workspace_id": workspace, **of_it, "name": name}

    changes = version_changes([version("1", "a"), version("1", "b"), version("2", "b")])

    assert [change["fields"] for change in changes] == [
        {"name": {"to": "a"}},
        {"name": {"from": "a", "to": "b"}},
        {"name": {"to": "b"}},
    ]


def test_what_was_not_read_is_told_where_an_answer_rests_on_it(tmp_path: Path) -> None:
    refused = CertificateRow("1002", "release", "releases", 7, 3, 1, 10, "refused", "cut short")
    kit.write_lake(tmp_path, {"release": RELEASES[:3]}, certificate=[refused])
    names = ("er.releases", "er.phases")
    warehouse.build(tmp_path, models=[model for model in MODELS if model.name in names])
    tools = tools_of(tmp_path)

    general = tools.call("query", {"sql": "select count(*) as n from er.releases"})
    certificate = tools.call("certificate", {"entity_type": "release"})

    assert not general["completeness"]["is_complete"]
    [finding] = general["completeness"]["findings"]
    assert "not read whole: release of workspace 1002 (refused: cut short)" in finding
    assert certificate["rows"][0]["status"] == "refused"


def test_each_call_answers_from_the_newest_warehouse(tmp_path: Path) -> None:
    models = [model for model in MODELS if model.name == "er.releases"]
    kit.write_lake(tmp_path, {"release": RELEASES[:3]})
    warehouse.build(tmp_path, models=models)
    tools = tools_of(tmp_path)
    count = {"sql": "select count(*) as n from er.releases"}

    before = tools.call("query", count)
    kit.write_lake(tmp_path, {"release": RELEASES[3:]})
    warehouse.build(tmp_path, models=models)
    after = tools.call("query", count)

    assert (before["generation"], before["rows"]) == (1, [{"n": 3}])
    assert (after["generation"], after["rows"]) == (2, [{"n": 7}])


def test_the_client_gets_answers_refusals_and_prompts(tools: AgentTools) -> None:
    async def ask() -> tuple[list[Any], Any, Any, Any]:
        async with Client(make_server(tools)) as client:
            listed = await client.list_tools()
            answer = await client.call_tool("describe", {"name": "er.releases"})
            refusal = await client.call_tool("query", {"sql": "drop table er.releases"})
            prompt = await client.get_prompt("morning_check")
            return listed.tools, answer, refusal, prompt

    listed, answer, refusal, prompt = anyio.run(ask)

    assert all(tool.annotations.read_only_hint for tool in listed)
    assert answer.structured_content["row_count"] == 7
    assert refusal.is_error
    assert isinstance(refusal.content[0], TextContent)
    assert refusal.content[0].text == "A query is one select; this is drop. Write a single select."
    assert prompt.messages[0].content.text == PROMPTS["morning_check"][1]


def test_prompts_name_tools_that_there_are() -> None:
    names = {tool.name for tool in list_tools()}
    named = {
        "morning_check": {"changes", "current_failures", "failure_bursts"},
        "release_decision": {"release_readiness", "traceability", "open_high_severity_defects",
                             "execution_progress", "current_failures"},
        "tests_to_trust": {"test_states", "flaky_tests", "slow_tests", "failure_clusters"},
    }  # fmt: skip

    for name, (_, text) in PROMPTS.items():
        assert named[name] <= names
        assert {word for word in named[name] if word not in text} == set()


def test_without_a_warehouse_the_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))

    result = CliRunner().invoke(app, ["mcp"])

    assert isinstance(result.exception, UsageError)
    assert "There is no warehouse" in str(result.exception)


def test_without_the_sdk_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    result = CliRunner().invoke(app, ["mcp"])

    assert isinstance(result.exception, UsageError)
    assert "pip install 'octane-flows[mcp]'" in str(result.exception)
