"""A few models with all that they read, for warehouses that are built in a second."""

from __future__ import annotations

from octane_flows.models.model import Model, load_models


def needed_models(*names: str) -> list[Model]:
    """The named models and their sources, in the order of a build."""
    models = load_models()
    by_name = {model.name: model for model in models}
    needed: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            left += by_name[name].sources
    return [model for model in models if model.name in needed]
