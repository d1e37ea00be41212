"""What the documents say is what the product does."""

from __future__ import annotations

from tests.generated_docs import README, fresh_readme


def test_the_readme_lists_the_flows_as_they_are() -> None:
    assert fresh_readme() == README.read_text(encoding="utf-8"), "run: make docs"
