"""`OctaneComponent`: all of this package in a `dg` project, chosen by a few lines of YAML.

The attributes of a `defs.yaml` in, definitions out. Settings of the YAML become the `OCTANE_*`
variables of each process that loads the project, so that they are read and checked like all
others; a variable that is set already wins.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import dagster as dg

from octane_flows.config import setting_variables
from octane_flows.errors import UsageError

#: Settings that a component of this process made into variables, with their texts.
_variables_of_components: dict[str, str] = {}
SECRETS: Final = ("client_secret", "password", "token", "cookie", "lake_secret")

# Dagster reads the types of the attributes, so they may not be texts in this module.
SettingValue = str | int | float | bool | Sequence[str | int]


def _resolver(description: str) -> dg.Resolver:
    resolver: dg.Resolver = dg.Resolver.default(description=description)
    return resolver


@dataclass
class OctaneComponent(dg.Component, dg.Resolvable):
    """ALM Octane as assets: lake, warehouse, flows, metrics, checks, jobs and schedules."""

    settings: Annotated[
        Mapping[str, SettingValue],
        _resolver("Settings as in octane-flows.toml, such as url, shared_space, workspaces, home."),
    ] = field(default_factory=dict)
    settings_file: Annotated[
        str | None, _resolver("A TOML file of settings, relative to the folder of the YAML.")
    ] = None
    schedules: Annotated[
        Mapping[str, str],
        _resolver("Cron lines by the names of schedules, which are then on; the others are off."),
    ] = field(default_factory=dict)
    skip_entity_types: Annotated[Sequence[str], _resolver("Entity types that are not read.")] = (
        field(default_factory=list)
    )
    history_entity_types: Annotated[
        Sequence[str] | None, _resolver("Entity types whose change history is read.")
    ] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions for the settings. Raises UsageError for a wrong attribute."""
        _set_variables(self._variables(context.path))
        # definitions read the settings of the site when they are imported
        from dagster_octane.definitions import octane_definitions
        from dagster_octane.schedules import SCHEDULED

        for name in self.schedules:
            if name not in SCHEDULED:
                raise UsageError(
                    f"{context.path} has a schedule {name}, which does not exist; name one of "
                    f"{', '.join(SCHEDULED)}."
                )
        return octane_definitions(self.schedules)

    def _variables(self, folder: Path) -> dict[str, str]:
        texts = {name: _text(value) for name, value in self.settings.items()}
        for name in SECRETS:
            if name in texts:
                raise UsageError(
                    f"{folder} has the setting {name}, which is a secret; set "
                    f"OCTANE_{name.upper()} or OCTANE_{name.upper()}_FILE instead."
                )
        if self.skip_entity_types:
            texts["skip"] = ",".join(self.skip_entity_types)
        if self.history_entity_types is not None:
            texts["history"] = ",".join(self.history_entity_types) or "none"
        variables = setting_variables(texts, where=str(folder))
        if self.settings_file is not None:
            file = folder / self.settings_file
            if not file.is_file():
                raise UsageError(f"{folder} names the settings file {file}, which does not exist.")
            variables["OCTANE_CONFIG"] = str(file)
        return variables


def _text(value: SettingValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    return ",".join(map(str, value))


def _set_variables(variables: Mapping[str, str]) -> None:
    """Make settings the variables of this process. Raises UsageError for a second, other server."""
    if _variables_of_components and variables != _variables_of_components:
        raise UsageError(
            "This project has two Octane components with different settings, but one code location "
            "has one server and one data folder; make a project for each."
        )
    _variables_of_components.update(variables)
    for name, text in variables.items():
        os.environ.setdefault(name, text)
