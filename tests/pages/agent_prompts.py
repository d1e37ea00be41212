"""The prompts of docs/agents.md, which are those that the server for agents offers."""

from __future__ import annotations

from octane_flows.agents import PROMPTS


def prompt_parts() -> str:
    """A heading for each prompt, what it is for, and its text."""
    parts = (f"### `{name}`\n\n{use}\n\n> {text}\n" for name, (use, text) in PROMPTS.items())
    return "\n".join(parts)
