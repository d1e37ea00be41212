"""`status` on a narrow terminal: a line for each entity type, and what is odd said in words."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

from octane_flows.console import plain_console
from octane_flows.lake import CertificateRow, Lake, Manifest
from octane_flows.status import print_status
from tests.golden import kit

READ = CertificateRow("1002", "defect", "defects", 2, 2, 1, 10, "complete", rows_held=2)
NARROW = 80


class QuietLake(Lake):
    """A lake that tells nothing of what was asked of the server."""

    def current(self) -> Manifest | None:
        manifest = super().current()
        return dataclasses.replace(manifest, politeness={}) if manifest is not None else None


def lines_of(home: Path, *certificate: CertificateRow) -> list[str]:
    kit.write_lake(home, {}, certificate=list(certificate))
    told = io.StringIO()
    print_status(home, QuietLake(home / "lake"), plain_console(file=told, width=NARROW))
    return told.getvalue().splitlines()


def line_about(entity: str, lines: list[str]) -> list[str]:
    (line,) = [one for one in lines if one.strip().startswith(entity)]
    return line.split()


def test_each_entity_type_has_a_line_of_its_own(tmp_path: Path) -> None:
    equal = dataclasses.replace(READ, census_at=kit.AS_OF, census_result="equal")
    never = dataclasses.replace(READ, entity="test_suite_link_to_manual")

    lines = lines_of(tmp_path, equal, never)

    assert line_about("defect", lines) == ["defect", "2", "2021-01-20", "complete"]
    assert line_about(never.entity, lines) == [never.entity, "2", "never", "complete"]


def test_what_says_the_same_everywhere_is_left_out_but_not_that_no_census_was_made(
    tmp_path: Path,
) -> None:
    lines = lines_of(tmp_path, READ)

    assert line_about("defect", lines) == ["defect", "2", "complete"]
    assert "census       never; octane-flows census finds what was deleted" in lines


def test_what_a_census_found_and_a_refusal_are_told(tmp_path: Path) -> None:
    found = dataclasses.replace(READ, census_at=kit.AS_OF, census_result="1 gone")
    refused = dataclasses.replace(READ, entity="story", status="refused", note="no [/right] :x:")

    text = " ".join(" ".join(lines_of(tmp_path, found, refused)).split())

    assert "2021-01-20: 1 gone complete" in text
    assert "refused: no [/right] :x:" in text
