"""Diagrams from the models: of an area, of a question, of tables with what stands around them.

Models in, `Diagram`s without counts out. A question's diagram follows its SQL: it has the tables
that are read, the columns that are used and the relations that are joined by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from octane_flows.er_diagrams.areas import Area
from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line
from octane_flows.models.entity_relations import (
    WORKSPACE,
    EntityRelation,
    entity_relations,
)
from octane_flows.models.joined_columns import ColumnUse, Join, column_uses
from octane_flows.models.lineage import Origin
from octane_flows.models.model import Model, load_models

#: The view of user-defined fields, which is no model: its values refer to items of several kinds.
USER_DEFINED = "meta.user_defined_values"
USER_DEFINED_KEY = ("entity_type", "entity_id", "field_name", "value")
NAMES = ("_name", "_label")  # of the columns that a diagram of an area shows beside keys


@cache
def _models() -> Mapping[str, Model]:
    return {model.name: model for model in load_models()}


@cache
def all_relations() -> tuple[EntityRelation, ...]:
    """Every relation that the models declare."""
    return tuple(entity_relations(_models().values()))


@cache
def all_uses() -> Mapping[str, ColumnUse]:
    """What every question reads and joins by."""
    return column_uses(_models().values())


def table_names() -> list[str]:
    """The tables that a diagram can show."""
    return sorted(name for name, model in _models().items() if model.schema == "er")


def question_names() -> list[str]:
    """The flows, metrics and plans, with their schemas."""
    return [name for name, model in _models().items() if model.schema in ("flow", "metric", "plan")]


def area_diagram(area: Area) -> Diagram:
    """The tables of an area and those around them, with the relations of the area's tables."""
    names = (*area.tables, *area.around)
    lines = [
        relation
        for relation in all_relations()
        if {relation.source, relation.target} <= set(names)
        and {relation.source, relation.target} & set(area.tables)
    ]
    return Diagram(area.title, _boxes(names, lines), _lines(lines))


def table_diagram(names: Collection[str]) -> Diagram:
    """Tables with the relations between them; one table alone with all that stands around it."""
    chosen = set(names)
    if len(chosen) == 1:
        relations = [
            relation
            for relation in all_relations()
            if relation.source in chosen or relation.target in chosen
        ]
        chosen |= {relation.source for relation in relations}
        chosen |= {relation.target for relation in relations}
    else:
        relations = [
            relation
            for relation in all_relations()
            if relation.source in chosen and relation.target in chosen
        ]
    title = ", ".join(sorted(names)) if len(names) <= 3 else f"{len(names)} tables"
    return Diagram(title, _boxes(sorted(chosen), relations), _lines(relations))


def question_diagram(name: str) -> Diagram:
    """What a flow, metric or plan reads, by its qualified name."""
    use = all_uses()[name]
    relations = joined_relations(use.joins)
    used: dict[str, set[str]] = {}
    for origin in use.columns:
        if origin.table in _models() or origin.table == USER_DEFINED:
            used.setdefault(origin.table, set()).add(origin.column)
    for relation in relations:
        used.setdefault(relation.source, set()).add(relation.column)
        used.setdefault(relation.target, set()).add(relation.target_column)
    lines = [*_lines(relations), *_user_defined_lines(use.joins)]
    return Diagram(name, tuple(_used_box(table, used[table]) for table in sorted(used)), (*lines,))


def joined_relations(joins: Iterable[Join]) -> list[EntityRelation]:
    """The declared relations that conditions of SQL use."""
    used = {relation for join in joins for relation in relations_of(join)}
    return [relation for relation in all_relations() if relation in used]


def relations_of(join: Join) -> set[EntityRelation]:
    """The declared relations that one condition uses; none where nothing is declared.

    A condition can go from reference to key, between two references to the same key, or between
    codes of a table and of the lists or phases that it refers to.
    """
    by_column = {Origin(relation.source, relation.column): relation for relation in all_relations()}
    relations_used: set[EntityRelation] = set()
    for left, right in join:
        for column, other in ((left, right), (right, left)):
            relation = by_column.get(column)
            if relation and (relation.target, relation.target_column) == other:
                relations_used.add(relation)
        references = by_column.get(left), by_column.get(right)
        if references[0] and references[1] and _target(references[0]) == _target(references[1]):
            relations_used |= {relation for relation in references if relation}
        if left.column.endswith("_code") and right.column.endswith("_code"):
            relations_used |= {
                relation
                for relation in all_relations()
                if {relation.source, relation.target} == {left.table, right.table}
                and relation.column.removesuffix("_id") == _code_column(relation, left, right)
            }
    return relations_used


def _code_column(relation: EntityRelation, left: Origin, right: Origin) -> str:
    """The name of the code in the table that refers to lists or phases, without its ending."""
    own = left if left.table == relation.source else right
    return own.column.removesuffix("_code")


def _target(relation: EntityRelation) -> tuple[str, str]:
    return relation.target, relation.target_column


def _user_defined_lines(joins: Iterable[Join]) -> list[Line]:
    """The items that values of user-defined fields are joined to."""
    pairs = {pair for join in joins for pair in join}
    targets = sorted(
        target
        for left, right in pairs
        for value, target in ((left, right), (right, left))
        if value == (USER_DEFINED, "value") and target.table in _models()
    )
    return [Line(USER_DEFINED, "value", target.table, target.column) for target in targets]


def _lines(relations: Iterable[EntityRelation]) -> tuple[Line, ...]:
    return tuple(
        Line(
            source=relation.source,
            column=relation.column,
            target=relation.target,
            target_column=relation.target_column,
            fields=relation.fields,
            is_required=relation.is_required,
            is_unique=relation.is_unique,
            may_be_gone=relation.may_be_gone,
        )
        for relation in relations
    )


def _boxes(names: Iterable[str], relations: Collection[EntityRelation]) -> tuple[Box, ...]:
    """Tables with their keys, their references among these relations, and a name."""
    boxes = []
    for name in names:
        model = _models()[name]
        wanted = {relation.column for relation in relations if relation.source == name}
        wanted |= {relation.target_column for relation in relations if relation.target == name}
        label = next((it.name for it in model.columns if it.name.endswith(NAMES)), None)
        boxes.append(_used_box(name, wanted | ({label} if label else set())))
    return tuple(boxes)


def _used_box(name: str, used: Collection[str]) -> Box:
    """A table with its key and the used columns, in the order of its model."""
    if name == USER_DEFINED:
        return Box(
            name, tuple(BoxColumn(it, it != "value", it == "value") for it in USER_DEFINED_KEY)
        )
    model = _models()[name]
    references = {
        relation.column: relation.fields for relation in all_relations() if relation.source == name
    }
    return Box(
        name,
        tuple(
            BoxColumn(
                column.name,
                is_key=column.name in model.header.key,
                is_reference=column.name in references,
                fields=references.get(column.name, ()),
            )
            for column in model.columns
            if column.name != WORKSPACE and (column.name in used or column.name in model.header.key)
        ),
    )
