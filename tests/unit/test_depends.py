"""Which columns of a model tell the rows that a changed row of a table can concern."""

from __future__ import annotations

from pathlib import Path

import pytest

from octane_flows.models.row_dependencies import row_dependencies
from octane_flows.warehouse import load_models

RUNS = """-- Which runs?
-- source: octane.run
-- grain: one run
-- key: workspace_id, run_id
select
    run._workspace_id as workspace_id, -- its workspace
    run.id as run_id, -- its id
    run.test_id -- its test
from octane.run as run
"""
HEADER = "-- What?\n-- source: octane.run\n-- grain: a row\n-- key: run_id\n"
LINKS = (
    "select\n    link.source_id as run_id, -- run\n    {value} as found -- what\n"
    "from octane.run__tags as link\n"
)


def told(folder: Path, sql: str) -> dict[str, list[list[str]]]:
    """What the model er.asked depends on: by table the columns of each place that reads it."""
    (folder / "er").mkdir()
    (folder / "er" / "runs.sql").write_text(RUNS)
    (folder / "er" / "asked.sql").write_text(HEADER + sql)
    dependencies = row_dependencies(load_models(folder))["er.asked"]
    return {table: sorted(map(sorted, places)) for table, places in sorted(dependencies.items())}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (LINKS.format(value="link.target_id"), {"octane.run__tags": [["run_id"]]}),
        (
            LINKS.format(value="runs.test_id") + "left join er.runs as runs\n"
            "on runs.workspace_id = link._workspace_id and runs.run_id = link.source_id",
            {"octane.run": [["run_id"]], "octane.run__tags": [["run_id"]]},
        ),
        (  # the joined column is null where nothing was found, so it tells neither
            LINKS.format(value="runs.run_id").replace("link.source_id", "upper(link.source_id)")
            + "left join er.runs as runs on runs.run_id = link.source_id",
            {"octane.run": [[]], "octane.run__tags": [[]]},
        ),
        (  # an inner join has no such rows
            LINKS.format(value="runs.run_id").replace("link.source_id", "upper(link.source_id)")
            + "join er.runs as runs on runs.run_id = link.source_id",
            {"octane.run": [["found"]], "octane.run__tags": [["found"]]},
        ),
        (  # neither by another column, nor by an expression
            LINKS.format(value="runs.test_id")
            + "left join er.runs as runs on runs.test_id = link.source_id or runs.run_id is null",
            {"octane.run": [[]], "octane.run__tags": [["run_id"]]},
        ),
        (
            LINKS.format(value="count(*)") + "group by link.source_id",
            {"octane.run__tags": [["run_id"]]},
        ),
        (
            LINKS.format(value="row_number() over (order by link.target_id)"),
            {"octane.run__tags": [[]]},
        ),
        (
            LINKS.format(value="link.target_id")
            + "where exists (select 1 from octane.run as run where run.id = link.source_id)",
            {"octane.run": [[]], "octane.run__tags": [["run_id"]]},
        ),
        (LINKS.format(value="1") + "order by link.source_id limit 3", {"octane.run__tags": [[]]}),
        (
            LINKS.format(value="1") + "union all by name\n" + LINKS.format(value="2"),
            {"octane.run__tags": [["run_id"]]},
        ),
        (
            "with all_rows as (select link.source_id, link.target_id from octane.run__tags as link "
            "union all by name select run.id as source_id from octane.run as run)\n"
            "select rows_.source_id as run_id, -- run\nrows_.target_id as found -- what\n"
            "from all_rows as rows_",
            {"octane.run": [["run_id"]], "octane.run__tags": [["run_id"]]},
        ),
        (  # a table read twice is told by both
            "select runs.run_id, -- run\nothers.run_id as found -- what\nfrom er.runs as runs "
            "left join er.runs as others on others.run_id = runs.test_id",
            {"octane.run": [[], ["run_id"]]},
        ),
        (
            "select runs.run_id, -- run\nruns.test_id as found -- what\nfrom er.runs as runs "
            "left join er.runs as others on others.run_id = runs.test_id",
            {"octane.run": [["found"], ["run_id"]]},
        ),
    ],
)
def test_what_a_model_depends_on(
    tmp_path: Path, sql: str, expected: dict[str, list[list[str]]]
) -> None:
    assert told(tmp_path, sql) == expected


def test_runs_and_their_links_are_told_by_their_ids() -> None:
    """What changes with every refresh of a large site must not be looked at in full."""
    dependencies = row_dependencies(load_models())
    for model in ("er.runs", "er.last_runs", "er.run_environments", "er.tests", "er.test_modules"):
        links = {table: places for table, places in dependencies[model].items() if "__" in table}
        runs = {table: places for table, places in dependencies[model].items() if ".run_" in table}
        assert links | runs or model == "er.tests"
        for places in (links | runs).values():
            assert frozenset() not in places, model
