"""A link between the documents leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.generated_docs import ROOT
from tests.pages.markdown import anchor

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "src").rglob("*.md")),
]


def links_of(text: str) -> list[str]:
    """Targets within the project, outside of code."""
    prose = re.sub(r"^```.*?^```|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in link]


def anchors_of(path: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    lost = []
    for link in links_of(document.read_text("utf-8")):
        name, _, fragment = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (fragment and fragment not in anchors_of(target)):
            lost.append(link)

    assert lost == []


def test_every_page_is_linked_from_the_readme() -> None:
    links = links_of((ROOT / "README.md").read_text("utf-8"))

    for page in (ROOT / "docs").glob("*.md"):
        assert any(link.startswith(f"docs/{page.name}") for link in links), page.name


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert links_of("[one](docs/a.md#b)\n\n    [code](c.md)\n") == ["docs/a.md#b"]
    assert anchor("1. Get `x`, or y: `my_slug`") == "1-get-x-or-y-my_slug"
