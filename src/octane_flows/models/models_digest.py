"""One digest of everything written in SQL that decides an answer.

Models in, a SHA-256 out; the warehouse and its readers compare it with the recorded one. What code
generates beside the models changes with the version of this package, which they compare as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from octane_flows.models.macros import create_statements
from octane_flows.models.model import Model
from octane_flows.models.shared_functions import FUNCTIONS


def models_digest(models: Iterable[Model]) -> str:
    """Two warehouses of the same lake and version with the same digest answer in the same way."""
    return hashlib.sha256("\n".join(_texts(models)).encode()).hexdigest()


def _texts(models: Iterable[Model]) -> Iterator[str]:
    for signature, (comment, body) in FUNCTIONS.items():
        yield from (signature, comment, body)
    for model in models:
        yield from (model.name, model.sql, *create_statements(model))
