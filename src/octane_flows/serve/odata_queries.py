"""OData's query options as one SQL query: `$apply`, `$filter`, `$orderby`, `$select` and the rest.

Options as texts and a relation's columns in, a `ServedQuery` out; `odata_answers` runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from octane_flows.models.sql_text import quoted
from octane_flows.serve.odata_expressions import Expression, Tokens, parse_expression
from octane_flows.serve.odata_sql import (
    SqlParameters,
    column_kind,
    condition_sql,
    expression_sql,
    kind_of,
)
from octane_flows.serve.refused_requests import RefusalError, wrong_request

OPTIONS: Final = (
    "$apply", "$filter", "$orderby", "$select", "$top", "$skip", "$count", "$format", "$skiptoken",
)  # fmt: skip
LATER: Final = (
    "$expand",
    "$search",
    "$compute",
    "$levels",
    "$deltatoken",
    "$index",
    "$schemaversion",
)
AGGREGATES: Final = {
    "sum": "sum({0})",
    "min": "min({0})",
    "max": "max({0})",
    "average": "avg({0})",
    "countdistinct": "count(distinct {0})",
}
MOST_ROWS: Final = 2**53


@dataclass(frozen=True)
class ServedQuery:
    """A query without its page: SQL, its columns with DuckDB's types, and its order."""

    sql: str
    columns: Mapping[str, str]
    order: str
    parameters: SqlParameters
    is_applied: bool
    top: int | None
    skip: int
    with_count: bool
    selected: tuple[str, ...]

    def page(self, offset: int, rows: int) -> str:
        """The SQL of some rows, in order."""
        order = f" order by {self.order}" if self.order else ""
        columns = ", ".join(map(quoted, self.selected or self.columns))
        first_row = self.skip + offset
        return f"select {columns} from ({self.sql}) as rows{order} limit {rows} offset {first_row}"

    @property
    def count(self) -> str:
        """The SQL that counts all rows, whatever page is asked for."""
        return f"select count(*) from ({self.sql}) as rows"


def served_query(
    source: str,
    columns: Mapping[str, str],
    key: Sequence[str],
    options: Mapping[str, str],
    parameters: SqlParameters,
    *,
    is_ordered: bool,
) -> ServedQuery:
    """The query of a request. `is_ordered`: the source's own order is kept where none is asked for.

    Raises RefusalError.
    """
    _refuse_unknown(options)
    sql, current, is_applied = f"select * from {source}", dict(columns), False
    if "$apply" in options:
        sql, current = _applied(sql, current, options["$apply"], parameters)
        is_applied, key, is_ordered = True, tuple(current), False
    kinds = {name: kind_of(kind) for name, kind in current.items()}
    if "$filter" in options:
        sql = (
            f"select * from ({sql}) as rows where {_filter(options['$filter'], kinds, parameters)}"
        )
    order = _order(options.get("$orderby", ""), kinds, parameters)
    if order or not is_ordered:  # rows with the same values stand in the same order on every page
        order += [f"{quoted(name)} nulls first" for name in key]
    selected = _selected(options.get("$select", "*"), kinds)
    return ServedQuery(
        sql,
        current,
        ", ".join(order),
        parameters,
        is_applied,
        _whole(options, "$top"),
        _whole(options, "$skip") or 0,
        _flag(options, "$count"),
        selected,
    )


def _refuse_unknown(options: Mapping[str, str]) -> None:
    for name in options:
        if name.startswith("$") and name not in OPTIONS:
            status = 501 if name in LATER else 400
            raise RefusalError(
                status, f"This server does not know {name}; it knows {', '.join(OPTIONS[:-1])}."
            )
    if options.get("$format", "json").partition(";")[0] not in ("json", "application/json"):
        raise RefusalError(406, "This server answers $format=json alone; leave $format out.")


def _filter(text: str, kinds: Mapping[str, str], parameters: SqlParameters) -> str:
    return condition_sql(_whole_expression(text, "$filter"), kinds, parameters, "$filter")


def _whole_expression(text: str, option: str) -> Expression:
    tokens = Tokens(text, option)
    expression = parse_expression(tokens)
    tokens.end()
    return expression


def _order(text: str, kinds: Mapping[str, str], parameters: SqlParameters) -> list[str]:
    if not text.strip():
        return []
    tokens = Tokens(text, "$orderby")
    order: list[str] = []
    while True:
        typed = expression_sql(parse_expression(tokens), kinds, parameters, "$orderby")
        if typed.kind == "other":
            raise wrong_request("$orderby names a column with lists; order by another one.")
        is_descending = tokens.took("desc")
        if not is_descending:
            tokens.took("asc")
        order.append(f"{typed.sql} {'desc nulls last' if is_descending else 'asc nulls first'}")
        if not tokens.took(","):
            tokens.end()
            return order


def _selected(text: str, kinds: Mapping[str, str]) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or "*" in names:
        return ()
    for name in names:
        column_kind(name, kinds, "$select")
    return tuple(dict.fromkeys(names))


def _whole(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name, "").strip()
    if name not in options:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > MOST_ROWS:
        raise wrong_request(f"{name} is '{text}'; write a whole number from zero on.")
    return int(text)


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false").strip()
    if text not in ("true", "false"):
        raise wrong_request(f"{name} is '{text}'; write true or false.")
    return text == "true"


def _applied(
    sql: str, columns: dict[str, str], text: str, parameters: SqlParameters
) -> tuple[str, dict[str, str]]:
    """The SQL behind `$apply`: filter, groupby and aggregate, one after the other."""
    tokens = Tokens(text, "$apply")
    while True:
        kinds = {name: kind_of(kind) for name, kind in columns.items()}
        name = tokens.name("filter, groupby or aggregate")
        tokens.expect("(")
        if name == "filter":
            condition = condition_sql(parse_expression(tokens), kinds, parameters, "$apply")
            sql = f"select * from ({sql}) as rows where {condition}"
        elif name == "groupby":
            groups = _groups(tokens, kinds)
            added = []
            if tokens.took(","):
                tokens.expect("aggregate")
                tokens.expect("(")
                added = _aggregates(tokens, columns, kinds)
                tokens.expect(")")
            sql, columns = _grouped(sql, columns, groups, added)
        elif name == "aggregate":
            sql, columns = _grouped(sql, columns, [], _aggregates(tokens, columns, kinds))
        else:
            raise RefusalError(
                501,
                f"$apply has {name}, which this server does not know; use filter, groupby "
                "and aggregate.",
            )
        tokens.expect(")")
        if not tokens.took("/"):
            tokens.end()
            return sql, columns


def _groups(tokens: Tokens, kinds: Mapping[str, str]) -> list[str]:
    tokens.expect("(")
    groups: list[str] = []
    while not tokens.took(")"):
        if groups:
            tokens.expect(",")
        name = tokens.name("a column")
        column_kind(name, kinds, "$apply")
        groups.append(name)
    if not groups:
        tokens.refuse("groupby names no column")
    return list(dict.fromkeys(groups))


def _aggregates(
    tokens: Tokens, columns: Mapping[str, str], kinds: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Name, SQL and DuckDB's type of each aggregate."""
    added: list[tuple[str, str, str]] = []
    while True:
        name = tokens.name("a column or $count")
        if name == "$count":
            sql, kind = "count(*)", "BIGINT"
        else:
            of = column_kind(name, kinds, "$apply")
            tokens.expect("with")
            method = tokens.name("sum, min, max, average or countdistinct")
            if method not in AGGREGATES:
                raise wrong_request(
                    f"$apply aggregates with {method}; use one of {', '.join(AGGREGATES)}."
                )
            if method in ("sum", "average") and of not in ("integer", "number"):
                raise wrong_request(
                    f"$apply takes the {method} of {name}, which is {of}; name a number."
                )
            sql = AGGREGATES[method].format(quoted(name))
            kind = columns[name]
            if method == "countdistinct":
                kind = "BIGINT"
            elif method == "average":
                kind = "DOUBLE"
            elif method == "sum":  # of whole numbers it would be a hugeint
                kind = "BIGINT" if of == "integer" else "DOUBLE"
            sql = f"cast({sql} as {kind})"
        tokens.expect("as")
        added.append((tokens.name("the name of the result"), sql, kind))
        if not tokens.took(","):
            return added


def _grouped(
    sql: str,
    columns: Mapping[str, str],
    groups: Sequence[str],
    added: Sequence[tuple[str, str, str]],
) -> tuple[str, dict[str, str]]:
    result = {name: columns[name] for name in groups}
    for name, _, kind in added:
        if name in result or name.startswith(("$", "@")):
            raise wrong_request(f"$apply gives the name {name} twice, or it is none; take another.")
        result[name] = kind
    items = [quoted(name) for name in groups]
    items += [f"{expression} as {quoted(name)}" for name, expression, _ in added]
    by = f" group by {', '.join(map(quoted, groups))}" if groups else ""
    return f"select {', '.join(items)} from ({sql}) as rows{by}", result
