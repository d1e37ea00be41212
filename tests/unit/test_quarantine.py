"""Tests in quarantine: the file, its review, and lists that the tools themselves read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.quarantine import (
    FORMATS,
    Entry,
    add_entries,
    exclusion_list,
    read_entries,
    review_entries,
)
from octane_flows.quarantine.quarantine_review import TestState as StateOfTest

TODAY = date(2021, 1, 20)


def entry(name: str = "adds", *, package: str = "", class_name: str = "", **texts: str) -> Entry:
    return Entry(
        workspace=texts.get("workspace", "1002"),
        test_id=texts.get("test_id", "7"),
        name=name,
        package=package,
        class_name=class_name,
        reason=texts.get("reason", "flaky since 2021-01-02"),
        owner=texts.get("owner", "Ada L"),
        expires=date.fromisoformat(texts.get("expires", "2021-02-03")),
    )


def state(test_id: str, *states: str, owner: str = "Ada L") -> StateOfTest:
    by_place = {f"place {number}": state for number, state in enumerate(states)}
    return StateOfTest("1002", test_id, f"test_{test_id}", "", "", owner, by_place, "evidence")


@pytest.mark.parametrize(
    "name", ['says "hi"', "back\\slash", "tab\there", "größe ✓ 🎈", "x\x7f\x01"]
)
def test_what_is_added_is_read_again_and_the_rest_stays(tmp_path: Path, name: str) -> None:
    file = tmp_path / "quarantine.toml"
    add_entries(file, [entry()])
    before = file.read_text(encoding="utf-8").replace("# Tests", "# Our words. Tests")
    file.write_text(before, encoding="utf-8")

    add_entries(file, [entry(name, test_id="8", package="a.b", class_name="C")])

    assert file.read_text(encoding="utf-8").startswith(before)
    assert read_entries(file) == [
        entry(),
        entry(name, test_id="8", package="a.b", class_name="C"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"owner": '"  "'}, "entry 1: owner is missing"),
        ({"reason": None}, "entry 1: reason is missing"),
        ({"expires": '"2021-02-03"'}, "expires is no date; write expires = 2026-01-31"),
        ({"expires": "2021-02-03T04:05:06"}, "expires is no date"),
        ({"environment": '"Linux"'}, "the key environment is unknown"),
        ({"name": "7"}, "name is missing; write name ="),
    ],
)
def test_a_fault_of_the_file_is_a_sentence_with_its_place(
    tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    values: dict[str, str | None] = {
        "workspace": '"1002"',
        "test_id": '"7"',
        "name": '"adds"',
        "reason": '"flaky"',
        "owner": '"Ada L"',
        "expires": "2021-02-03",
    }
    file = tmp_path / "quarantine.toml"
    lines = [f"{name} = {value}" for name, value in (values | change).items() if value]
    file.write_text("\n".join(["[[test]]", *lines]), encoding="utf-8")

    with pytest.raises(UsageError, match=words):
        read_entries(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[test", "not valid TOML"),
        ("test = 1", "holds something else than tables"),
        ("test = [1]", r"entry 1 is no table; write it as \[\[test\]\]"),
        ("[other]", "holds something else"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_a_file_of_another_kind_is_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "quarantine.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=words):
        read_entries(file)


def test_a_test_stands_in_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "quarantine.toml"
    add_entries(file, [entry(), entry("the same id")])

    with pytest.raises(UsageError, match="entry 2: test 7 of workspace 1002 stands there twice"):
        read_entries(file)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_entries(tmp_path)
    with pytest.raises(OctaneFlowsError, match="cannot be read"):
        add_entries(tmp_path, [entry()])


def test_a_full_disk_leaves_the_quarantine_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "quarantine.toml"
    add_entries(file, [entry()])
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OctaneFlowsError, match=r"free space or choose another folder.*stays"):
        add_entries(file, [entry(test_id="8")])

    assert file.read_bytes() == before


def test_the_review_tells_expired_recovered_gone_and_new_ones() -> None:
    entries = [
        entry(test_id="1", expires="2021-01-20"),
        entry(test_id="2", expires="2021-01-19"),
        entry(test_id="3"),
        entry(test_id="4", owner="nobody"),
        entry(test_id="5"),
    ]
    tests = [
        state("1", "healthy", "flaky"),
        state("2", "flaky"),
        state("3", "healthy", "stale"),
        state("4", "flaky"),
        state("6", "broken", "flaky"),
        state("7", "flaky", owner=""),
        state("8", "broken"),
    ]

    review = review_entries(entries, tests, wanted=("flaky",), today=TODAY, days=14)

    def ids(entries: tuple[Entry, ...]) -> list[str]:
        return [found_entry.test_id for found_entry in entries]

    assert ids(review.active) == ["1", "3", "4", "5"]
    assert ids(review.expired) == ["2"]
    assert ids(review.recovered) == ["3"]
    assert ids(review.gone) == ["5"]
    assert ids(review.without_owner) == ["4"]
    assert [(new.test_id, new.owner, new.expires) for new in review.candidates] == [
        ("6", "Ada L", date(2021, 2, 3)),
        ("7", "nobody", date(2021, 2, 3)),
    ]


def test_pytest_leaves_out_what_its_list_names(tmp_path: Path) -> None:
    tests = tmp_path / "suite" / "inner"
    tests.mkdir(parents=True)
    (tests / "test_sums.py").write_text(
        "import pytest\n"
        "def test_stays(): pass\n"
        "def test_flaky(): assert False\n"
        "class TestSums:\n"
        "    def test_stays(self): pass\n"
        "    class TestDeep:\n"
        "        @pytest.mark.parametrize('x', ['a', 'b c'])\n"
        "        def test_flaky(self, x): assert x == 'a'\n",
        encoding="utf-8",
    )
    (tmp_path / "test_top.py").write_text("def test_flaky(): assert False\n", encoding="utf-8")
    entries = [
        entry("test_flaky", package="suite.inner", class_name="test_sums"),
        entry("test_flaky[b c]", package="suite.inner.test_sums", class_name="TestSums.TestDeep"),
        entry("test_flaky", class_name="test_top"),
    ]
    (tmp_path / "list.txt").write_text(exclusion_list(entries, "pytest"), encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "@list.txt", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed, 3 deselected" in run.stdout


def test_robot_leaves_out_what_its_list_names(tmp_path: Path) -> None:
    pytest.importorskip("robot")
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "sums.robot").write_text(
        "*** Test Cases ***\nStays\n    Log    fine\n\nFlaky 'one' test\n    Fail\n",
        encoding="utf-8",
    )
    (suite / "only.robot").write_text(
        "*** Test Cases ***\nFlaky\n    Fail\n\nAlso Flaky\n    Fail\n", encoding="utf-8"
    )
    entries = [
        entry("Flaky 'one' test", class_name="Suite.Sums"),
        entry("Flaky", class_name="Suite.Only", reason="odd\nlines"),
        entry("Also Flaky", package="Suite", class_name="Only"),
    ]
    (tmp_path / "quarantine.py").write_text(exclusion_list(entries, "robot"), encoding="utf-8")
    options = ["--prerunmodifier", "quarantine.py", "--output", "NONE", "--report", "NONE"]

    run = subprocess.run(
        [sys.executable, "-m", "robot", *options, "--log", "NONE", "suite"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 test, 1 passed, 0 failed" in run.stdout


def test_surefire_and_junit_name_class_and_method() -> None:
    entries = [
        entry("adds(int)[1]", package="com.example", class_name="SumTest$Nested", reason="a\nb"),
        entry("subtracts"),
    ]

    assert exclusion_list(entries, "surefire").splitlines() == [
        "# a b; owner Ada L; expires 2021-02-03",
        "com/example/SumTest$Nested#adds",
        "# flaky since 2021-01-02; owner Ada L; expires 2021-02-03",
        "**/*#subtracts",
    ]
    assert exclusion_list(entries, "junit5").splitlines()[1::2] == [
        "--exclude-methodname=^com[.]example[.]SumTest[$]Nested#adds$",
        "--exclude-methodname=^.*#subtracts$",
    ]


def test_node_reads_the_list_of_playwright(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    names = ["sums › adds (1/2)", 'says "hi" \\ $', "größe"]
    file = tmp_path / "quarantine.js"
    file.write_text(exclusion_list([entry(name) for name in names], "playwright"), "utf-8")
    titles = [
        "chromium sums.spec.ts sums adds (1/2) @slow",
        'chromium sums.spec.ts says "hi" \\ $',
        "chromium sums.spec.ts größe",
        "chromium sums.spec.ts die größere",
    ]
    script = (
        "const list = require('./quarantine.js');"
        f"console.log(JSON.stringify({json.dumps(titles)}"
        ".map(title => list.filter(one => one.test(title)).length)))"
    )

    run = subprocess.run([node, "-e", script], cwd=tmp_path, capture_output=True, check=True)

    assert json.loads(run.stdout) == [1, 1, 1, 0]


@pytest.mark.parametrize("tool", sorted(FORMATS))
def test_a_list_without_entries_is_valid_and_names_nothing(tool: str) -> None:
    assert "adds" not in exclusion_list([], tool)
    assert "adds" in exclusion_list([entry()], tool)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_expired_entries_are_in_no_list(folder: Path) -> None:
    file = folder / "quarantine.toml"
    add_entries(file, [entry("stays", test_id="1"), entry("ran_out", expires="2021-01-19")])

    result = CliRunner().invoke(app, ["quarantine", "--tool", "pytest", "--today", "2021-01-20"])

    assert result.exit_code == 0
    assert result.stdout == "--deselect=stays\n"
    assert len(tomllib.loads(file.read_text(encoding="utf-8"))["test"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tool", "pytest"], "does not exist; write it with --add"),
        (["--tool", "pytest", "--add"], "--add and --tool exclude one another"),
        (["--output", "list.txt"], "name its tool with --tool"),
        (["--today", "tomorrow"], "'tomorrow' is no date"),
        (["--state", "tired"], "There is no state 'tired'"),
    ],
)
def test_wrong_use_is_a_sentence(folder: Path, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["quarantine", *arguments])

    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)
