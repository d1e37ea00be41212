"""The gate: its language and verdicts; nothing passes by numbers that cannot be trusted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from octane_flows.errors import UsageError
from octane_flows.gate import (
    Verdict,
    as_json,
    as_junit,
    as_text,
    judge,
    parse_criteria,
    query_scope,
    read_criteria,
    scope_named,
)
from octane_flows.gate.gate_scope import FORMULAS
from octane_flows.gate.trust import doubts
from octane_flows.lake import CertificateRow
from octane_flows.questions import question_named, run_question
from octane_flows.warehouse import build
from octane_flows.warehouse.meta.certificate_tables import COMPLETENESS_SQL
from tests.golden import kit
from tests.golden.pages import Row
from tests.needed_models import needed_models

ROOT = Path(__file__).resolve().parents[2]
NAMES = tuple(FORMULAS)
VALUES = {**dict.fromkeys(NAMES, 0.0), "pass_ratio": 0.9, "run_count": 10.0, "done_ratio": None}
NOW = kit.AS_OF.replace(tzinfo=None)
PASSED, FAILED = "list_node.run_status.passed", "list_node.run_status.failed"
ROWS: dict[str, list[dict[str, Any]]] = {
    "list_node": [{"id": id, "logical_name": id, "name": id} for id in (PASSED, FAILED)],
    "release": [
        {"id": id, "name": name} for id, name in (("1", "R1"), ("2", "Twice"), ("3", "Twice"))
    ],
    "test_manual": [{"id": "11", "type": "test_manual", "name": "Test 11"}],
    "run_manual": [
        {
            "id": str(id),
            "type": "run_manual",
            "test_id": "11",
            "status_id": status,
            "release_id": "1",
        }
        for id, status in ((101, PASSED), (102, PASSED), (103, FAILED))
    ],
    "test_manual__last_runs": [
        {"source_id": "11", "target_id": str(id), "target_type": "run_manual"}
        for id in (101, 102, 103)
    ],
}


def holds(text: str) -> list[bool | None]:
    return [criterion.tree.holds(VALUES) for criterion in parse_criteria(text, NAMES)]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("pass_ratio >= 0.9", [True]),
        ("pass_ratio >= 90%", [True]),
        ("pass_ratio > .9", [False]),
        ("0.9% = 0.009 and 99.9 % = 0.999 and .7% = 0.007", [True, True, True]),
        ("run_count = 10 and failed_count == 0", [True, True]),
        ("run_count <> 10 AND failed_count != 1", [False, True]),
        ("(run_count < 5 or pass_ratio > 0.5) and 3 <= run_count", [True, True]),
        ("run_count < 5 or pass_ratio > 0.5", [True]),
        ("not (run_count < 5 and pass_ratio > 0.5)", [True]),
        ("not not run_count = 10", [True]),
        ("done_ratio >= 0", [None]),
        ("done_ratio >= 0 or run_count = 10", [True]),
        ("not done_ratio >= 0", [None]),
        ("(done_ratio >= 0 and run_count = 9)", [False]),
    ],
)
def test_criteria_are_compared(text: str, results: list[bool | None]) -> None:
    assert holds(text) == results


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pass_rate >= 1", r"no variable pass_rate \(the nearest is pass_ratio\)"),
        ("pass_ratio >=", "at their end: expected a variable or a number"),
        ("pass_ratio 3", "expected one of >= >"),
        ("", "at their end"),
        ("(pass_ratio > 1", "bracket is not closed"),
        ("pass_ratio > 1)", "expected 'and', 'or' or the end"),
        ("pass_ratio => 95%", "the sign is written >="),
        ("pass_ratio >= 0,95", "have a point"),
        ("pass_ratio >= 95", r"a share from 0 to 1, with 95; write 95%\."),
        ("950 > pass_ratio", "write a share such as 0.95 or 95%"),
        ("run_count > 1 && failed_count = 0", "write and"),
        ("1/0 = 1", "no arithmetic"),
        ("90% <= pass_ratio <= 100%", "need 'and' between them"),
        ("run_count > 1 or run_count < 3 and pass_ratio > 1", "write brackets"),
        ("__import__('os').system('x') > 1", "cannot be read at"),
        ("pass_ratio > 1; drop", "cannot be read at '; drop'"),
        ("(" * 60 + "run_count > 1" + ")" * 60, "nested deeper"),
        ("run_count > 1 and " * 1000 + "run_count > 1", "more than 10,000"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse_criteria(text, NAMES)


@given(st.text(alphabet="andortpass_ratio()<>=!.0123456789% \n\x00é", max_size=60))
def test_no_text_breaks_the_language(text: str) -> None:
    try:
        criteria = parse_criteria(text, NAMES)
    except UsageError:
        return
    assert all(criterion.text in text for criterion in criteria)


def test_a_file_has_a_criterion_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "criteria.txt"
    file.write_text("# the winter release\npass_ratio >= 0.5  # half\n\nrun_count > 0\n")

    for name in (str(file), f"@{file}"):
        texts = [criterion.text for criterion in read_criteria(name, NAMES)]
        assert texts == ["pass_ratio >= 0.5", "run_count > 0"]
    file.write_text("run_count > 0\nrun_cuont > 0\n")
    with pytest.raises(UsageError, match=r"criteria.txt, line 2: .*nearest is run_count"):
        read_criteria(str(file), NAMES)
    with pytest.raises(UsageError, match="There is no criteria file"):
        read_criteria("no_such_criteria.txt", NAMES)
    with pytest.raises(UsageError, match=r"none.txt cannot be read \(No such file or directory\)"):
        read_criteria(f"@{tmp_path / 'none.txt'}", NAMES)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rows = {
        name: tuple(Row({**row, "_workspace_id": "1002"}) for row in rows)
        for name, rows in ROWS.items()
    }
    with kit.open_filled(rows, ["1002"]) as opened:
        opened.execute(COMPLETENESS_SQL)
        opened.execute(
            "insert into meta.certificate by name select '1002' as workspace_id, entity, "
            "'complete' as status, 3 as total_count, 3 as rows_read, 3 as rows_held, "
            "cast(? as timestamp) as cursor_at "
            "from (values ('run_manual'), ('defect')) as t(entity)",
            [NOW],
        )
        opened.execute(
            "insert into meta.workspace_rows by name select '1002' as workspace_id, entity, "
            "3 as row_count from (values ('run_manual'), ('defect')) as t(entity)"
        )
        yield opened


def verdict(connection: duckdb.DuckDBPyConnection, text: str, **age: Any) -> Verdict:
    scope = scope_named(connection, "release", "r1")
    against = doubts(
        connection, scope.workspace_id, now=age.get("now", NOW), max_age=age.get("max_age")
    )
    criteria = parse_criteria(text, NAMES)
    return judge(scope, criteria, against, generation=1, as_of="2021-01-20T21:00:00")


def test_a_verdict_is_the_exit_code(connection: duckdb.DuckDBPyConnection) -> None:
    assert verdict(connection, "pass_ratio > 0.6").exit_code == 0
    assert verdict(connection, "pass_ratio > 0.6 and failed_count = 0").exit_code == 1
    assert verdict(connection, "done_ratio >= 0").exit_code == 1  # nothing to divide by
    age = timedelta(hours=1)
    assert verdict(connection, "run_count = 3", now=NOW + age, max_age=age).exit_code == 0
    late = NOW + age + timedelta(seconds=1)
    assert verdict(connection, "run_count = 3", now=late, max_age=age).exit_code == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("update meta.certificate set status = 'refused' where entity = 'defect'", "was refused"),
        ("update meta.certificate set status = 'absent' where entity = 'defect'", "was absent"),
        ("update meta.certificate set rows_read = 2 where entity = 'run_manual'", "is not whole"),
        ("update meta.certificate set rows_held = 4 where entity = 'run_manual'", "is not whole"),
        ("update meta.certificate set rejected_value_count = 1", "do not fit"),
        ("update meta.certificate set status = 'carried', rows_held = 4", "4 rows are held"),
        ("delete from meta.certificate", "certificate says nothing"),
        (
            "update meta.models set status = 'partial' where model = 'metric.gate_variables'",
            "partial",
        ),
    ],
)
def test_a_lost_page_or_a_refused_type_never_passes(
    connection: duckdb.DuckDBPyConnection, change: str, sentence: str
) -> None:
    connection.execute(change)

    judged = verdict(connection, "pass_ratio > 0.6 and run_count = 3")

    assert judged.exit_code == 3
    assert any(sentence in doubt for doubt in judged.doubts)
    suite = ElementTree.fromstring(as_junit(judged)).find("testsuite")
    assert suite is not None
    assert (suite.get("errors"), suite.get("skipped"), suite.get("tests")) == ("1", "2", "3")


def test_a_type_that_does_not_count_may_be_refused(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into meta.certificate by name select '1002' as workspace_id, "
        "'pipeline' as entity, 'refused' as status"
    )
    assert verdict(connection, "run_count = 3").exit_code == 0


def test_reasons_are_written_in_three_forms(connection: duckdb.DuckDBPyConnection) -> None:
    judged = verdict(connection, "pass_ratio > 0.6 and failed_count < 1")

    assert re.search(r"failed +failed_count < 1 +failed_count = 1", as_text(judged))
    content = json.loads(as_json(judged))
    assert content["status"] == "failed"
    assert [row["result"] for row in content["criteria"]] == ["passed", "failed"]
    cases = ElementTree.fromstring(as_junit(judged)).findall("testsuite/testcase")
    assert [case.find("failure") is not None for case in cases] == [False, False, True]


def test_formulas_are_those_of_the_metric_and_of_the_page(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    answer = run_question(connection, question_named("metric", "gate_variables")).to_pylist()
    assert {row["variable_code"]: row["formula"] for row in answer} == FORMULAS
    page = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {formula} |" in page for name, formula in FORMULAS.items())


def test_wrong_names_are_one_sentence(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="did you mean 'R1'"):
        scope_named(connection, "release", "R11")
    with pytest.raises(UsageError, match="id 2 in workspace 1002, id 3 in workspace 1002"):
        scope_named(connection, "release", "Twice")
    assert scope_named(connection, "release", "3").values["run_count"] == 0


def test_a_query_names_tests(connection: duckdb.DuckDBPyConnection) -> None:
    scope = query_scope(connection, "select workspace_id, test_id from er.tests")
    assert scope.values["pass_ratio"] == pytest.approx(2 / 3)
    with pytest.raises(UsageError, match="must answer the columns workspace_id and test_id"):
        query_scope(connection, "select test_id from er.tests")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    row = CertificateRow("1002", "run_manual", "runs", 3, 3, 1, 10, "complete", rows_held=3)
    kit.write_lake(folder, ROWS, certificate=[row])
    build(folder, models=needed_models("metric.gate_variables", "check.certificate_adds_up"))
    return folder


def snippets() -> dict[str, str]:
    """The commands of the page's snippets, each read as its own system reads it."""
    page = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"## (\w+)\n\n```\w+\n(.*?)```", page, re.DOTALL))
    gitlab = yaml.safe_load(blocks["GitLab"])["release_gate"]
    github = yaml.safe_load(blocks["GitHub"])["jobs"]["gate"]
    assert blocks["Jenkins"].count("{") == blocks["Jenkins"].count("}")
    assert gitlab["artifacts"]["reports"]["junit"] == "gate.xml"
    (jenkins,) = re.findall(r"sh '(.*)'", blocks["Jenkins"])
    return {"Jenkins": jenkins, "GitLab": gitlab["script"][0], "GitHub": github["steps"][0]["run"]}


@pytest.mark.parametrize("system", ["Jenkins", "GitLab", "GitHub"])
@pytest.mark.parametrize(("ratio", "code"), [("0.5", 0), ("0.9", 1)])
def test_snippets_run(home: Path, tmp_path: Path, system: str, ratio: str, code: int) -> None:
    command = snippets()[system].replace("pass_ratio >= 0.5", f"pass_ratio >= {ratio}")
    program = f"octane-flows() {{ '{sys.executable}' -m octane_flows \"$@\"; }}\n{command}"

    ended = subprocess.run(
        ["bash", "-e", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "OCTANE_HOME": str(home)}, timeout=300,
    )  # fmt: skip

    assert ended.returncode == code, ended.stdout + ended.stderr
    written = next(tmp_path.glob("gate.*")).read_text(encoding="utf-8")
    assert "pass_ratio" in written
