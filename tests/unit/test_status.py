"""`status` on a narrow terminal: a line for each entity type, and a sentence for what is odd."""

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
    """A lake that has no figures of the requests to the server."""

    def current(self) -> Manifest | None:
        manifest = super().current()
        return dataclasses.replace(manifest, politeness={}) if manifest is not None else None


def lines_of(home: Path, *certificate: CertificateRow) -> list[str]:
    kit.write_lake(home, {}, certificate=list(certificate))
    output = io.StringIO()
    print_status(home, QuietLake(home / "lake"), plain_console(file=output, width=NARROW))
    return output.getvalue().splitlines()


def line_about(entity: str, lines: list[str]) -> list[str]:
    (line,) = [line for line in lines if line.strip().startswith(entity)]
    return line.split()


def test_each_entity_type_has_a_line_of_its_own(tmp_path: Path) -> None:
    equal = dataclasses.replace(READ, census_at=kit.AS_OF, census_result="equal")
    never = dataclasses.replace(READ, entity="test_suite_link_to_manual")

    lines = lines_of(tmp_path, equal, never)

    assert line_about("defect", lines) == ["defect", "2", "2021-01-20", "complete"]
    assert line_about(never.entity, lines) == [never.entity, "2", "never", "complete"]


def test_columns_without_a_difference_are_left_out_but_a_missing_census_is_printed(
    tmp_path: Path,
) -> None:
    lines = lines_of(tmp_path, READ)

    assert line_about("defect", lines) == ["defect", "2", "complete"]
    assert "census       never; octane-flows census finds what was deleted" in lines


def test_entity_types_without_rows_are_counted_below_the_lines(tmp_path: Path) -> None:
    empty = dataclasses.replace(READ, entity="story", rows_held=0, rows_read=0)
    emptied = dataclasses.replace(empty, entity="epic", tombstones={"deleted": 2})

    lines = lines_of(tmp_path / "some", READ, empty, emptied)
    assert "empty        1 entity type without rows is left out; meta.certificate has all" in lines
    assert not any(line.strip().startswith("story") for line in lines)
    assert any(line.strip().startswith("epic") for line in lines)
    assert not any(line.startswith("empty") for line in lines_of(tmp_path / "none", READ))


def test_the_result_of_a_census_and_a_refusal_are_printed(tmp_path: Path) -> None:
    counted = dataclasses.replace(READ, census_at=kit.AS_OF, census_result="1 deleted")
    refused = dataclasses.replace(READ, entity="story", status="refused", note="no [/right] :x:")

    text = " ".join(" ".join(lines_of(tmp_path, counted, refused)).split())

    assert "2021-01-20: 1 deleted complete" in text
    assert "refused: no [/right] :x:" in text
