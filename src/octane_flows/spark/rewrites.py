"""Where DuckDB and Spark mean different things by the same SQL: one rewrite for each, in order.

`translate` runs them over a tree. Each has its cases in the tests, in which both engines are asked
the same; docs/spark.md lists them.
"""

from __future__ import annotations

from octane_flows.spark import groups, selects, values
from octane_flows.spark.trees import Rewrite, each

#: In their order: some make work for those after them.
REWRITES: tuple[Rewrite, ...] = (
    each(selects.not_materialized),
    selects.union_by_name,
    selects.distinct_recursion,
    selects.unnest,
    each(values.is_in_list),
    each(values.joined_list),
    each(values.like_any_case),
    each(values.lower),
    each(values.trim),
    each(values.regular_expression),
    each(values.difference),
    each(values.truncate),
    each(values.from_epoch),
    each(values.lengths),
    each(values.series),
    each(values.divide),
    each(values.round_half),
    each(values.quantile),
    each(groups.greatest_by),
    each(groups.nested_filter),
    each(groups.extreme_row),
    each(groups.any_value),
    each(groups.first_in_order),
    each(groups.listed),
    each(groups.window_filter),
    each(groups.product),
)
