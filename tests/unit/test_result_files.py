"""Result files are read as their tools meant them: each one against a reviewed text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from octane_flows.results import FORMATS, Reading, Result, read

FOLDER = Path(__file__).resolve().parents[1] / "result_files"
EXPECTED = FOLDER / "expected.txt"
FILES = sorted(
    path
    for path in FOLDER.rglob("*")
    if path.name not in ("README.md", "expected.txt", "real") and path.parent.name != "x07-allure"
)


def shown(reading: Reading) -> str:
    """A reading as text that a person can review."""
    lines: list[str] = []
    for file in reading.files:
        outcome = f"refused: {file.refusal}" if file.refusal else file.format
        lines.append(f"## {Path(file.file).name}: {outcome}")
        for note in file.notes:
            line = "" if note.line is None else f" (line {note.line})"
            times = "" if note.count == 1 else f" x{note.count}"
            lines.append(f"  ! {note.kind}: {note.text}{line}{times}")
    lines += [shown_result(result) for result in reading.results]
    return "\n".join(lines)


def shown_result(result: Result) -> str:
    start = result.started_from
    if start in ("result", "suite") and result.started_ms is not None:
        moment = datetime.fromtimestamp(result.started_ms / 1000, UTC)
        start = f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z of the {start}"  # type: ignore[assignment]
    duration = "unknown" if result.duration_ms is None else f"{result.duration_ms:.6g} ms"
    parts = [
        f"  {result.status}: {result.class_name!r} {result.name!r}",
        f"start {start}, duration {duration}",
    ]
    if result.environment:
        parts.append(f"environment {result.environment}")
    if result.attempts:
        parts.append(
            f"attempts {' '.join(attempt.status for attempt in result.attempts)}"
            f"{', flaky' if result.is_flaky else ''}"
        )
    if result.folded_count > 1:
        parts.append(f"joined {result.folded_count}")
    extras = {
        "tags": result.tags,
        "owner": result.owner,
        "properties": result.properties,
        "attachments": result.attachments,
    }
    parts += [f"{name} {json.dumps(value)}" for name, value in extras.items() if value]
    text = "; ".join(parts)
    if result.error is not None:
        details = json.dumps(result.error.details, ensure_ascii=False)
        if len(details) > 160:
            details = (
                f"{details[:100]} ... {details[-40:]} ({len(result.error.details)} characters)"
            )
        text += f"\n    [{result.error.type}] {result.error.message!r}\n    {details}"
    if result.scenario is not None:
        for each in result.scenario.steps:
            text += f"\n      {each.status} {each.name!r}"
    return text


def expected() -> dict[str, str]:
    sections: dict[str, str] = {}
    for section in EXPECTED.read_text(encoding="utf-8").split("\n# ")[1:]:
        name, _, text = section.partition("\n")
        sections[name.strip()] = text.strip("\n")
    return sections


def write_expected() -> None:
    """Write `expected.txt` for review: `python -m tests.unit.test_result_files`."""
    sections = [f"# {path.relative_to(FOLDER)}\n{shown(read(path))}\n" for path in FILES]
    head = "What the reader makes of each file; see README.md.\n\n"
    EXPECTED.write_text(head + "\n".join(sections), encoding="utf-8")


def test_the_expectations_are_of_all_files() -> None:
    assert list(expected()) == [str(path.relative_to(FOLDER)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_read_as_its_tool_meant_it(path: Path) -> None:
    assert shown(read(path)) == expected()[str(path.relative_to(FOLDER))]


def test_what_is_wrong_with_one_file_stops_no_other() -> None:
    reading = read([FOLDER / "d11-truncated.xml", FOLDER / "d01-namespace.xml", "no-such-file.xml"])

    assert [file.refusal is None for file in reading.files] == [False, True, False]
    assert [result.name for result in reading.results] == ["n"]
    assert not reading.is_whole


def test_a_folder_a_pattern_and_a_doubled_file(tmp_path: Path) -> None:
    text = (FOLDER / "s05-error-and-failure.xml").read_text(encoding="utf-8")
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    (tmp_path / "b.xml").write_text(text, encoding="utf-8")
    (tmp_path / "pom.xml").write_text("<project/>", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no results", encoding="utf-8")

    for paths in (tmp_path, str(tmp_path / "*.xml"), [tmp_path / "a.xml", tmp_path]):
        reading = read(paths)
        assert len(reading.results) == 1
        assert reading.results[0].folded_count == 2  # the same results twice are one
        assert reading.results[0].attempts == ()
        assert reading.is_whole  # pom.xml is none of the named files
        assert [f.format for f in reading.files].count("junit") == 2


def test_the_worst_of_two_files_counts(tmp_path: Path) -> None:
    case = '<testsuite><testcase classname="c" name="n" time="1">{}</testcase></testsuite>'
    (tmp_path / "1.xml").write_text(case.format("<failure message='first'/>"), encoding="utf-8")
    (tmp_path / "2.xml").write_text(case.format(""), encoding="utf-8")
    (tmp_path / "3.xml").write_text(case.format("<skipped/>"), encoding="utf-8")

    (result,) = read(tmp_path).results

    assert (result.status, result.folded_count) == ("Failed", 3)
    assert result.error is not None
    assert result.error.message == "first"


def test_results_without_a_start_begin_with_their_build() -> None:
    path = FOLDER / "c03-no-start-timestamp.json"

    (from_build,) = read(path, build_started_ms=1_700_000_000_000).results
    (from_file,) = read(path).results

    assert (from_build.started_ms, from_build.started_from) == (1_700_000_000_000, "build")
    assert from_file.started_ms == round(path.stat().st_mtime * 1000)


def test_undefined_steps_may_count_as_skipped() -> None:
    path = FOLDER / "c05-undefined.json"

    assert read(path).counts == {"Failed": 2}
    assert read(path, undefined="skipped").counts == {"Skipped": 2}


@pytest.mark.parametrize("name", FORMATS)
def test_a_forced_format_reads_or_refuses(name: str) -> None:
    for path in (FOLDER / "d16-root-testcase.xml", FOLDER / "c04-upper-status.json"):
        (file,) = read(path, format=name).files
        assert file.refusal is not None or file.format == name


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        (("0.5", "1,250"), 1_250_000.0),  # points are decimal here, so the comma groups
        (("0,5", "1,250"), 1_250.0),
        (("7", "1,250"), 1_250.0),  # nothing tells; a test of a second is likelier
        (("1.234,56",), 1_234_560.0),
        (("1'234.5",), 1_234_500.0),
        (("1,234,567",), 1_234_567_000.0),
        (("00:00:01.5",), 1_500.0),
        (("2 min",), 120_000.0),
        (("-1",), None),
        (("soon",), None),
        (("",), None),
    ],
)
def test_durations_in_many_spellings(
    times: tuple[str, ...], wanted: float | None, tmp_path: Path
) -> None:
    cases = "".join(
        f'<testcase classname="c" name="n{index}" time="{time}"/>'
        for index, time in enumerate(times)
    )
    (tmp_path / "a.xml").write_text(f"<testsuite>{cases}</testsuite>", encoding="utf-8")

    assert read(tmp_path / "a.xml").results[-1].duration_ms == wanted


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-01T10:00:00 CET", "2026-11-01T09:00:00"),
        ("2026-07-01T10:00:00 CEST", "2026-07-01T08:00:00"),
        ("2026-11-01T10:00:00 IST", "2026-11-01T04:30:00"),
        ("2026-11-01T10:00:00 GMT+05:30", "2026-11-01T04:30:00"),
        ("2026-11-01T10:00:00.250-0500", "2026-11-01T15:00:00"),
        ("2026-11-01T10:00:00 Europe/Berlin", "2026-11-01T09:00:00"),
        ("2026-11-01T10:00:00 XYZT", None),
        ("2026-11-01T10:00:00", None),
        ("2026-13-01T10:00:00Z", None),
    ],
)
def test_time_zones(text: str, utc: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        f'<testsuite><testcase name="n" timestamp="{text}"/></testsuite>', encoding="utf-8"
    )

    (result,) = read(tmp_path / "a.xml", build_started_ms=0).results

    if utc is None:
        assert result.started_from == "build"
    else:
        assert result.started_ms is not None
        assert datetime.fromtimestamp(result.started_ms // 1000, UTC).isoformat()[:19] == utc


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        f'<testsuite><testcase name="n" time="{DIGITS}.00:00:01"/></testsuite>',
        f'<testsuite><testcase name="n" time="{DIGITS}:00:01"/></testsuite>',
        f'<testsuite><testcase name="n" time="{DIGITS}"/></testsuite>',
        f'<testsuite tests="{DIGITS}"><testcase name="n" timestamp="{DIGITS}"/></testsuite>',
        '<testsuite><testcase name="n" timestamp="' + "\u00b2" * 10 + '"/></testsuite>',
        '<testsuite><testcase name="n" timestamp="9999-12-31T23:59:59Z"/></testsuite>',
        '<testsuite><testcase name="n" timestamp="20261101000"/></testsuite>',
        f'<testsuite><testcase name="n"><failure>&#{DIGITS};</failure></testcase></testsuite>',
        f'<robot><suite name="s"><test name="n" line="{DIGITS}"><status status="PASS" '
        'start="2026-11-01T10:00:00" endtime="2026-11-01T10:00:01Z"/></test></suite></robot>',
        f'<features><feature name="f"><scenario name="n" outlineIndex="{DIGITS}"/></feature>'
        "</features>",
        '[{"uri": "u", "elements": [{"name": "n", "steps": [{"name": "s", "result": '
        f'{{"status": "passed", "duration": {DIGITS[:4000]}}}}}]}}]}}]',
        '{"testCaseStarted": {"id": "r", "testCaseId": "c", "timestamp": '
        f'{{"seconds": "{DIGITS}", "nanos": 1}}}}}}',
    ],
)
def test_numbers_without_a_meaning_are_unknown(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")

    (result,) = read(tmp_path / "a.xml", build_started_ms=7).results

    assert (result.started_ms, result.duration_ms) == (7, None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[" * 100_000, None),
        ('[{"uri": "u", "elements": [' + '{"steps": [' * 300, None),
        ('{"suites": [' + '{"suites": [' * 300 + "]}" * 301, None),
        ('[{"uri": "u", "name": "\\\\", "elements": [{"name": "' + "[" * 90_000 + '"}]}]', "["),
        ('[{"uri": "u", "elements": [{"name": "' + '\\"[' * 70_000 + '"}]}]', '"'),
    ],
)
def test_only_values_may_not_be_nested_deeply(text: str, name: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")

    (file,) = (reading := read(tmp_path / "a.json")).files

    if name is None:
        assert file.refusal == "the values are nested more than 200 deep"
    else:
        assert file.refusal is None
        assert reading.results[0].name.startswith(name)


def test_a_text_cut_within_a_character_is_repaired_or_told(tmp_path: Path) -> None:
    for encoding in ("utf-7", "shift_jis", "gb18030", "utf-16", "big5", "idna", "rot13", "no-such"):
        data = (
            f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="n"/>'.encode()
        )
        for end in (b"</testsuite>", b"</testsuite>\x8e", b"</testsuite>+AM", b"</testsuite>\xff"):
            (tmp_path / "a.xml").write_bytes(data + end)
            (file,) = read(tmp_path / "a.xml").files
            assert file.refusal is not None or [each.name for each in file.results] == ["n"]


if __name__ == "__main__":
    write_expected()
