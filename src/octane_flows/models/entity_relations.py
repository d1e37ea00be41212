"""The relations between `er` models as data: what refers to what, by which field of the REST API.

Models in their order in, `EntityRelation`s out; `meta.relations` and the diagrams read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from octane_flows.models.header import Relation as DeclaredRelation
from octane_flows.models.lineage import Origin, Relation, query_columns
from octane_flows.models.model import Model
from octane_flows.models.syntax_tree import root

WORKSPACE = "workspace_id"


@dataclass(frozen=True)
class EntityRelation:
    """`column` of `source` holds the `target_column` of rows of `target`.

    `fields` are the fields of the REST API that carry the reference, as in `run_manual.release`.
    `is_required`: every row has a reference. `is_unique`: no two rows have the same. `may_be_gone`:
    rows outlive what they refer to.
    """

    source: str
    column: str
    target: str
    target_column: str
    fields: tuple[str, ...] = ()
    is_required: bool = False
    is_unique: bool = False
    may_be_gone: bool = False
    is_user_defined: bool = False

    @property
    def name(self) -> str:
        """The column with its table, as in `er.runs.test_id`."""
        return f"{self.source}.{self.column}"

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields without their entity types, each once."""
        return tuple(dict.fromkeys(field.partition(".")[2] for field in self.fields))


def entity_relations(models: Iterable[Model]) -> list[EntityRelation]:
    """All relations that the headers of the `er` models declare, in the order of the models."""
    ordered = list(models)
    origins = server_columns(ordered)
    return [
        _relation(model, relation, origins[model.name].get(relation.column, ()))
        for model in ordered
        if model.schema == "er"
        for relation in model.header.relations
    ]


def server_columns(models: Iterable[Model]) -> dict[str, dict[str, tuple[Origin, ...]]]:
    """By `er` model and column the columns of `octane` tables that it is made of."""
    by_name: dict[str, Relation] = {}
    for model in models:
        if model.schema == "er":
            by_name[model.name] = query_columns(root(model.tree), by_name, {})
    return {
        name: {column: tuple(sorted(origins or ())) for column, origins in relation.columns.items()}
        for name, relation in by_name.items()
    }


def tables_of_entities(models: Iterable[Model]) -> dict[str, str]:
    """By entity type of the server the `er` model with one row for each of its items.

    Where two models have it, the more special one counts: defects and not all work items.
    """
    ordered = list(models)
    origins = server_columns(ordered)
    candidates: dict[str, list[tuple[int, str]]] = {}
    for model in ordered:
        key = [column for column in model.header.key if column != WORKSPACE]
        if model.schema != "er" or len(key) != 1:
            continue
        made_of = origins[model.name].get(key[0], ())
        for origin in made_of:
            if origin.table.startswith("octane.") and origin.column == "id":
                entity = origin.table.removeprefix("octane.")
                candidates.setdefault(entity, []).append((len(made_of), model.name))
    return {entity: min(names)[1] for entity, names in candidates.items()}


def _relation(
    model: Model, declared: DeclaredRelation, origins: Iterable[Origin]
) -> EntityRelation:
    key = [column for column in model.header.key if column != WORKSPACE]
    return EntityRelation(
        source=model.name,
        column=declared.column,
        target=declared.target,
        target_column=declared.target_column,
        fields=tuple(dict.fromkeys(_fields(origins))),
        is_required=declared.column in key,
        is_unique=key in ([], [declared.column]),
        may_be_gone=declared.may_be_gone,
    )


def _fields(origins: Iterable[Origin]) -> Iterator[str]:
    """The fields behind columns: `octane.run_manual.release_id` is `run_manual.release`."""
    for origin in origins:
        schema, _, table = origin.table.partition(".")
        if schema != "octane":
            continue
        entity, _, link_field = table.partition("__")
        yield f"{entity}.{link_field or origin.column.removesuffix('_id')}"


def by_source(relations: Iterable[EntityRelation]) -> Mapping[str, list[EntityRelation]]:
    """The relations by the model that has the reference."""
    grouped: dict[str, list[EntityRelation]] = {}
    for relation in relations:
        grouped.setdefault(relation.source, []).append(relation)
    return grouped
