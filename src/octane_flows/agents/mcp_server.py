"""The server of the Model Context Protocol around the tools, built on its official Python SDK.

`AgentTools` in, a server or a running one out; the command `mcp` calls it. Only this module knows
the SDK, which the extra `mcp` installs.
"""

from __future__ import annotations

import json
import logging
import os
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from octane_flows import __version__
from octane_flows.agents.agent_answers import for_agents
from octane_flows.agents.agent_tools import AgentTools
from octane_flows.agents.tool_texts import INSTRUCTIONS, PROMPTS, list_tools
from octane_flows.errors import OctaneFlowsError
from octane_flows.failure_report import report_failure

Context = ServerRequestContext[dict[str, Any]]
READ_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
#: What each answer has, whichever tool gave it.
OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "generation": {"type": "integer"},
        "as_of": {"type": "string"},
        "completeness": {
            "type": "object",
            "properties": {
                "is_complete": {"type": "boolean"},
                "findings": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["is_complete", "findings"],
        },
    },
    "required": ["generation", "as_of", "completeness"],
}


def make_server(tools: AgentTools) -> Server[dict[str, Any]]:
    """A server that lists the tools and prompts and answers calls, one at a time."""
    turn = anyio.CapacityLimiter(1)  # DuckDB uses all cores for one call

    async def list_all(
        context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_tools(), ttl_ms=0, cache_scope="private")

    async def call(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        answer = partial(_result, tools, params.name, params.arguments)
        return await anyio.to_thread.run_sync(answer, abandon_on_cancel=True, limiter=turn)

    async def list_prompts(
        context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        prompts = [types.Prompt(name=name, description=use) for name, (use, _) in PROMPTS.items()]
        return types.ListPromptsResult(prompts=prompts, ttl_ms=0, cache_scope="private")

    async def get_prompt(
        context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        if params.name not in PROMPTS:
            raise MCPError(
                types.INVALID_PARAMS,
                f"There is no prompt '{params.name}'; there are {', '.join(PROMPTS)}.",
            )
        use, text = PROMPTS[params.name]
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=use, messages=[message])

    return Server(
        "octane-flows",
        version=__version__,
        title="ALM Octane, read from a warehouse",
        instructions=INSTRUCTIONS,
        on_list_tools=list_all,
        on_call_tool=call,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


def serve_stdio(tools: AgentTools) -> None:
    """Answer the agent on standard input and output until it closes them."""
    logging.basicConfig(level=logging.WARNING)  # on standard error; output is the protocol's

    async def run() -> None:
        server = make_server(tools)
        async with stdio_server() as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())

    anyio.run(run)


def _tools() -> list[types.Tool]:
    return [
        types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.input_schema,
            output_schema=OUTPUT,
            annotations=READ_ONLY,
        )
        for tool in list_tools()
    ]


def _result(tools: AgentTools, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
    try:
        answer = tools.call(name, arguments)
    except OctaneFlowsError as error:
        return _refusal(for_agents(str(error)))
    except Exception as error:  # noqa: BLE001 - the agent gets one sentence and goes on
        sentence = report_failure(error, os.environ, "this tool call has no answer")
        return _refusal(for_agents(sentence))
    text = json.dumps(answer, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=answer)


def _refusal(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)
