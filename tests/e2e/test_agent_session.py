"""A scripted agent asks the demo's data by the SDK's client, in process and over standard input."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from octane_flows import warehouse
from octane_flows.agents import PROMPTS, list_tools
from octane_flows.lake import Lake
from tests.e2e.agent_page import PAGE, answers, page_with, questions_of
from tests.e2e.support import process_environment

pytestmark = pytest.mark.slow


def test_a_scripted_agent_gets_the_answers_of_the_page(demo_home: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    questions = questions_of(page)

    given = answers(demo_home, questions)

    assert len(questions) >= 60
    assert page_with(page, given) == page, "to write it anew: python -m tests.e2e.agent_page"
    records = [answer for answer in given if not isinstance(answer, str)]
    assert len(records) >= 60
    assert {answer["generation"] for answer in records} <= generations(demo_home)
    for answer in records:
        assert answer["as_of"] == "2021-01-20T21:00:00Z"
        assert answer["completeness"] == {"is_complete": True, "findings": []}


def generations(home: Path) -> set[int]:
    """Of the warehouse and of the lake, which history reads: tests before may have extracted."""
    lake = Lake(home / "lake").current()
    assert lake is not None
    with warehouse.connect(home) as connection:
        built = connection.execute("select generation.generation from meta.generation").fetchall()
    return {lake.generation, built[0][0]}


def test_an_agent_starts_the_command_and_asks_it(demo_home: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "octane_flows", "mcp"],
        env=process_environment({"OCTANE_HOME": str(demo_home)}),
    )

    async def ask(mode: str) -> tuple[list[str], list[str], object]:
        async with Client(stdio_client(command), mode=mode) as client:
            tools = await client.list_tools()
            prompts = await client.list_prompts()
            sql = "select count(*) as releases from er.releases"
            result = await client.call_tool("query", {"sql": sql})
            names = [tool.name for tool in tools.tools]
            return names, [prompt.name for prompt in prompts.prompts], result.structured_content

    names, prompts, answer = anyio.run(ask, "auto")
    older_client = anyio.run(ask, "legacy")

    assert names == [tool.name for tool in list_tools()]
    assert prompts == list(PROMPTS)
    assert isinstance(answer, dict)
    assert answer["rows"] == [{"releases": 2}]
    assert older_client == (names, prompts, answer)
