"""The page of questions that a scripted agent asks of the demo, with the answers that it gets.

A page in, its questions out; answers in, the page as it should be out. To write the answers anew,
`python -m tests.e2e.agent_page`; review them with git diff.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import TextContent

from octane_flows import refresh
from octane_flows.agents import AgentTools
from octane_flows.agents.mcp_server import make_server
from octane_flows.config import load_settings
from octane_flows.lake import Lake
from octane_simulator import Simulator, serve
from tests.e2e.support import environment_of

PAGE = Path(__file__).with_name("agent_questions.md")
_QUESTION = re.compile(
    r"^## (?P<text>.+)\n\n`(?P<tool>\w+)` `(?P<arguments>\{.*\})`$", re.MULTILINE
)
#: What other tests see to, or what differs from run to run: lists of names, digests.
_VARYING = ((re.compile(r"([Kk]nown: \w+), .*"), r"\1, ..."), (re.compile(r"[0-9a-f]{16}"), "..."))
Answer = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One question in words, and the call by which an agent asks it."""

    text: str
    tool: str
    arguments: dict[str, Any]


def questions_of(page: str) -> list[Asked]:
    """The questions of a page, in its order."""
    return [
        Asked(match["text"], match["tool"], json.loads(match["arguments"]))
        for match in _QUESTION.finditer(page)
    ]


def tools_of(home: Path) -> AgentTools:
    """The tools over a data folder."""
    return AgentTools(home, lambda: Lake(home / "lake"))


def answers(home: Path, questions: Iterable[Asked]) -> list[Answer | str]:
    """What the SDK's client is answered: records, or the sentence of a refusal."""
    return anyio.run(_answers, home, list(questions))


async def _answers(home: Path, questions: list[Asked]) -> list[Answer | str]:
    collected: list[Answer | str] = []
    async with Client(make_server(tools_of(home))) as client:
        for question in questions:
            result = await client.call_tool(question.tool, question.arguments)
            content = result.content[0]
            assert isinstance(content, TextContent)
            if result.is_error:
                collected.append(content.text)
                continue
            assert json.loads(content.text) == result.structured_content
            collected.append(result.structured_content)
    return collected


def page_with(page: str, given: Iterable[Answer | str]) -> str:
    """The page with these answers in place of its own."""
    parts = [page.partition("\n## ")[0].rstrip() + "\n"]
    for question, answer in zip(questions_of(page), given, strict=True):
        arguments = json.dumps(question.arguments, ensure_ascii=False)
        parts.append(f"## {question.text}\n\n`{question.tool}` `{arguments}`\n\n{_shown(answer)}\n")
    text = "\n".join(parts)
    for pattern, words in _VARYING:
        text = pattern.sub(words, text)
    return text


def _shown(answer: Answer | str) -> str:
    if isinstance(answer, str):
        return f"Refused: {answer}"
    if "rows" not in answer:
        columns = answer.get("columns")
        if columns is None:
            names = [entry["name"] for entry in answer["questions"]]
            return f"Questions: {', '.join(names[:3])} and others"
        return _table(columns)
    total, rows = answer["row_count"], answer["rows"]
    count = f"{total:,} {'row' if total == 1 else 'rows'}"
    notes = "".join(f"\n- {note}" for note in answer["notes"])
    table = f"\n\n{_table(rows)}" if rows else ""
    return f"{count}{notes and chr(10)}{notes}{table}"


def _table(rows: list[Answer]) -> str:
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join("" if value is None else text.replace("|", "\\|").split())


def _write() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Simulator(dataset="demo", seed=1)) as running,
    ):
        settings = load_settings(environment_of(running, Path(folder)))
        refresh.refresh(settings)
        page = PAGE.read_text(encoding="utf-8")
        given = answers(settings.home, questions_of(page))
    PAGE.write_text(page_with(page, given), encoding="utf-8")


if __name__ == "__main__":
    _write()
