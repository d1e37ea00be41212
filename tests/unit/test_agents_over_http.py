"""Agents at `/mcp` of `serve`: the same tools over HTTP, behind the sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from octane_flows.agents import AgentTools, list_tools
from octane_flows.agents.mcp_over_http import AgentsOverHttp
from octane_flows.lake import Lake
from octane_flows.serve import MountedApplication
from tests.served import served_home, serving
from tests.unit.test_serve_questions import SIGNED, TOKEN

__all__ = ["served_home"]
SIGN_IN = {"authorization": f"Bearer {TOKEN}"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
JSON = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def served(served_home: Path) -> Iterator[httpx.Client]:
    agents = AgentsOverHttp(AgentTools(served_home, lambda: Lake(served_home / "lake")))
    mounted = MountedApplication("/mcp", agents.application, agents.lifespan)
    with serving(served_home, SIGNED, mounted=(mounted,)) as opened:
        yield opened


def test_an_agent_with_the_token_asks_over_http(served: httpx.Client) -> None:
    async def ask() -> tuple[int, Any]:
        async with (
            httpx2.AsyncClient(headers=SIGN_IN, trust_env=False) as http,
            Client(streamable_http_client(f"{served.base_url}/mcp", http_client=http)) as client,
        ):
            tools = await client.list_tools()
            sql = "select generation from meta.generation"
            answer = await client.call_tool("query", {"sql": sql})
            return len(tools.tools), answer.structured_content

    count, answer = asyncio.run(ask())

    assert count == len(list_tools())
    assert answer["rows"] == [{"generation": answer["generation"]}]


def test_whoever_is_not_signed_in_or_sends_it_from_a_page_is_refused(served: httpx.Client) -> None:
    unsigned = served.post("/mcp", json=PING, headers=JSON)
    foreign = {**JSON, **SIGN_IN, "origin": "https://evil.example.com"}
    from_a_page = served.post("/mcp", json=PING, headers=foreign)
    allowed = served.post("/mcp", json=PING, headers={**JSON, **SIGN_IN})

    assert unsigned.status_code == 401
    assert from_a_page.status_code == 403
    assert "web page of another address" in from_a_page.json()["error"]["message"]
    assert allowed.status_code not in (401, 403, 404)
