"""Entity-relationship diagrams: what they show follows from the models and a question's SQL."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from typer.testing import CliRunner, Result

from octane_flows.cli import app
from octane_flows.er_diagrams import (
    AREAS,
    Box,
    BoxColumn,
    Diagram,
    Line,
    NotebookDiagram,
    area_diagram,
    chosen_diagram,
    dbml_text,
    diagram_json,
    mermaid_text,
    question_diagram,
    svg_picture,
    with_counts,
)
from octane_flows.er_diagrams.draw_diagrams import (
    all_relations,
    all_uses,
    question_names,
    relations_of,
    table_names,
)
from octane_flows.er_diagrams.two_column_layout import Edge, place_boxes
from octane_flows.errors import UsageError
from octane_flows.lake import ColumnEntry, FieldEntry, TableEntry
from octane_flows.models.entity_relations import WORKSPACE
from octane_flows.models.joined_columns import Join
from octane_flows.models.lineage import Origin
from octane_flows.models.model import load_models
from octane_flows.warehouse import build, connect, warehouse_path
from octane_flows.warehouse.link_counts import user_defined_relations
from tests.golden import kit
from tests.pages.er import er_page, reason, undrawn_fields
from tests.pages.undrawn_relations import UNDRAWN, UNDRAWN_COLUMNS

#: Columns whose relations are not declared; docs/er.md says why.
WITHOUT_LINES = {Origin(*name.rsplit(".", 1)) for name in UNDRAWN_COLUMNS}
SMALL = Diagram(
    "Two tables",
    (
        Box("er.runs", (BoxColumn("run_id", is_key=True), BoxColumn("test_id", False, True)), 3),
        Box("er.tests", (BoxColumn("test_id", is_key=True), BoxColumn("test_name"))),
    ),
    (Line("er.runs", "test_id", "er.tests", "test_id", ("run_manual.test",), links=3, dangling=1),),
)


def between_tables(join: Join) -> bool:
    """Whether a condition joins ids of two `er` tables: a relation must stand behind it."""
    return all(
        left.table.startswith("er.")
        and right.table.startswith("er.")
        and left.table != right.table
        and {left.column, right.column} != {WORKSPACE}
        and left.column.endswith(("_id", "_code"))
        and right.column.endswith(("_id", "_code"))
        for left, right in join
    )


@pytest.mark.parametrize("name", question_names())
def test_a_diagram_has_every_relation_that_the_sql_joins_by(name: str) -> None:
    diagram = question_diagram(name)
    drawn = {(line.source, line.column) for line in diagram.lines}
    for join in all_uses()[name].joins:
        if between_tables(join) and not WITHOUT_LINES & {it for pair in join for it in pair}:
            relations = relations_of(join)
            assert relations, f"{name} joins by {sorted(join)}: declare '-- relation' in sql/er"
            assert {(it.source, it.column) for it in relations} <= drawn


@pytest.mark.parametrize("name", question_names())
def test_a_diagram_has_every_table_that_the_sql_reads(name: str) -> None:
    tables = {box.name for box in question_diagram(name).boxes}

    assert {table for table in all_uses()[name].tables if table.startswith("er.")} <= tables


def test_the_joins_of_a_flow_are_seen_through_common_tables_and_subqueries() -> None:
    lines = {
        f"{line.source}.{line.column}"
        for line in question_diagram("flow.failed_automated_runs").lines
    }

    assert lines >= {
        "er.runs.test_id",
        "er.runs.build_id",
        "er.defect_runs.run_id",
        "er.run_environments.environment_id",
        "er.test_module_ancestors.test_id",
    }


def test_every_relation_names_a_field_of_the_rest_api() -> None:
    # versions of work items are taken from generations of the lake, and not from the server
    without = {relation.name for relation in all_relations() if not relation.fields}

    assert without == {
        "er.done_periods.work_item_id",
        "er.field_periods.work_item_id",
        "er.phase_periods.phase_id",
        "er.phase_periods.work_item_id",
    }


def test_every_table_of_an_area_exists_and_has_a_relation() -> None:
    for area in AREAS:
        diagram = area_diagram(area)
        linked = {name for line in diagram.lines for name in (line.source, line.target)}
        assert {box.name for box in diagram.boxes} == linked, area.slug


def test_every_table_stands_in_an_area() -> None:
    in_areas = {name for area in AREAS for name in (*area.tables, *area.around)}

    # these refer to rows of any type, or to so many that their relations are not counted
    assert set(table_names()) - in_areas == {"er.automated_results", "er.owner_changes"}


def test_every_reference_of_the_field_model_is_drawn_or_has_a_reason() -> None:
    assert [field for field in undrawn_fields() if reason(field) is None] == []


def test_no_reason_is_stale() -> None:
    first = {
        next((pattern for pattern in UNDRAWN if fnmatchcase(field, pattern)), None)
        for field in undrawn_fields()
    }

    assert set(UNDRAWN) - first == set()


def test_every_column_without_a_line_is_joined_by_and_stands_on_the_page() -> None:
    joined = {
        origin
        for uses in all_uses().values()
        for join in uses.joins
        if between_tables(join)
        for pair in join
        for origin in pair
    }
    page = er_page()

    assert joined >= WITHOUT_LINES
    assert not {relation.name for relation in all_relations()} & set(UNDRAWN_COLUMNS)
    assert all(f"| `{name}` | {text} |" in page for name, text in UNDRAWN_COLUMNS.items())


def test_every_relation_stands_in_the_picture_of_an_area() -> None:
    drawn = {f"{line.source}.{line.column}" for area in AREAS for line in area_diagram(area).lines}

    assert {relation.name for relation in all_relations()} - drawn == set()


def test_mermaid_has_keys_relations_and_counts() -> None:
    assert mermaid_text(SMALL).splitlines() == [
        "erDiagram",
        '    runs["runs: 3 rows"] {',
        "        id run_id PK",
        "        id test_id FK",
        "    }",
        "    tests {",
        "        id test_id PK",
        "        text test_name",
        "    }",
        '    tests |o--o{ runs : "test_id (REST: test) 3 links, 1 lead nowhere"',
    ]


def test_dbml_joins_by_the_workspace_too() -> None:
    text = dbml_text(SMALL)

    assert "indexes { (workspace_id, run_id) [pk] }" in text
    assert "Ref: er.runs.(workspace_id, test_id) > er.tests.(workspace_id, test_id)" in text


def test_json_has_what_the_other_formats_have() -> None:
    (relation,) = json.loads(diagram_json(SMALL))["relations"]

    assert (relation["source_table"], relation["rest_fields"]) == ("er.runs", ["run_manual.test"])
    assert (relation["link_count"], relation["dangling_count"]) == (3, 1)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.slug)
def test_boxes_of_a_picture_do_not_overlap_and_stand_inside(area: object) -> None:
    picture = ElementTree.fromstring(svg_picture(area_diagram(area)))  # type: ignore[arg-type]
    width, height = (float(picture.attrib[name]) for name in ("width", "height"))
    boxes = [
        tuple(float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
        for shape in picture.iter("{http://www.w3.org/2000/svg}rect")
        if shape.attrib.get("class") == "b"
    ]

    assert width <= 900  # a phone and a sheet of paper show it legibly
    assert len(boxes) == len(area_diagram(area).boxes)  # type: ignore[arg-type]
    for x, y, wide, high in boxes:
        assert min(x, y) >= 0
        assert (x + wide <= width, y + high <= height) == (True, True)
    for (x, y, wide, high), (x2, y2, wide2, high2) in combinations(boxes, 2):
        assert x + wide < x2 or x2 + wide2 < x or y + high < y2 or y2 + high2 < y


def test_a_picture_shows_fields_and_counts_and_has_no_ids() -> None:
    picture = svg_picture(SMALL)

    assert "REST: test · 3 links, 1 lead nowhere" in picture
    assert "3 rows" in picture
    assert not re.search(r'\bid="', picture)


def test_the_styles_of_a_picture_concern_no_other_part_of_a_page() -> None:
    style = re.search("<style>(.*)</style>", svg_picture(SMALL), re.DOTALL)

    assert style
    selectors = ",".join(re.findall(r"([^{}]+)\{", style[1])).split(",")
    assert all(selector.strip().startswith(".er ") for selector in selectors)


def test_linked_boxes_stand_side_by_side() -> None:
    places = place_boxes(
        {"a": 100, "b": 100, "c": 100, "d": 100},
        [Edge("a", 50, "d", 50), Edge("b", 50, "c", 50)],
    )

    for left, right in (("a", "d"), ("b", "c")):
        assert places.top[left] == places.top[right]
        assert places.column[left] != places.column[right]


def test_an_area_a_flow_and_a_table_can_be_named() -> None:
    assert chosen_diagram(["defects"]).title == "Defects"
    assert chosen_diagram(["planned_runs"]).title == "flow.planned_runs"
    assert "er.runs" in {box.name for box in chosen_diagram(["er.defect_runs"]).boxes}
    assert {
        box.name for box in chosen_diagram(["er.defects", "er.runs", "er.defect_runs"]).boxes
    } == {"er.defects", "er.runs", "er.defect_runs"}
    assert {box.name for box in chosen_diagram([]).boxes} == set(table_names())


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'defects'"):
        chosen_diagram(["defect"])


def test_a_notebook_gets_mermaid_and_a_picture() -> None:
    bundle = NotebookDiagram(SMALL)._repr_mimebundle_()

    assert bundle["text/vnd.mermaid"].startswith("erDiagram")
    assert bundle["image/svg+xml"].startswith("<svg")


USER_DEFINED = [
    FieldEntry("1002", "defect", name, name, "reference", is_multiple, True, targets, None, 1, 1)
    for name, is_multiple, targets in (
        ("helper_udf", False, ("workspace_user",)),
        ("browsers_udf", True, ("list_node",)),
        ("anything_udf", False, ("defect", "release")),
    )
]


def with_columns(table: str, *columns: str) -> TableEntry:
    entity, _, field = table.partition("__")
    entries = tuple(ColumnEntry(name, "VARCHAR") for name in columns)
    return TableEntry(table, "link" if field else "entity", entity, field, table, entries, ())


def test_references_of_user_defined_fields_are_relations() -> None:
    relations = user_defined_relations(
        load_models(),
        USER_DEFINED,
        [
            with_columns("defect", "helper_udf_id", "anything_udf_id"),
            with_columns("defect__browsers_udf", "target_id"),
        ],
    )

    assert [(it.name, it.target, it.fields) for it in relations] == [
        ("octane.defect.helper_udf_id", "er.users", ("defect.helper_udf",)),
        ("octane.defect__browsers_udf.target_id", "er.list_items", ("defect.browsers_udf",)),
    ]


NAMES = ("er.releases", "er.defects", "er.phases", "er.list_items", "er.users")
FEW = [model for model in load_models() if model.name in NAMES]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with three defects, of which two name a release and one of these is gone."""
    folder = tmp_path_factory.mktemp("er")
    defects = [
        {"id": "1", "type": "defect", "release_id": "7"},
        {"id": "2", "type": "defect", "release_id": "8"},
        {"id": "3", "type": "defect"},
    ]
    kit.write_lake(
        folder, {"defect": defects, "release": [{"id": "7", "type": "release", "name": "r"}]}
    )
    build(folder, models=FEW)
    return folder


def er(home: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("OCTANE_HOME", str(home))
    return CliRunner().invoke(app, ["er", *arguments], catch_exceptions=False)


def test_meta_relations_counts_references_and_those_that_lead_nowhere(home: Path) -> None:
    with connect(home) as connection:
        counts = connection.execute(
            "select row_count, link_count, dangling_count, rest_fields from meta.relations "
            "where source_table = 'er.defects' and source_column = 'release_id'"
        ).fetchall()

    assert counts == [(3, 2, 1, ["defect.release"])]


def test_the_command_draws_with_the_counts_of_the_warehouse(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = er(home, monkeypatch, "defects").stdout
    er(home, monkeypatch, "defects", "--format", "svg", "--output", str(tmp_path / "defects.svg"))

    assert 'defects["defects: 3 rows"]' in text
    assert 'defects : "release_id (REST: release) 2 links, 1 lead nowhere"' in text
    assert "2 links, 1 lead nowhere" in (tmp_path / "defects.svg").read_text(encoding="utf-8")


def test_without_a_warehouse_the_command_draws_without_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = er(tmp_path, monkeypatch, "defects")

    assert result.stdout == mermaid_text(chosen_diagram(["defects"]))
    assert "without counts" in result.stderr


def test_show_names_the_relations_of_a_table(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(home))
    shown = CliRunner().invoke(app, ["show", "er.releases"], catch_exceptions=False).stdout

    assert "relations of er.releases" in shown
    assert "er.defects.release_id" in shown


def test_a_diagram_has_the_references_of_user_defined_fields(home: Path) -> None:
    own = (
        "insert into meta.relations (source_table, source_column, target_table, target_column, "
        "rest_fields, is_user_defined, link_count, dangling_count) values ('octane.defect', "
        "'helper_udf_id', 'er.users', 'user_id', ['defect.helper_udf'], true, 4, 0)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse_path(home)}' as published (read_only)")
        connection.execute("create schema meta")
        for table in ("models", "columns", "relations"):
            connection.execute(f"create table meta.{table} as from published.meta.{table}")
        connection.execute(own)
        diagram = with_counts(chosen_diagram(["defects"]), connection)

    (line,) = [line for line in diagram.lines if line.column == "helper_udf"]
    assert (line.source, line.target, line.links) == ("er.defects", "er.users", 4)
    (box,) = [box for box in diagram.boxes if box.name == "er.defects"]
    assert box.columns[-1].name == "helper_udf"
