"""The settings, as a resource of the assets; they are read when a run starts and not before.

Definitions load without a server and without credentials; a run without them fails with one
sentence. The site's time zone, quiet hours and owners are read when this module is imported,
because definitions contain them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import dagster as dg

from octane_flows.config import (
    Settings,
    limit_file_access,
    load_home,
    load_lake,
    load_settings,
    load_site,
    load_warehouse_workspaces,
    open_settings_file,
)
from octane_flows.errors import AnswerError, OctaneFlowsError, UnavailableError
from octane_flows.failure_report import report_failure
from octane_flows.lake import Lake, open_lake

SITE: Final = load_site(os.environ)
#: Three more attempts within about ten minutes; a restart of the server takes less.
RETRY: Final = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL)
#: Errors that a repetition can cure: no answer, or one that cannot be trusted. Wrong settings,
#: missing roles and counts that do not add up stay as they are until a person acts.
REPEATABLE: Final = (UnavailableError, AnswerError)
#: The tag of each job that tells what it is for.
GROUP_TAG: Final = "octane-flows/group"
#: What this process has warned of; each step reads the settings several times.
_warnings: set[str] = set()


class OctaneResource(dg.ConfigurableResource[None]):
    """The settings of OCTANE_* variables and octane-flows.toml.

    Reading any of them also makes the files that the step writes as private as they say.
    """

    def settings(self) -> Settings:
        """All settings, for steps that talk to the server."""
        prepare_files()
        return load_settings(os.environ)

    def lake(self) -> Lake:
        """The lake of the settings, a folder or a bucket."""
        return open_lake(self.home(), load_lake(os.environ))

    def warehouse_workspaces(self) -> tuple[str, ...] | None:
        """The workspaces of the warehouse; None: those for which it was built last."""
        return load_warehouse_workspaces(os.environ)

    def home(self) -> Path:
        """The data folder, for steps that need no server."""
        prepare_files()
        return load_home(os.environ)


def prepare_files() -> None:
    """Make new files as private as the settings say, and warn of a settings file that is not."""
    limit_file_access(os.environ)
    warning = open_settings_file(os.environ)
    if warning is not None and warning not in _warnings:
        _warnings.add(warning)
        dg.get_dagster_logger().warning(f"{warning}.")


@contextmanager
def errors_as_failures() -> Iterator[None]:
    """End the step with the error's own sentence; allow retries only where they can help."""
    try:
        yield
    except dg.Failure:
        raise
    except OctaneFlowsError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, REPEATABLE)) from error
    except Exception as error:
        raise dg.Failure(report_failure(error, os.environ), allow_retries=False) from error
