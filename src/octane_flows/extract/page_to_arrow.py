"""A page becomes Arrow: its bytes to the entity's rows, its links, and the counts to be checked.

`page_reader` calls it for each page. Arrow parses the bytes with the schema of the requested fields
and the nested values are split by column. A page that cannot be decoded exactly in this way goes
through `row_to_arrow`, which keeps or names every value. Both give the same tables (a property test
compares them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from octane_flows.client import Field, PageBytes
from octane_flows.extract.extract_plan import ARROW_TYPES, DUCKDB_TYPES, EntityPlan, TablePlan
from octane_flows.extract.row_to_arrow import (
    Stamp,
    entity_table,
    link_table,
    scalar_array,
    short_lists,
    stamped,
)

REFERENCE = pa.struct([("id", pa.string()), ("type", pa.string()), ("subtype", pa.string())])
REFERENCES = pa.struct([("total_count", pa.int64()), ("data", pa.list_(REFERENCE))])
#: Field types that come as JSON text; `object` and unknown types may come as anything.
TEXT_TYPES = frozenset({"string", "memo", "date", "date_time"})
NUMBER = "^[0-9]{1,18}$"  # what fits into int64; other digits such as full-width ones are names
NUMBER_TYPES = frozenset({"integer", "float", "boolean"})


@dataclass(frozen=True)
class DecodedPage:
    """One page; `tables` by name: the entity's and one for each multi-reference field.

    `limit` is the number of rows that were asked for. `short_lists` names (id, field) where a
    nested list holds less than it counts.
    """

    total_count: int
    exceeds_total_count: bool
    bytes_received: int
    limit: int
    tables: Mapping[str, pa.Table]
    ids: pa.Array
    short_lists: tuple[tuple[str, Field], ...]

    @property
    def rows(self) -> int:
        """Entities on the page."""
        return len(self.ids)

    @property
    def numbers(self) -> pa.Array | None:
        """The ids as int64; None when any of them is a name."""
        if len(self.ids) and not pc.all(pc.match_substring_regex(self.ids, NUMBER)).as_py():
            return None
        return pc.cast(self.ids, pa.int64())

    def with_links(self, name: str, id: str, links: pa.Table) -> DecodedPage:
        """The page with the links of one entity in the table `name` replaced."""
        table = self.tables[name]
        others = table.filter(pc.not_equal(table["source_id"], id))
        return replace(self, tables={**self.tables, name: pa.concat_tables([others, links])})


def decode_page(
    page: PageBytes, entity: EntityPlan, tables: Mapping[str, TablePlan], stamp: Stamp
) -> DecodedPage:
    """Decode one page of `entity`; `tables` holds its table plans by name.

    Raises AnswerError for a page that cannot be right, ExtractError for a value that does not fit.
    """
    loose = tuple(field for field in entity.scalars if _json_type(field) is None)
    decoded = _decode_columns(page, entity, tables, stamp, loose=())
    if decoded is None and loose:  # some of them are filled on this page
        decoded = _decode_columns(page, entity, tables, stamp, loose=loose)
    return decoded if decoded is not None else decode_exactly(page, entity, tables, stamp)


def decode_exactly(
    page: PageBytes, entity: EntityPlan, tables: Mapping[str, TablePlan], stamp: Stamp
) -> DecodedPage:
    """Decode the page by way of Python objects: slower, but every fault is named."""
    parsed = page.parse()
    table = entity_table(entity, tables[entity.name], parsed.rows, stamp)
    decoded = {entity.name: table}
    for field in entity.links:
        name = entity.link_table(field)
        decoded[name] = link_table(entity, tables[name], field, parsed.rows, stamp)
    return DecodedPage(
        total_count=parsed.total_count,
        exceeds_total_count=parsed.exceeds_total_count,
        bytes_received=parsed.bytes_received,
        limit=page.limit,
        tables=decoded,
        ids=table["id"].combine_chunks(),
        short_lists=tuple(
            (str(row["id"]), field) for row, field in short_lists(entity, parsed.rows)
        ),
    )


class _InexactError(Exception):
    """The page cannot be decoded exactly by column."""


def _decode_columns(
    page: PageBytes,
    entity: EntityPlan,
    tables: Mapping[str, TablePlan],
    stamp: Stamp,
    *,
    loose: tuple[Field, ...],
) -> DecodedPage | None:
    """Decode by column; None when the page needs the exact way. `loose` fields are read as JSON."""
    try:
        # Arrow ends the process (SIGSEGV) where the first value is null, so it gets objects only.
        _require(page.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"))
        if not page.body.isascii():
            page.body.decode("utf-8")  # Arrow accepts bytes that are not UTF-8
        total, exceeds, rows = _parse(page, entity, loose)
        columns = dict(zip((field.name for field in rows.type), rows.flatten(), strict=True))
        ids = columns["id"]
        _require(ids.null_count == 0 and not pc.any(pc.equal(ids, "")).as_py())
        arrays = {"id": ids, "type": _kind(columns["type"], columns["subtype"])}
        for field in entity.scalars:
            if field not in loose:
                arrays.update(_scalar(field, columns[field.name]))
        if loose:
            parsed = page.parse().rows
            for field in loose:
                values = [row.get(field.name) for row in parsed]
                arrays[field.name] = scalar_array(entity, field, parsed, values)
        decoded = {entity.name: stamped(tables[entity.name], arrays, len(ids), stamp)}
        short: list[tuple[str, Field]] = []
        for field in entity.links:
            name = entity.link_table(field)
            links, cut = _links(ids, columns[field.name])
            decoded[name] = stamped(tables[name], links, len(links["source_id"]), stamp)
            short.extend((id, field) for id in cut.to_pylist())
    except (_InexactError, pa.ArrowException, UnicodeDecodeError):
        return None
    return DecodedPage(total, exceeds, page.bytes_received, page.limit, decoded, ids, tuple(short))


def _parse(
    page: PageBytes, entity: EntityPlan, loose: tuple[Field, ...]
) -> tuple[int, bool, pa.StructArray]:
    """The envelope and the rows as one struct array."""
    types = {"id": pa.string(), "type": pa.string(), "subtype": pa.string()}
    for field in entity.scalars:
        if field not in loose:
            types[field.name] = _json_type(field) or pa.null()
    types.update({field.name: REFERENCES for field in entity.links})
    schema = pa.schema(
        [
            ("total_count", pa.int64()),
            ("data", pa.list_(pa.struct(list(types.items())))),
            ("exceeds_total_count", pa.bool_()),
        ]
    )
    table = pj.read_json(
        pa.BufferReader(page.body),
        # One block, one thread: several pages are decoded at once already.
        read_options=pj.ReadOptions(use_threads=False, block_size=len(page.body) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=schema,
            newlines_in_values=True,
            unexpected_field_behavior="ignore",
        ),
    )
    _require(table.num_rows == 1)
    total, data = table["total_count"][0].as_py(), table["data"].combine_chunks()
    exceeds = table["exceeds_total_count"][0].as_py() is True
    _require(total is not None and total >= 0 and data.null_count == 0)
    rows = data.flatten()
    _require(rows.null_count == 0 and len(rows) <= page.limit and (len(rows) <= total or exceeds))
    return total, exceeds, rows


def _json_type(field: Field) -> pa.DataType | None:
    """What the field's values are in JSON; None where they may be anything."""
    if field.is_reference:
        return REFERENCE
    if field.field_type in TEXT_TYPES:
        return pa.string()
    if field.field_type in NUMBER_TYPES:
        return ARROW_TYPES[DUCKDB_TYPES[field.field_type]]
    return None


def _scalar(field: Field, values: pa.Array) -> dict[str, pa.Array]:
    """The columns of a scalar or of a single reference."""
    if field.is_reference:
        id, kind, subtype = values.flatten()
        _require(id.null_count == values.null_count)
        return {f"{field.name}_id": id, f"{field.name}_type": _kind(kind, subtype)}
    if pa.types.is_null(values.type):
        return {field.name: pa.nulls(len(values), pa.string())}
    if field.field_type == "date_time":
        moments = pc.cast(values, pa.timestamp("us", "UTC"))
        return {field.name: pc.cast(moments, pa.timestamp("us"))}
    if field.field_type == "date":
        return {field.name: pc.cast(pc.utf8_slice_codeunits(values, 0, 10), pa.date32())}
    return {field.name: values}


def _links(ids: pa.Array, values: pa.Array) -> tuple[dict[str, pa.Array], pa.Array]:
    """The pairs of a multi-reference field, and the ids whose list is shorter than its count."""
    counts, lists = values.flatten()
    _require(lists.null_count == values.null_count)
    targets = lists.flatten()
    id, kind, subtype = targets.flatten()
    _require(id.null_count == 0)
    pairs = {
        "source_id": ids.take(pc.list_parent_indices(lists)),
        "target_id": id,
        "target_type": _kind(kind, subtype),
    }
    return pairs, ids.filter(pc.less(pc.list_value_length(lists), counts))


def _kind(kind: pa.Array, subtype: pa.Array) -> pa.Array:
    """The concrete type where there is one, else the aggregate's."""
    if subtype.null_count == len(subtype):
        return kind
    return pc.if_else(pc.fill_null(pc.not_equal(subtype, ""), fill_value=False), subtype, kind)


def _require(is_exact: bool) -> None:
    if not is_exact:
        raise _InexactError
