"""Workspaces by name: what users wrote becomes ids, and ids are shown with their names.

Texts and the known names by id in, ids or a label out; whoever reads a list of workspaces calls it:
the client has the server's, the lake and the warehouse have those of their newest extract.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from octane_flows.errors import UsageError

WORKSPACE_ID: Final = re.compile(r"[0-9]{1,18}")  # it becomes part of addresses and file names
NEAREST: Final = 3  # workspaces that are named beside a name that none has
MOST_NAMED: Final = 20  # in a sentence that names all


def is_workspace_id(text: str) -> bool:
    """Whether a text is the id of a workspace, and not its name: it has digits alone."""
    return WORKSPACE_ID.fullmatch(text) is not None


def ids_of_workspaces(
    wanted: Iterable[str], names: Mapping[str, str | None], *, where: str
) -> tuple[str, ...]:
    """The ids of workspaces that are given by id or name, each one time and in their order.

    An id stays as it is. A name is first looked for as it is written, then whatever its letters'
    case. `where` says who has the `names`, as in "the server". Raises UsageError.
    """
    return tuple(dict.fromkeys(_id_of(text, names, where) for text in wanted))


def _id_of(text: str, names: Mapping[str, str | None], where: str) -> str:
    if is_workspace_id(text):
        return text
    matching = [id for id, name in names.items() if name == text] or [
        id for id, name in names.items() if name is not None and name.casefold() == text.casefold()
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(
            f"The workspace '{text}' is several in {where}: "
            f"{workspace_list(matching, names)}; write the id of the one that is meant."
        )
    raise UsageError(f"There is no workspace '{text}' in {where}; {_nearest(text, names)}")


def _nearest(text: str, names: Mapping[str, str | None]) -> str:
    by_name: dict[str, list[str]] = {}
    for id, name in names.items():
        if name is not None:
            by_name.setdefault(name.casefold(), []).append(id)
    if not by_name:
        ids = ", ".join(list(names)[:MOST_NAMED])
        return f"names are not known there, so write an id{f', such as {ids}' if ids else ''}."
    close = difflib.get_close_matches(text.casefold(), list(by_name), n=NEAREST, cutoff=0.5)
    if close:
        ids_there = [id for name in close for id in by_name[name]]
        return f"the nearest are {workspace_list(ids_there, names)}."
    return f"there are {workspace_list(names, names)}."


def workspace_label(id: str, names: Mapping[str, str | None]) -> str:
    """A workspace as people are shown it: its id, and its name where it is known."""
    name = names.get(id)
    return f"{id} {name}" if name else id


def workspace_list(ids: Iterable[str], names: Mapping[str, str | None]) -> str:
    """Workspaces in a sentence, the first ones where they are many."""
    labels = [workspace_label(id, names) for id in ids]
    more = len(labels) - MOST_NAMED
    return ", ".join(labels[:MOST_NAMED]) + (f" and {more:,} others" if more > 0 else "")
