"""A page becomes Arrow: its bytes to the entity's rows, its links, and the counts to be checked.

`entity_pages` calls it for each page. Arrow parses the bytes with the schema of requested fields
and the nested values are split by column. A page that cannot be decoded exactly in this way goes
through `row_to_arrow`, which keeps every value or notes why not. Both give the same tables (a
property test compares them).
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from octane_flows.client import Field, PageBytes
from octane_flows.extract.extract_plan import ARROW_TYPES, EntityPlan, TablePlan
from octane_flows.extract.field_values import (
    DATE_PATTERN,
    MAX_EXACT_FLOAT,
    Adjustment,
    Misfit,
    ValueNotes,
    column_values,
    has_half_character,
)
from octane_flows.extract.row_ids import are_names, id_number
from octane_flows.extract.row_to_arrow import (
    Stamp,
    entity_table,
    link_table,
    short_lists,
    stamped,
)
from octane_flows.lake.arrow_arrays import arrow_array, arrow_scalar
from octane_flows.lake.field_columns import DUCKDB_TYPES

#: Plain values, which `pyarrow.compute` would make scalars of at each call.
EMPTY = arrow_scalar("", pa.string())
FALSE = arrow_scalar(value=False, kind=pa.bool_())
LEAST_INEXACT = arrow_scalar(float(MAX_EXACT_FLOAT), pa.float64())

REFERENCE = pa.struct([("id", pa.string()), ("type", pa.string()), ("subtype", pa.string())])
REFERENCES = pa.struct([("total_count", pa.int64()), ("data", pa.list_(REFERENCE))])
#: Field types that come as JSON text; `object` and unknown types may come as anything.
TEXT_TYPES = frozenset({"string", "memo", "date", "date_time"})
UTF8_STEP = 1 << 20  # bytes
NUMBER_TYPES = frozenset({"integer", "float", "boolean"})


@dataclass(frozen=True)
class DecodedPage:
    """One page; `tables` by name: the entity's and one for each multi-reference field.

    `limit` is the number of rows that were asked for. `numbers` are the ids as int64, None when
    they are names. `short_lists` names (id, field) where a nested list holds less than it counts.
    `rejected_ids` are those of rows that were answered and are in no table, because their ids
    cannot be used. `fields` are those that were requested.
    """

    total_count: int
    exceeds_total_count: bool
    bytes_received: int
    limit: int
    tables: Mapping[str, pa.Table]
    ids: pa.Array
    numbers: pa.Array | None
    short_lists: tuple[tuple[str, Field], ...]
    fields: frozenset[str]
    misfits: tuple[Misfit, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    rejected_ids: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Entities that the server answered on the page."""
        return len(self.ids) + len(self.rejected_ids)

    @property
    def answered_ids(self) -> list[str]:
        """The ids of all rows that were answered."""
        ids: list[str] = self.ids.to_pylist()
        return [*ids, *self.rejected_ids]

    def without_repeated(self, rejected: Collection[str]) -> DecodedPage:
        """The page without rows that were rejected on an earlier page already."""
        return replace(
            self,
            misfits=tuple(
                misfit
                for misfit in self.misfits
                if misfit.field != "id" or misfit.id not in rejected
            ),
            rejected_ids=tuple(id for id in self.rejected_ids if id not in rejected),
        )

    def with_links(self, name: str, id: str, links: pa.Table, notes: ValueNotes) -> DecodedPage:
        """The page with the links of one entity in the table `name` replaced."""
        table = self.tables[name]
        others = table.filter(pc.not_equal(table["source_id"], arrow_scalar(id, pa.string())))
        tables = {**self.tables, name: pa.concat_tables([others, links])}
        return replace(self, tables=tables, misfits=(*self.misfits, *notes.misfits))

    def of_numbers(self) -> DecodedPage:
        """The page without the rows whose ids are no numbers, which are rejected."""
        if self.numbers is not None:
            return self
        ids = self.ids.to_pylist()
        return self._without([id for id in ids if id_number(id) is None])

    def _without(self, ids: Sequence[str]) -> DecodedPage:
        """The page without some rows; their ids are rejected, and nothing else of them."""
        rejected = set(ids)
        chosen = arrow_array(ids, pa.string())
        tables = {}
        for name, table in self.tables.items():
            key = table["source_id" if "source_id" in table.column_names else "id"]
            tables[name] = table.filter(pc.invert(pc.is_in(key, value_set=chosen)))
        kept = self.ids.filter(pc.invert(pc.is_in(self.ids, value_set=chosen)))
        notes = ValueNotes([misfit for misfit in self.misfits if misfit.id not in rejected])
        for id in ids:
            notes.reject(id, "id", id)
        return replace(
            self,
            tables=tables,
            ids=kept,
            numbers=_numbers(kept),
            short_lists=tuple(short for short in self.short_lists if short[0] not in rejected),
            misfits=tuple(notes.misfits),
            adjustments=tuple(entry for entry in self.adjustments if entry.id not in rejected),
            rejected_ids=(*self.rejected_ids, *ids),
        )


def decode_page(
    page: PageBytes,
    entity: EntityPlan,
    tables: Mapping[str, TablePlan],
    stamp: Stamp,
    *,
    of_numbers: bool = False,
) -> DecodedPage:
    """Decode one page of `entity`; `tables` holds its table plans by name.

    `of_numbers`: the ids of the collection are numbers. Raises AnswerError for a page that cannot
    be right.
    """
    loose = tuple(field for field in entity.scalars if _json_type(field) is None)
    decoded = _decode_columns(page, entity, tables, stamp, loose=())
    if decoded is None and loose:  # some of them are filled on this page
        decoded = _decode_columns(page, entity, tables, stamp, loose=loose)
    if decoded is None:
        decoded = decode_exactly(page, entity, tables, stamp)
    if decoded.numbers is not None:
        return decoded
    if of_numbers or not are_names(decoded.ids.to_pylist()):
        return decoded.of_numbers()
    return decoded


def decode_exactly(
    page: PageBytes, entity: EntityPlan, tables: Mapping[str, TablePlan], stamp: Stamp
) -> DecodedPage:
    """Decode the page by way of Python objects: slower, but every value is taken or noted."""
    parsed = page.parse()
    notes = ValueNotes()
    rows = [row for row in parsed.rows if not has_half_character(str(row["id"]))]
    rejected = [id for id in map(_id_of, parsed.rows) if has_half_character(id)]
    for id in rejected:
        notes.reject(id, "id", id)
    table = entity_table(entity, tables[entity.name], rows, stamp, notes)
    decoded = {entity.name: table}
    for field in entity.links:
        name = entity.link_table(field)
        decoded[name] = link_table(tables[name], field, rows, stamp, notes)
    misfits = {(misfit.id, misfit.field) for misfit in notes.misfits}
    ids = table["id"].combine_chunks()
    return DecodedPage(
        total_count=parsed.total_count,
        exceeds_total_count=parsed.exceeds_total_count,
        bytes_received=parsed.bytes_received,
        limit=page.limit,
        tables=decoded,
        ids=ids,
        numbers=_numbers(ids),
        short_lists=tuple(
            (str(row["id"]), field)
            for row, field in short_lists(entity, rows)
            if (str(row["id"]), field.name) not in misfits
        ),
        fields=frozenset(entity.fields),
        misfits=tuple(notes.misfits),
        adjustments=tuple(notes.adjustments),
        rejected_ids=tuple(rejected),
    )


def _id_of(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def _numbers(ids: pa.Array) -> pa.Array | None:
    """The ids as int64; None when any of them is no number that fits."""
    if not len(ids):
        return arrow_array([], pa.int64())
    if not pc.all(pc.match_substring_regex(ids, "^(0|[1-9][0-9]{0,18})$")).as_py():
        return None
    try:
        return pc.cast(ids, pa.int64())
    except pa.ArrowInvalid:  # beyond int64
        return None


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
        _require_utf8(page.body)  # Arrow accepts bytes that are not
        total, exceeds, rows = _parse(page, entity, loose)
        columns = dict(zip((field.name for field in rows.type), rows.flatten(), strict=True))
        ids = columns["id"]
        _require(ids.null_count == 0 and not pc.any(pc.equal(ids, EMPTY)).as_py())
        arrays = {"id": ids, "type": _kind(columns["type"], columns["subtype"])}
        for field in entity.scalars:
            if field not in loose:
                names = tables[entity.name].names_of(field)
                arrays.update(zip(names, _scalar(field, columns[field.name]), strict=True))
        notes = ValueNotes()
        if loose:
            parsed = page.parse().rows
            for field in loose:
                values = [row.get(field.name) for row in parsed]
                (name,) = tables[entity.name].names_of(field)
                arrays[name] = column_values(field, ids.to_pylist(), values, notes)
        decoded = {entity.name: stamped(tables[entity.name], arrays, len(ids), stamp)}
        short: list[tuple[str, Field]] = []
        for field in entity.links:
            name = entity.link_table(field)
            links, cut = _links(ids, columns[field.name])
            decoded[name] = stamped(tables[name], links, len(links["source_id"]), stamp)
            short.extend((id, field) for id in cut.to_pylist())
    except (_InexactError, pa.ArrowException, UnicodeDecodeError):
        return None
    return DecodedPage(
        total,
        exceeds,
        page.bytes_received,
        page.limit,
        decoded,
        ids,
        _numbers(ids),
        tuple(short),
        frozenset(entity.fields),
        tuple(notes.misfits),
        tuple(notes.adjustments),
    )


def _require_utf8(body: bytes) -> None:
    """Raise UnicodeDecodeError for other bytes; a large body is not copied at once."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    for start in range(0, len(body), UTF8_STEP):
        decoder.decode(view[start : start + UTF8_STEP])
    decoder.decode(b"", final=True)


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


def _scalar(field: Field, values: pa.Array) -> tuple[pa.Array, ...]:
    """The column of a scalar, or the two of a single reference."""
    if field.is_reference:
        id, kind, subtype = values.flatten()
        _require(id.null_count == values.null_count and not _has_empty(id))
        return id, _kind(kind, subtype)
    if pa.types.is_null(values.type):
        return (pa.nulls(len(values), pa.string()),)
    if field.field_type == "date_time":
        moments = pc.cast(pc.cast(values, pa.timestamp("us", "UTC")), pa.timestamp("us"))
        _require_years(moments)
        return (moments,)
    if field.field_type == "date":
        _require_all(pc.match_substring_regex(values, DATE_PATTERN), values)
        days = pc.cast(pc.utf8_slice_codeunits(values, 0, 10), pa.date32())
        _require_years(days)
        return (days,)
    if pa.types.is_floating(values.type):  # NaN is not less; above, a whole number may be rounded
        _require_all(pc.less(pc.abs(values), LEAST_INEXACT), values)
    return (values,)


def _links(ids: pa.Array, values: pa.Array) -> tuple[dict[str, pa.Array], pa.Array]:
    """The pairs of a multi-reference field, and the ids whose list is shorter than its count."""
    counts, lists = values.flatten()
    _require(lists.null_count == values.null_count)
    targets = lists.flatten()
    id, kind, subtype = targets.flatten()
    _require(id.null_count == 0 and not _has_empty(id))
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
    return pc.if_else(pc.fill_null(pc.not_equal(subtype, EMPTY), fill_value=FALSE), subtype, kind)


def _has_empty(ids: pa.Array) -> bool:
    return pc.any(pc.equal(ids, EMPTY)).as_py() is True


def _require_all(fits: pa.Array, values: pa.Array) -> None:
    """Every value that is not null must fit."""
    _require(pc.all(pc.or_(pc.fill_null(fits, fill_value=FALSE), pc.is_null(values))).as_py())


def _require_years(times: pa.Array) -> None:
    """The years must be those that Python's dates have: 1 to 9999."""
    years = pc.min_max(pc.year(times)).as_py()
    _require(years["min"] is None or (years["min"] >= 1 and years["max"] <= 9999))


def _require(is_exact: bool) -> None:
    if not is_exact:
        raise _InexactError
