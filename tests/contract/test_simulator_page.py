"""The page at `/` needs no sign-in and no other files; its commands work when they are pasted."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest

import octane_simulator
from octane_simulator import Running, Simulator, serve
from octane_simulator.datasets.dataset_list import DATASETS
from octane_simulator.faults.fault_kinds import KINDS
from tests.needs import need


class Reader(HTMLParser):
    """Collects the text of the page, its commands, and whatever it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.commands: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        links = [v for k, v in attrs if k in {"src", "href"} and v and tag != "a"]
        self.fetched += [link for link in links if not link.startswith("data:")]
        if tag == "pre":
            self.commands.append("")

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())
        if self.tags and self.tags[-1] == "pre":
            self.commands[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.tags.append("/" + tag)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    simulator = Simulator(workspaces=["1002", "1003"])
    with serve(simulator) as running:
        yield running
    simulator.close()


@pytest.fixture(scope="module")
def page(running: Running) -> Reader:
    answer = httpx.get(running.url)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    reader = Reader()
    reader.feed(answer.text)
    return reader


def test_it_needs_nothing_from_elsewhere_and_no_script(page: Reader) -> None:
    assert page.fetched == []
    assert "script" not in page.tags


def test_it_shows_how_to_sign_in_and_what_it_holds(page: Reader, running: Running) -> None:
    for fact in (running.url, running.client_id, running.client_secret, running.user,
                 running.password, "simulator-bearer-token", "1001", "1002", "1003"):  # fmt: skip
        assert fact in page.words
    phases = running.simulator.store.read("SELECT count(*) FROM phase")[0][0]
    at = page.words.index("phase")
    assert str(phases) in page.words[at : at + 3]


def test_it_lists_every_fault_and_dataset(page: Reader) -> None:
    assert set(KINDS) <= set(page.words)
    assert set(DATASETS) <= set(page.words)


def test_its_commands_work_when_pasted(page: Reader, running: Running, tmp_path: Path) -> None:
    need(shutil.which("curl"), "the page's commands need curl", "TESTS_NEED_CURL")
    answers: dict[str, Any] = {}
    for command in page.commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        answers[command] = json.loads(done.stdout) if done.stdout else None
    sign_in, who, create, read, query, basic, fault, behave = answers.values()
    assert sign_in is None
    assert who["name"] == running.user
    assert create["data"][0]["phase"]["id"] == "phase.defect.new"
    assert [row["name"] for row in read["data"]] == ["From curl"]
    assert query["total_count"] == 0
    assert basic["total_count"] > 60
    assert [entry["kind"] for entry in fault["in_force"]] == ["unavailable"]
    assert behave["in_force"] == []


def test_the_choices_cover_every_unknown_and_name_real_faults() -> None:
    text = resources.files("octane_simulator").joinpath("CHOICES.md").read_text("utf-8")
    unknowns = text.split("## The seventeen unknowns")[1].split("\n## ")[0]
    lines = re.findall(r"^(\d+)\. \*\*(.+?)\*\* (.+)$", unknowns, re.MULTILINE)
    assert [int(number) for number, _, _ in lines] == list(range(1, 18))
    ends = [line.rsplit(".", 1)[-1] for _, _, line in lines]
    named = {name for end in ends for name in re.findall(r"`(\w+)`", end)}
    assert len(named) >= 10
    assert named <= set(KINDS)


#: The codes that the vendor's documentation or clients name.
VENDOR_CODES = {
    "platform.entity_not_found",
    "platform.web_application",
    "platform.unknown_field",
    "platform.not_authorized",
    "platform.workspace_not_found",
    "platform.exceeds_max_total_count",
    "platform.modify_non_editable_field",
    "platform.duplicate_entity_error",
    "platform.general_error",
    "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT",
    "VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT",
}


def test_every_code_of_an_error_comes_from_the_vendor_or_is_a_choice() -> None:
    package = Path(octane_simulator.__file__).parent
    choices = (package / "CHOICES.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in package.rglob("*.py")]
    code = re.compile(r'"((?:platform|testbox)\.\w+|(?:VALIDATION|AUTHENTICATION|SERVLET)_\w+)"')
    used = {match for source in sources for match in code.findall(source)}
    assert len(used) > 15
    assert {name for name in used - VENDOR_CODES if f"`{name}`" not in choices} == set()


def test_its_choices_can_be_read(running: Running) -> None:
    answer = httpx.get(f"{running.url}/simulator/choices")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert re.match(r"# .*chose", answer.text)
