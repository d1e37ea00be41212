"""Entity-relationship diagrams of areas, questions and tables, as text, picture or data.

Models, and counts of a warehouse, in; Mermaid, SVG, DBML or JSON out. The command `er`, the
documents, the report, notebooks and Dagster call it.
"""

from octane_flows.er_diagrams.areas import AREAS, Area, areas_of
from octane_flows.er_diagrams.chosen_diagram import chosen_diagram
from octane_flows.er_diagrams.dbml_text import dbml_text
from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line
from octane_flows.er_diagrams.diagram_counts import with_counts
from octane_flows.er_diagrams.diagram_json import diagram_json
from octane_flows.er_diagrams.draw_diagrams import area_diagram, question_diagram, table_diagram
from octane_flows.er_diagrams.mermaid_text import mermaid_text
from octane_flows.er_diagrams.notebook_diagram import NotebookDiagram
from octane_flows.er_diagrams.svg_picture import svg_picture

__all__ = [
    "AREAS",
    "Area",
    "Box",
    "BoxColumn",
    "Diagram",
    "Line",
    "NotebookDiagram",
    "area_diagram",
    "areas_of",
    "chosen_diagram",
    "dbml_text",
    "diagram_json",
    "mermaid_text",
    "question_diagram",
    "svg_picture",
    "table_diagram",
    "with_counts",
]
