"""Text search: which rows contain all words, and where.

In: the `text_search` parameter of a collection. Out: a condition on the rows, and for each row the
`global_text_search_result` with the words marked. Called by reader.py.
"""

from __future__ import annotations

import json
import re
from typing import Any

from octane_simulator.model.field_model import EntityDef
from octane_simulator.model.refusals import illegal_value
from octane_simulator.model.strict_json import json_value
from octane_simulator.query.query_sql import Condition
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import quoted

__all__ = ["fields_without", "marked", "narrowed", "words_of"]

RESULT = "global_text_search_result"
_SEARCHED = ("name", "description", "text")
_TAGS = re.compile(r"(<[^>]*>)")


def words_of(text: str) -> list[str]:
    """The words in `{"type": "global", "text": "words"}`."""
    try:
        return str(json_value(text)["text"]).split()
    except (ValueError, KeyError, TypeError) as error:
        raise illegal_value("text_search must be JSON with the keys type and text") from error


def fields_without(fields: str | None, words: list[str] | None) -> tuple[str | None, bool]:
    """The `fields` parameter without the search result, and whether the answer shows that."""
    if words is None or not fields:
        return fields, True
    names = [name for name in fields.split(",") if name.strip() != RESULT]
    return ",".join(names) or "id", len(names) < len(fields.split(","))


def narrowed(condition: Condition, entity: EntityDef, words: list[str]) -> Condition:
    """The condition, and also that each word occurs in a searched field."""
    names = [name for name in _SEARCHED if name in entity.fields]
    for word in words:
        escaped = word.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parts = [f"fold(t.{quoted(name)}) LIKE ? ESCAPE '\\'" for name in names] or ["0"]
        condition = Condition(
            f"{condition.sql} AND ({' OR '.join(parts)})",
            [*condition.parameters, *[f"%{escaped}%" for _ in names]],
        )
    return condition


def marked(store: Store, entity: EntityDef, rows: list[str], words: list[str]) -> list[str]:
    """The rows as JSON text with their searched fields, each hit in `<em>`."""
    family = store.schema.family(entity.name)
    names = [name for name in _SEARCHED if name in entity.fields]
    listed = ", ".join(map(quoted, names)) or "NULL"
    hit = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    result = []
    for row in rows:
        shown: dict[str, Any] = json.loads(row)
        key = store.key(family, shown["id"])
        values = store.read(f"SELECT {listed} FROM {quoted(family)} WHERE id = ?", (key,))[0]
        shown[RESULT] = {
            name: _mark(hit, value)
            for name, value in zip(names, values, strict=False)
            if value is not None
        }
        result.append(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))
    return result


def _mark(hit: re.Pattern[str], text: str) -> str:
    """The text with hits in `<em>`, outside its own tags."""
    parts = _TAGS.split(text)
    if hit.pattern:
        parts[::2] = [hit.sub(lambda m: f"<em>{m[0]}</em>", part) for part in parts[::2]]
    return "".join(parts)
