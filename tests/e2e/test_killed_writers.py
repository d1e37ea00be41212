"""Commands that are killed while they write: files are whole, old or new, and nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from octane_flows.actions.action_plan import write_plan
from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world, process_environment

#: Ends the process at its n-th file operation of a kind whose path has a text in it, and at the
#: n-th commit of a table of the company lake.
KILLED = """
import os, sys
kind, text, place, *arguments = sys.argv[1:]
left = int(place)

def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)

def hook(event, given):
    if event == kind and text in str(given[0]) and (text != "audit" or given[1] is None):
        count()

sys.addaudithook(hook)
if kind == "commit":
    import octane_flows.export.delta_target as delta
    write = delta.DeltaTarget.rewrite
    def rewrite(*given):
        if text == "before":
            count()
        write(*given)
        if text == "after":
            count()
    delta.DeltaTarget.rewrite = rewrite
sys.argv = ["octane-flows", *arguments]
from octane_flows.cli import main
main()
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    with serve(Simulator(dataset="empty", seed=3)) as running, open_world(running, home) as made:
        root = {"type": "work_item_root", "id": "1001"}
        for name in ("a", "b", "c"):
            made.create("stories", name, parent=root)
        made.rebuild()
        patch = pytest.MonkeyPatch()
        for name, value in environment_of(running, home).items():
            patch.setenv(name, value)
        yield made
        patch.undo()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command to its end, or to its kill."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("OCTANE_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=process_environment(settings),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def killed(kind: str, text: str, place: int, *arguments: str) -> None:
    done = run("-c", KILLED, kind, text, str(place), *arguments)
    assert done.returncode == -9, done.stderr


def whole(*arguments: str) -> str:
    done = run("-m", "octane_flows", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.csv")}


def test_a_killed_report_leaves_each_file_as_it_was_or_whole(world: World) -> None:
    home = world.settings.home
    whole("report", "--format", "csv")
    folder = home / "report-csv"
    new = contents(folder)
    old = dict.fromkeys(new, b"of before")
    for name, content in old.items():
        (folder / name).write_bytes(content)

    for kind, place in (("open", 3), ("os.rename", 5)):
        killed(kind, ".csv-", place, "report", "--format", "csv")
        for name, content in contents(folder).items():
            assert content in (old[name], new[name]), (kind, place, name)
    assert [path.name for path in folder.glob(".*")], "what the kill left"

    whole("report", "--format", "csv")
    assert contents(folder) == new
    assert list(folder.glob(".*")) == []


def test_a_killed_page_or_workbook_leaves_the_one_of_before(world: World) -> None:
    home = world.settings.home
    file = home / "report.xlsx"
    file.write_bytes(b"of before")

    killed("os.rename", ".report.xlsx-", 1, "report", "--format", "excel")
    assert file.read_bytes() == b"of before"

    whole("report", "--format", "excel")
    assert file.read_bytes().startswith(b"PK")
    assert list(home.glob(".report*")) == []


def test_a_killed_export_goes_on_where_it_was(world: World) -> None:
    delta = pytest.importorskip("deltalake", reason="needs the extra export")
    home = world.settings.home

    for text, place in (("after", 2), ("before", 5)):
        killed("commit", text, place, "export", "--format", "delta")
        assert not (home / "delta" / "_generations").exists(), "it is not shown as whole"

    shown = whole("export", "--format", "delta")
    assert "into" in shown
    story = delta.DeltaTable(str(home / "delta" / "story")).to_pyarrow_table()
    assert sorted(story["name"].to_pylist()) == ["a", "b", "c"]
    assert "nothing to do" in whole("export", "--format", "delta")


def test_an_apply_that_was_killed_and_is_continued_writes_nothing_twice(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    plan = world.plan("work_items_without_test_task")
    assert len(plan.requests) == 3
    write_plan(plan, file)

    # before the first request, after it was answered, and after the second one
    for place, tasks in ((1, 0), (2, 1), (4, 2)):
        killed("open", "audit", place, "apply", str(file), "--yes")
        assert world.workspace.count("tasks") == tasks

    whole("apply", str(file), "--yes")
    assert world.workspace.count("tasks") == 3
    whole("apply", str(file), "--yes")
    assert world.workspace.count("tasks") == 3


def test_a_record_after_a_line_that_was_cut_is_read(world: World) -> None:
    with world.audit.path.open("a", encoding="utf-8") as stream:
        stream.write('{"event": "sen')
    before = len(world.audit.read())

    world.audit.append({"event": "verdict"})

    assert len(world.audit.read()) == before + 1
    assert world.audit.read()[-1]["event"] == "verdict"
