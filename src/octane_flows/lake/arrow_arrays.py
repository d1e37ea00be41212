"""Python values as Arrow arrays without pandas: `pa.array` imports it, which takes half a second.

Values and a type in, an array out, equal to what `pa.array` gives; the extract and the warehouse's
`meta` tables call it. Types that are not built here go to `pa.array`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LONGEST_TEXTS = 2**31 - 1  # bytes of all texts: Arrow counts them in 32 bits
EPOCH = datetime(1970, 1, 1)


def arrow_array(items: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """The values as an array of this type; None is null."""
    values = list(items)
    if pa.types.is_string(kind):
        return _texts(values)
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return _lists_of_texts(values, kind)
    if pa.types.is_boolean(kind):
        flags = _bits([value is True for value in values])
        return pa.Array.from_buffers(kind, len(values), [_validity(values), flags])
    if kind in _NUMBERS:
        number_type, to_number = _NUMBERS[kind]
        numbers = np.array(
            [0 if value is None else to_number(value) for value in values], number_type
        )
        return pa.Array.from_buffers(
            kind, len(values), [_validity(values), pa.py_buffer(numbers.tobytes())]
        )
    return pa.array(values, kind)


def arrow_scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    """One value as `pa.scalar` gives it, which `pyarrow.compute` would call for a plain value."""
    return arrow_array([value], kind)[0]


def int64_values(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The numbers of a column of `int64` without nulls, as `to_numpy` gives them with pandas."""
    parts = [
        np.frombuffer(chunk.buffers()[1], "int64")[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.array([], "int64")


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _days(day: date) -> int:
    return (day - EPOCH.date()).days


def _same(value: Any) -> Any:
    return value


#: How numbers are kept in memory, and what makes one of a value.
_NUMBERS: dict[pa.DataType, tuple[str, Callable[[Any], Any]]] = {
    pa.int64(): ("int64", _same),
    pa.float64(): ("float64", _same),
    pa.timestamp("us"): ("int64", _microseconds),
    pa.date32(): ("int32", _days),
}


def _texts(values: Sequence[str | None]) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    content = b"".join(encoded)
    if len(content) > LONGEST_TEXTS:
        return pa.array(list(values), pa.string())
    ends = _ends([len(text) for text in encoded])
    return pa.Array.from_buffers(
        pa.string(), len(values), [_validity(values), ends, pa.py_buffer(content)]
    )


def _lists_of_texts(values: Sequence[Sequence[str | None] | None], kind: pa.DataType) -> pa.Array:
    ends = _ends([0 if value is None else len(value) for value in values])
    texts = _texts([text for value in values for text in value or ()])
    return pa.Array.from_buffers(kind, len(values), [_validity(values), ends], children=[texts])


def _ends(lengths: Sequence[int]) -> pa.Buffer:
    """Where each value begins, and where the last one ends."""
    ends = np.zeros(len(lengths) + 1, "int32")
    np.cumsum(np.array(lengths, "int64"), out=ends[1:])
    return pa.py_buffer(ends.tobytes())


def _validity(values: Sequence[Any]) -> pa.Buffer | None:
    """Which values are there; None: all of them."""
    if not any(value is None for value in values):
        return None
    return _bits([value is not None for value in values])


def _bits(flags: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(flags, "bool"), bitorder="little").tobytes())
