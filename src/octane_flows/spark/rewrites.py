"""Where DuckDB and Spark mean different things by the same SQL: one rewrite for each, in order.

`spark_sql` runs them over a tree. Each has its cases in the tests, in which both engines are asked
the same; docs/spark.md lists them.
"""

from __future__ import annotations

from octane_flows.spark import aggregate_rewrites, select_rewrites, value_rewrites
from octane_flows.spark.rewrite_helpers import Rewrite, each

#: In their order: some make work for those after them.
REWRITES: tuple[Rewrite, ...] = (
    each(select_rewrites.not_materialized),
    select_rewrites.union_by_name,
    select_rewrites.distinct_recursion,
    select_rewrites.unnest,
    each(value_rewrites.is_in_list),
    each(value_rewrites.joined_list),
    each(value_rewrites.like_any_case),
    each(value_rewrites.lower),
    each(value_rewrites.trim),
    each(value_rewrites.regular_expression),
    each(value_rewrites.difference),
    each(value_rewrites.truncate),
    each(value_rewrites.from_epoch),
    each(value_rewrites.lengths),
    each(value_rewrites.series),
    each(value_rewrites.divide),
    each(value_rewrites.round_half),
    each(value_rewrites.quantile),
    each(aggregate_rewrites.greatest_by),
    each(aggregate_rewrites.greatest_with_nulls),
    each(aggregate_rewrites.nested_filter),
    each(aggregate_rewrites.extreme_row),
    each(aggregate_rewrites.any_value),
    each(aggregate_rewrites.first_in_order),
    each(aggregate_rewrites.listed),
    each(aggregate_rewrites.window_filter),
    each(aggregate_rewrites.product),
)
