"""Agents: the questions of a warehouse as read-only tools of the Model Context Protocol.

A data folder in, a server for one agent out; the command `mcp` runs it. Nothing here writes or
reaches a network: a plan is made and never sent.
"""

from octane_flows.agents.agent_tools import AgentTools
from octane_flows.agents.tool_texts import INSTRUCTIONS, PROMPTS, Tool, list_tools

__all__ = ["INSTRUCTIONS", "PROMPTS", "AgentTools", "Tool", "list_tools"]
