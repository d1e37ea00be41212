"""What the assets need from outside: the settings, read when a run starts and not before.

Definitions load without a server and without credentials; a run without them fails with one
sentence. The site's time zone, quiet hours and owners are read at once, for they shape definitions.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
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
from octane_flows.lake import Lake, open_lake

SITE: Final = load_site(os.environ)
#: Three more attempts within about ten minutes: a restart of the server takes less.
RETRY: Final = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL)
#: What a repetition can cure: no answer, or one that cannot be trusted. Settings, roles, and what
#: does not add up stay as they are until somebody looks.
CURABLE: Final = (UnavailableError, AnswerError)


class OctaneResource(dg.ConfigurableResource[None]):
    """The settings of OCTANE_* variables and octane-flows.toml."""

    def settings(self) -> Settings:
        """All settings, for steps that talk to the server."""
        return load_settings(os.environ)

    def lake(self) -> Lake:
        """The lake of the settings, a folder or a bucket."""
        return open_lake(self.home(), load_lake(os.environ))

    def warehouse_workspaces(self) -> tuple[str, ...] | None:
        """The workspaces that the warehouse is to hold; None: those that it was built for."""
        return load_warehouse_workspaces(os.environ)

    def home(self) -> Path:
        """The data folder, for steps that need no server."""
        return load_home(os.environ)


class one_sentence:  # noqa: N801  (a context manager that reads like a phrase)
    """Our errors are complete sentences: they end the step, and are retried only where it helps."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OctaneFlowsError):
            raise dg.Failure(str(error), allow_retries=isinstance(error, CURABLE)) from error
        if isinstance(error, Exception) and not isinstance(error, dg.Failure):
            said = f"{type(error).__name__}: {error}"
            raise dg.Failure(f"A fault of octane-flows itself; {said}", allow_retries=False) from (
                error
            )
