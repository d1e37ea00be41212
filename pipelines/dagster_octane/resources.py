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
    load_home,
    load_lake,
    load_settings,
    load_site,
    load_warehouse_workspaces,
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


class OctaneResource(dg.ConfigurableResource[None]):
    """The settings of OCTANE_* variables and octane-flows.toml."""

    def settings(self) -> Settings:
        """All settings, for steps that talk to the server."""
        return load_settings(os.environ)

    def lake(self) -> Lake:
        """The lake of the settings, a folder or a bucket."""
        return open_lake(self.home(), load_lake(os.environ))

    def warehouse_workspaces(self) -> tuple[str, ...] | None:
        """The workspaces of the warehouse; None: those for which it was built last."""
        return load_warehouse_workspaces(os.environ)

    def home(self) -> Path:
        """The data folder, for steps that need no server."""
        return load_home(os.environ)


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
