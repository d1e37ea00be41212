"""A diagram for notebooks: JupyterLab draws its Mermaid text, other viewers show its picture.

A `Diagram` in; the last line of a cell shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from octane_flows.er_diagrams.diagram import Diagram
from octane_flows.er_diagrams.mermaid_text import mermaid_text
from octane_flows.er_diagrams.svg_picture import svg_picture


@dataclass(frozen=True)
class NotebookDiagram:
    """A diagram that a notebook shows; `mermaid` and `svg` are its texts."""

    diagram: Diagram

    @property
    def mermaid(self) -> str:
        """The diagram in Mermaid's language."""
        return mermaid_text(self.diagram)

    @property
    def svg(self) -> str:
        """The diagram as a picture."""
        return svg_picture(self.diagram)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {
            "text/vnd.mermaid": self.mermaid,
            "image/svg+xml": self.svg,
            "text/plain": self.mermaid,
        }
