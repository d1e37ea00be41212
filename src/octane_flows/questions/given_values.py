"""Values as users write them: labels, logins and names become the codes and ids that macros take.

A connection, a question and its parameters in; the parameters with the values that the warehouse
knows, and those that it does not know with the nearest ones, out. The command line and the Python
interface call it before they run a question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from octane_flows.errors import UsageError
from octane_flows.models.parameter_sources import ValueSource, folded, is_list, value_sources
from octane_flows.questions.catalogue import Question
from octane_flows.questions.run_question import Value


class UnknownValueWarning(UserWarning):
    """A value of a parameter that no row of the warehouse has."""


@dataclass(frozen=True)
class UnknownValue:
    """A value that no row has, or that several have; `nearest` are values that rows do have.

    `names` are those by which they are nearest."""

    parameter: str
    value: str
    nearest: tuple[str, ...]
    names: tuple[str, ...] = ()
    is_ambiguous: bool = False

    @property
    def sentence(self) -> str:
        """What is wrong with the value, and which ones there are."""
        return self.sentence_that("so that it finds nothing")

    def sentence_that(self, consequence: str) -> str:
        """What is wrong with the value, what follows where no row has it, and which ones are."""
        names = self.names or self.nearest
        others = ", ".join(
            f"'{value}'" if name == value else f"'{value}' ({name})"
            for value, name in zip(self.nearest, names, strict=True)
        )
        if self.is_ambiguous:
            return f"{self.parameter} '{self.value}' is the name of several; write one of {others}."
        return (
            f"{self.parameter} '{self.value}' is in no row of the warehouse, {consequence}; "
            f"the nearest values are {others}."
        )


def given_values(
    connection: duckdb.DuckDBPyConnection, question: Question, parameters: Mapping[str, Value]
) -> tuple[dict[str, Value], tuple[UnknownValue, ...]]:
    """The parameters with codes and ids for labels and names, and what the warehouse lacks."""
    values = dict(parameters)
    unknown: list[UnknownValue] = []
    sources = value_sources(question.parameters, question.values)
    # the workspace first: the others' names are looked for in it
    for name in sorted(sources, key=lambda name: name != "workspace_id"):
        source = sources[name]
        given = values.get(name)
        if not isinstance(given, str) or not given.strip():
            continue
        workspace = values.get("workspace_id") if name != "workspace_id" else None
        words = _listed(question, name, given) if is_list(name) else [given]
        codes: list[str] = []
        with connection.cursor() as cursor:
            for word in (each.strip() for each in words):
                is_looked_up = word and not source.is_computed
                chosen = _codes(cursor, source, word, workspace) if is_looked_up else []
                if len(chosen) > 1 and not is_list(name):
                    unknown.append(UnknownValue(name, word, tuple(chosen[:3]), is_ambiguous=True))
                    chosen = []
                codes += chosen or [word]
        values[name] = ",".join(codes) if is_list(name) else codes[0]
        shown = {each.value for each in unknown}
        unknown += [
            UnknownValue(name, word, tuple(nearest), tuple(names))
            for word, nearest, names in _unknown(
                connection, question, name, source, values[name], workspace
            )
            if word not in shown
        ]
    return values, tuple(unknown)


def _listed(question: Question, name: str, given: str) -> list[str]:
    """The words between commas; those that are empty are none."""
    words = [word for word in given.split(",") if word.strip()]
    if not words:
        raise UsageError(
            f"The parameter {name} of {question.slug} is '{given}', which names nothing; write "
            f"values with commas between them, or '{name}=' for null."
        )
    return words


def _codes(
    cursor: duckdb.DuckDBPyConnection, source: ValueSource, word: str, workspace: Value
) -> Sequence[str]:
    """The values that a label or name stands for; none where it is a value itself, or nothing.

    Case is of no account, beyond ASCII too: 'GRÖSSE' is 'Größe'. An accent may be part of its
    letter or a character behind it: what looks the same is the same.
    """
    sql = (
        f"select distinct accepted.value, lower(accepted.value) = lower($word) as is_itself "
        f"from ({source.sql}) as accepted "
        f"where {folded('accepted.name')} = {folded('$word')} "
        "and ($workspace is null or accepted.workspace_id = $workspace) "
        "and ($prefix is null or starts_with(accepted.value, $prefix) "
        "or lower(accepted.value) = lower($word)) order by accepted.value"
    )
    try:
        given = {"word": word, "workspace": workspace, "prefix": source.prefix}
        rows = cursor.execute(sql, given).fetchall()
    except (duckdb.BinderException, duckdb.CatalogException):
        return []  # the warehouse was built by a version without that name or relation
    if any(is_itself for _, is_itself in rows):
        return []
    return [value for value, _ in rows]


#: As er.unknown_values, for values that are an answer's; without any row it says nothing.
COMPUTED = """
with accepted as (
    select distinct words.word, accepted.value,
        lower(accepted.value) = lower(words.word) as is_it,
        jaro_winkler_similarity(lower(words.word), lower(accepted.value)) as similarity
    from (select trim(unnest(string_split($given, ','))) as word) as words, ({source}) as accepted
    where words.word <> '' and ($workspace is null or accepted.workspace_id = $workspace)
)
select accepted.word, list(accepted.value order by accepted.similarity desc, accepted.value)[:3],
    list(accepted.value order by accepted.similarity desc, accepted.value)[:3]
from accepted group by accepted.word having not bool_or(accepted.is_it) order by accepted.word
"""


def _unknown(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    name: str,
    source: ValueSource,
    given: Value,
    workspace: Value,
) -> list[tuple[str, list[str], list[str]]]:
    with connection.cursor() as cursor:
        try:
            if source.is_computed:
                return cursor.execute(
                    COMPUTED.format(source=source.sql), {"given": given, "workspace": workspace}
                ).fetchall()
            return cursor.execute(
                "select unknown_value, nearest_values, nearest_names "
                "from er.unknown_values(?, ?, ?, in_workspace := ?)",
                [question.name, name, given, workspace],
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return []  # the warehouse was built by a version without that macro
