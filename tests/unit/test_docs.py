"""What the documents say is what the product does."""

from __future__ import annotations

import re

import pytest

from octane_flows.parity.requests import DOCUMENTED_REQUESTS
from octane_flows.questions import Question, documented_flows
from tests.generated_docs import ROOT, stale_documents
from tests.pages.duckdb_clients import least_version
from tests.pages.flows import flow_pages, sample_requests


def test_generated_documents_are_fresh() -> None:
    assert stale_documents() == [], "run: make docs"


def test_every_flow_has_a_page_and_every_page_a_link_in_the_readme() -> None:
    page = flow_pages()

    assert "docs/flows.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    for flow in documented_flows():
        assert f"## {flow.number}. {flow.title}: `{flow.slug}`" in page


@pytest.mark.parametrize("flow", documented_flows(), ids=lambda flow: flow.slug)
def test_a_flows_page_shows_a_request(flow: Question) -> None:
    assert sample_requests(flow, DOCUMENTED_REQUESTS[flow.slug])


def test_contributing_names_every_folder_of_tests() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}

    assert len(folders) > 4
    assert {name for name in folders if f"| `tests/{name}` |" not in text} == set()


def test_documents_name_the_least_duckdb_version_that_tests_open_the_file_with() -> None:
    pattern = re.compile(r"DuckDB\s+(1\.\d+)\s+(?:and\s+later|to|on)|DuckDB client from (1\.\d+)")
    named = {
        version
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for match in pattern.finditer(path.read_text("utf-8"))
        for version in match.groups()
        if version
    }

    assert named == {least_version()}
