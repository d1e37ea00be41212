"""Commands against a hostile server: one sentence, an exit code, an end, and nothing lost.

Each case replaces answers of a small workspace that was extracted before. Whatever comes, every
file of the former lake and the former warehouse stay byte for byte, memory and time have a bound,
and no traceback, no secret and no control character is shown. Where nothing is published, the
lake's pointer stays as well.
"""

from __future__ import annotations

import itertools
import os
import re

import pytest

from tests.hostile import http_cases, metadata_cases, row_cases
from tests.hostile.conftest import MEMORY_BYTES, SECONDS, Ended, HostileSite
from tests.hostile.raw_server import RawRequest, answer
from tests.hostile.small_workspace import Route, defect, page, paged, respond_with

POINTER = "lake/CURRENT"


def extract(site: HostileSite, routes: dict[str, Route], *options: str) -> Ended:
    """Extract from the hostile server, and check what holds for every case."""
    before = site.state()
    site.server.respond = respond_with(**routes)

    ended = site.run("extract", *options)

    assert ended.code in (0, 1, 2), ended.messages
    assert "Traceback" not in ended.messages
    assert "canary" not in ended.messages
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ended.messages)
    assert ended.seconds < SECONDS
    assert ended.memory_bytes < MEMORY_BYTES, f"{ended.memory_bytes >> 20} MB"
    after = site.state()
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed <= {POINTER}
    if ended.code:
        sentences = [
            line for line in ended.messages.splitlines() if line.startswith("octane-flows: ")
        ]
        if "generation" not in ended.messages:
            assert len(sentences) == 1, ended.messages
            assert sentences[0].endswith(".")
            assert 40 < len(sentences[0]) < 1200
    return ended


def not_published(site: HostileSite, routes: dict[str, Route], *options: str) -> Ended:
    """Extract, and check that it failed with one sentence and published nothing."""
    before = site.state()
    ended = extract(site, routes, *options)
    after = site.state()
    assert ended.code == 1, ended.messages
    assert {name: after[name] for name in before} == before
    assert "generation " not in ended.messages
    return ended


@pytest.mark.parametrize("name", row_cases.UNUSABLE)
def test_a_body_that_is_no_page_publishes_nothing(site: HostileSite, name: str) -> None:
    not_published(site, row_cases.route(row_cases.UNUSABLE[name]), "--full")


@pytest.mark.parametrize("name", row_cases.VALUES)
def test_odd_values_end_with_a_sentence_or_are_taken(site: HostileSite, name: str) -> None:
    extract(site, row_cases.route(row_cases.VALUES[name]), "--full")


@pytest.mark.parametrize("name", metadata_cases.CASES)
def test_odd_metadata_ends_with_a_sentence_or_is_taken(site: HostileSite, name: str) -> None:
    extract(site, metadata_cases.CASES[name])


@pytest.mark.parametrize("name", http_cases.BYTES)
def test_bytes_that_are_hardly_http_publish_nothing(site: HostileSite, name: str) -> None:
    not_published(site, {"defects": lambda _: http_cases.BYTES[name]})


@pytest.mark.parametrize("name", http_cases.DATES)
def test_odd_dates_end_with_a_sentence_or_are_taken(site: HostileSite, name: str) -> None:
    extract(site, {"version": http_cases.DATES[name]})


@pytest.mark.parametrize("name", http_cases.ENDLESS)
def test_an_answer_without_an_end_has_one(site: HostileSite, name: str) -> None:
    not_published(site, {"defects": http_cases.ENDLESS[name]})


@pytest.mark.parametrize("name", http_cases.GOOD)
def test_an_odd_but_whole_answer_is_taken(site: HostileSite, name: str) -> None:
    assert extract(site, {"defects": http_cases.GOOD[name]}).code == 0


@pytest.mark.parametrize("name", [name for name in http_cases.BYTES if "a redirect" in name])
def test_a_redirect_is_called_one_wherever_it_leads(site: HostileSite, name: str) -> None:
    ended = not_published(site, {"defects": lambda _: http_cases.BYTES[name]})

    assert "was redirected (status 30" in ended.messages


def test_a_value_cannot_forge_a_line_of_the_answer(site: HostileSite) -> None:
    forged = "x\noctane-flows: All is well."
    listed = [defect("1001", due=forged), defect(f"7{forged}"), defect("1003", name=5)]

    ended = extract(site, {"defects": lambda request: answer(paged(listed, request))})

    assert ended.code == 1
    assert "\\noctane-flows: All is well" in ended.messages
    assert "octane-flows: All is well" not in ended.messages.splitlines()
    assert len([line for line in ended.messages.splitlines() if line[:13] == "octane-flows:"]) == 1


def test_a_list_of_workspaces_has_a_bound(site: HostileSite) -> None:
    numbers = itertools.count(3)

    def endless(_: RawRequest) -> bytes:
        return answer(
            page([{"type": "workspace", "id": str(next(numbers)), "name": "x"}], total_count=10**9)
        )

    ended = not_published(site, {"workspaces": endless})

    assert "counts 1,000,000,000 and at most 20,000 are read" in ended.messages
    assert next(numbers) < 10


def test_another_shared_space_behind_the_same_tunnel_is_refused(
    site: HostileSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site.state()
    site.server.respond = respond_with()
    monkeypatch.setenv("OCTANE_SHARED_SPACE", "1001")

    ended = site.run("extract")

    assert ended.code == 2
    assert "holds shared space 1 of " in ended.messages
    assert "give OCTANE_HOME a folder of its own for each" in ended.messages
    assert site.state() == before


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pointer_that_is_no_file_ends_every_command(site: HostileSite, kind: str) -> None:
    pointer = site.home / POINTER
    content = pointer.read_bytes()
    pointer.unlink()
    if kind == "pipe":
        os.mkfifo(pointer)
    else:
        pointer.symlink_to("/dev/zero")

    for command in ("status", "extract", "check", "generations", "compact"):
        ended = site.run(command)
        assert ended.code == 1
        assert "is a pipe or a device and no file" in ended.messages

    pointer.unlink()  # the remedy
    pointer.write_bytes(content)
    site.server.respond = respond_with()
    assert site.run("extract").code == 0
