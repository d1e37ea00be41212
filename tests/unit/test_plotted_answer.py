"""`.plot()` of an answer: the report's charts in a notebook, or a sentence in their place."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from xml.etree import ElementTree

import duckdb
import pytest

import octane_flows as of
from octane_flows.api import Answer, OpenWarehouse, Plot
from octane_flows.api.plotted_answer import answer_of, plot_of
from octane_flows.errors import UsageError
from octane_flows.questions import question_named
from octane_flows.reports.default_charts import CHARTS
from octane_flows.warehouse import build
from tests.golden import kit

WEEKS = """
select '1002' as workspace_id, label as environment_label, date '2021-01-04' as week_date,
    results as result_count, 3 as failed_count
from (values ('debian', 100), ('ubuntu', 10)) as weeks(label, results)
"""


@pytest.fixture(scope="module")
def wh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWarehouse]:
    """A warehouse with one release and nothing else."""
    folder = tmp_path_factory.mktemp("plotted")
    kit.write_lake(folder, {"release": [{"id": "5", "type": "release", "name": "2.8"}]})
    build(folder)
    with of.open(folder) as opened:
        yield opened


@pytest.fixture
def weeks() -> Iterator[Answer]:
    """Rows as `results_per_week` gives them."""
    with duckdb.connect() as connection:
        yield answer_of(question_named("metric", "results_per_week"), connection.sql(WEEKS))


def test_an_answer_is_a_relation_with_a_chart(weeks: Answer) -> None:
    assert isinstance(weeks, duckdb.DuckDBPyRelation)
    assert len(weeks) == len(weeks.df()) == 2
    assert weeks.filter("environment_label = 'debian'").fetchall()[0][1] == "debian"
    assert weeks.aggregate("sum(result_count)").fetchall() == [(110,)]
    joined = weeks.set_alias("a").join(weeks.set_alias("b"), "week_date")
    assert len(joined.fetchall()) == 4

    plot = weeks.plot()

    assert "debian" in plot.svg
    assert "ubuntu" in plot.svg
    assert "currentColor" not in plot.svg, "a viewer need not give it the colour of its page"
    assert plot.svg.count(">failed, %<") == 1, "the second chart stands below the first"
    ElementTree.fromstring(plot.svg)
    assert "ubuntu" not in weeks.filter("environment_label = 'debian'").plot().svg


def test_jupyter_and_marimo_show_the_picture_and_altair_takes_it_on(weeks: Answer) -> None:
    plot = weeks.plot()

    assert set(plot._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert plot._mime_() == ("image/svg+xml", plot.svg)
    assert repr(plot) == "Chart of the metric results_per_week."
    assert plot.chart is not None
    assert plot.chart.to_dict()["vconcat"]


def test_an_answer_can_be_copied_as_a_relation_can(weeks: Answer) -> None:
    assert copy.copy(weeks).fetchall() == weeks.fetchall()


@pytest.mark.parametrize("slug", CHARTS)
def test_an_empty_answer_gives_a_sentence(slug: str, wh: OpenWarehouse) -> None:
    rows = wh.metric(slug).filter("false")

    plot = rows.plot()

    assert plot == Plot(f"The metric {slug} has no rows, so there is nothing to draw.")
    assert plot._repr_mimebundle_() == {"text/plain": plot.sentence}
    assert plot._mime_() == ("text/plain", plot.sentence)
    assert (plot.svg, plot.chart) == ("", None)


@pytest.mark.parametrize(
    ("kind", "slug"),
    [("flow", "planned_runs"), ("metric", "overdue"), ("plan", "stories_with_completed_tasks")],
)
def test_a_question_without_a_chart_says_which_have_one(
    kind: str, slug: str, wh: OpenWarehouse
) -> None:
    answer = {"flow": wh.flow, "metric": wh.metric, "plan": wh.plan}[kind](slug)

    sentence = repr(answer.plot())

    assert sentence.startswith(f"The {kind} {slug} has no chart; .df() shows its rows. Charts have")
    assert "burn_up, changes" in sentence


def test_rows_of_which_a_chart_shows_nothing_are_named() -> None:
    with duckdb.connect() as connection:
        rows = connection.sql("select 1 as change_number, 'runs' as change_code, 5 as run_count")
        plot = plot_of(question_named("metric", "changes"), rows)

    assert repr(plot) == (
        "The rows of the metric changes have nothing that its chart shows; .df() shows them."
    )


def test_a_missing_library_is_named_in_a_sentence(
    weeks: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules]:
        if name.startswith("octane_flows.reports"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "altair", None)

    with pytest.raises(UsageError, match=r"because altair is missing; run pip install"):
        weeks.plot()


def test_a_chart_that_cannot_be_drawn_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"could not be drawn: .*write \.df\(\) in place"):
        _ = Plot("a chart", {"mark": 7}).svg
