"""Fuzzers of settings, files and answers: no command shows a traceback, whatever it meets.

200 examples in each run of the tests; `FUZZ_EXAMPLES=2000 pytest tests/hostile/test_fuzz.py` runs
more. Each example has its number as the seed of its random values, so a failure can be run alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest

from octane_flows.config.setting_names import NAMES
from tests.hostile.conftest import Ended, HostileSite
from tests.hostile.odd_values import TEXTS, changed_bytes, changed_json, odd_text
from tests.hostile.raw_server import Answer, RawRequest
from tests.hostile.small_workspace import ROUTES, respond_with

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
SETTINGS_EXAMPLES = EXAMPLES * 3 // 5
FILES_EXAMPLES = EXAMPLES // 5
ANSWERS_EXAMPLES = EXAMPLES - SETTINGS_EXAMPLES - FILES_EXAMPLES
#: Commands that read settings or files and end soon.
COMMANDS = (
    ("status",), ("flows",), ("generations",), ("query", "select 1"), ("history", "defect", "1001"),
    ("extract",), ("extract", "--full"), ("census",), ("expire", "--keep", "1"), ("compact",),
    ("metric", "time_in_phase"), ("flow", "flaky_tests"), ("verify",), ("doctor",), ("build",),
    ("show", "er.defects"), ("extract", "--skip", "list_node"),
)  # fmt: skip
#: A build of the whole warehouse takes seconds, so that only some examples make one.
SLOW = {("build",), ("doctor",), ("verify",)}


def require_a_sentence(ended: Ended) -> None:
    assert ended.code in (0, 1, 2), ended.messages
    assert "Traceback" not in ended.messages
    assert "canary" not in ended.messages
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ended.messages)
    assert ended.code == 0 or ended.messages.strip()


def chosen_command(random: Random, slow_share: float) -> tuple[str, ...]:
    command = random.choice(COMMANDS)
    if command in SLOW and random.random() > slow_share:
        return COMMANDS[0]
    return command


@pytest.mark.parametrize("number", range(SETTINGS_EXAMPLES))
def test_settings(site: HostileSite, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    random = Random(f"settings {number}")
    site.server.respond = respond_with()
    chosen = random.sample(sorted(NAMES), random.randrange(1, 4))
    lines = []
    for name in chosen:
        text = odd_text(random).replace("\0", "")
        if random.random() < 0.5:
            monkeypatch.setenv(f"OCTANE_{name.upper()}", text)
        else:
            written = text if random.random() < 0.3 else '"' + text.replace('"', '\\"') + '"'
            lines.append(f"{name} = {written}")
            if random.random() < 0.7:
                monkeypatch.delenv(f"OCTANE_{name.upper()}", raising=False)
    if lines or random.random() < 0.2:
        content = "\n".join(lines).encode("utf-8", "surrogatepass")
        if random.random() < 0.2:
            content = changed_bytes(content, random)
        Path("octane-flows.toml").write_bytes(content)

    require_a_sentence(site.run(*chosen_command(random, 0.1)))


@pytest.mark.parametrize("number", range(FILES_EXAMPLES))
def test_files(site: HostileSite, number: int) -> None:
    random = Random(f"files {number}")
    site.server.respond = respond_with()
    files = sorted(path for path in site.home.rglob("*") if path.is_file())
    for path in random.sample(files, random.randrange(1, 3)):
        body = path.read_bytes()
        match random.randrange(5):
            case 0:
                path.unlink()
            case 1:
                path.unlink()
                path.mkdir()
            case 2 if path.suffix in (".json", "") and body:
                path.write_bytes(changed_json(body, random))
            case _:
                path.write_bytes(changed_bytes(body, random))

    require_a_sentence(site.run(*chosen_command(random, 0.2)))


@pytest.mark.parametrize("number", range(ANSWERS_EXAMPLES))
def test_answers(site: HostileSite, number: int) -> None:
    random = Random(f"answers {number}")
    routes = random.sample(sorted(ROUTES), random.randrange(1, 3))
    in_json = random.random() < 0.7

    def changed(request: RawRequest) -> Answer:
        answer = ROUTES[request.path.rpartition("/")[2]](request)
        assert isinstance(answer, bytes)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not in_json:
            return changed_bytes(answer, random)
        body = changed_json(body, random)
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
        return head + b"\r\n\r\n" + body

    site.server.respond = respond_with(**dict.fromkeys(routes, changed))
    command = random.choice((("extract",), ("extract", "--full"), ("census",)))

    require_a_sentence(site.run(*command))


def test_the_odd_texts_differ() -> None:
    assert len(set(TEXTS)) == len(TEXTS)
