"""`meta.parameters`, `meta.accepted_values` and `er.unknown_values`: which values a question knows.

Models in, a table, a view and a macro out; `create_meta` creates them when the models are there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import duckdb

from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.macros import MACRO_SCHEMAS
from octane_flows.models.model import Model
from octane_flows.models.parameter_sources import (
    ValueSource,
    folded,
    is_list,
    is_pattern,
    value_sources,
)
from octane_flows.models.sql_text import literal
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable

NEAREST = 3  # values that are named beside one that nothing has
VALUES_MEANING = (
    "Every value that a parameter can have by meta.parameters.source, with each of its names; "
    "value is what the macro takes."
)
UNKNOWN_MEANING = (
    "The values of a parameter that no row has, each with the nearest ones: "
    "er.unknown_values('flow.planned_runs', 'release_name', '2023*'); in_workspace := '1002' looks "
    "at one workspace alone"
)


@dataclass(frozen=True)
class ParameterRecord:
    """One parameter of a question, and where its values come from."""

    question: str
    parameter: Parameter
    source: ValueSource | None


def _own_words(record: ParameterRecord) -> str | None:
    """The name under which meta.accepted_values has the words that a parameter's meaning lists."""
    parameter = record.parameter
    is_ours = parameter.choices or parameter.list_choices
    return f"{record.question}.{parameter.name}" if is_ours else None


PARAMETERS = MetaTable[ParameterRecord](
    "parameters",
    "The parameters of every flow, metric and plan, and the column that has their values.",
    (
        MetaColumn("question", "VARCHAR", "qualified name of the macro", lambda it: it.question),
        MetaColumn("parameter", "VARCHAR", "name", lambda it: it.parameter.name),
        MetaColumn("type", "VARCHAR", "type of its values", lambda it: it.parameter.type),
        MetaColumn(
            "default_value", "VARCHAR", "default; null: none", lambda it: it.parameter.default
        ),
        MetaColumn("meaning", "VARCHAR", "what it does", lambda it: it.parameter.meaning),
        MetaColumn(
            "source",
            "VARCHAR",
            "column that has its values; the parameter itself where its meaning lists them; null: "
            "any value is taken",
            lambda it: it.source.name if it.source else _own_words(it),
        ),
        MetaColumn(
            "prefix",
            "VARCHAR",
            "beginning of the logical names that a label stands for",
            lambda it: it.source.prefix if it.source else None,
        ),
        MetaColumn(
            "is_list",
            "BOOLEAN",
            "whether it takes several values, with commas",
            lambda it: is_list(it.parameter.name) or bool(it.parameter.list_choices),
        ),
        MetaColumn(
            "is_pattern",
            "BOOLEAN",
            "whether * in it stands for any characters",
            lambda it: is_pattern(it.parameter.name),
        ),
    ),
)


def record_parameters(connection: duckdb.DuckDBPyConnection, models: Collection[Model]) -> None:
    """Fill meta.parameters and create the view and the macro over what the models hold."""
    connection.execute("delete from meta.parameters")
    records = list(_records(models))
    PARAMETERS.fill(connection, records)
    there = {model.name for model in models}
    sources = {each.source.name: each.source for each in records if each.source}
    selects = [
        part.select_as(source.name)
        for source in sources.values()
        for part in (source, *source.others)
        if (part.table in there or part.table.startswith("meta.")) and not part.is_computed
    ]
    selects += [
        f"select {literal(name)} as source, null as workspace_id, "
        f"unnest([{', '.join(map(literal, words))}]) as value, value as name"
        for record in records
        if (name := _own_words(record)) and record.source is None
        for words in [record.parameter.choices or record.parameter.list_choices]
    ]
    nothing = "select null as source, null as workspace_id, null as value, null as name where false"
    body = " union all ".join(selects or [nothing])
    connection.execute(f"create or replace view meta.accepted_values as {body}")
    connection.execute(f"comment on view meta.accepted_values is {literal(VALUES_MEANING)}")
    connection.execute(f"create or replace macro {UNKNOWN_VALUES}")
    connection.execute(f"comment on macro table er.unknown_values is {literal(UNKNOWN_MEANING)}")


def _records(models: Collection[Model]) -> Iterator[ParameterRecord]:
    for model in models:
        if model.schema in MACRO_SCHEMAS:
            header = model.header
            sources = value_sources(header.parameters, header.values)
            for parameter in header.parameters:
                yield ParameterRecord(model.name, parameter, sources.get(parameter.name))


#: A relation without rows says nothing: the server may lack it, or the role may not read it.
UNKNOWN_VALUES = f"""
er.unknown_values(question_name, parameter_name, given_value, in_workspace := null) as table
with inputs as (
    select
        parameters.source,
        parameters.prefix,
        parameters.is_pattern,
        case
            when parameters.is_list then string_split(cast(given_value as varchar), ',')
            else [cast(given_value as varchar)]
        end as words,
    from meta.parameters as parameters
    where parameters.question = question_name
        and parameters.parameter = parameter_name
        and given_value is not null
),

words as (
    select inputs.source, inputs.prefix, inputs.is_pattern, trim(unnest(inputs.words)) as word
    from inputs
),

accepted as (
    select
        words.word,
        accepted_values.value,
        max(case
            when words.is_pattern then er.name_matches(accepted_values.value, words.word)
            else lower(accepted_values.value) = lower(words.word)
        end) as is_it,
        max(words.prefix is null or starts_with(accepted_values.value, words.prefix))
            as is_possible,
        max(jaro_winkler_similarity({folded("words.word")}, {folded("accepted_values.name")}))
            as similarity,
        max_by(
            accepted_values.name,
            jaro_winkler_similarity({folded("words.word")}, {folded("accepted_values.name")})
        ) as name,
    from words
    join meta.accepted_values as accepted_values
        on accepted_values.source = words.source
        and (
            in_workspace is null
            or accepted_values.workspace_id is null
            or accepted_values.workspace_id = in_workspace
        )
    where words.word <> ''
    group by words.word, accepted_values.value
),

ranked as (
    select
        accepted.*,
        max(accepted.is_it) over (partition by accepted.word) as is_known,
        row_number() over (
            partition by accepted.word
            order by accepted.is_possible desc, accepted.similarity desc, accepted.value
        ) as rank,
    from accepted
)

select
    ranked.word as unknown_value,
    list(ranked.value order by ranked.rank) as nearest_values,
    list(ranked.name order by ranked.rank) as nearest_names,
from ranked
where not ranked.is_known
    and (ranked.rank = 1 or (ranked.rank <= {NEAREST} and ranked.is_possible))
group by ranked.word
order by ranked.word
"""
