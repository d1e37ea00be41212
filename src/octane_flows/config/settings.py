"""Settings: environment names `OCTANE_*` and one TOML file in, one validated record out.

Every mistake is one UsageError that names the setting and the remedy. The command line and the
pipelines call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from octane_flows.config.budget_place import BudgetPlace, budget_place
from octane_flows.config.credentials import Credentials, read_credentials
from octane_flows.config.lake_place import LakePlace, lake_place
from octane_flows.config.quiet_hours import QuietHours, quiet_hours
from octane_flows.config.setting_texts import Found, flag, number
from octane_flows.config.setting_values import (
    DEFAULT_HOME,
    ca_file,
    entity_types,
    home_folder,
    proxy_address,
    server_url,
    shared_space,
    warehouse_workspaces,
    workspaces,
)

MAX_PAGE_SIZE: Final = 1000  # the largest page that Octane's own clients ask for
DEFAULT_PAGE_SIZE: Final = 1000  # fewest requests; the server's own default is not documented
MAX_CONCURRENCY: Final = 8
DEFAULT_CONCURRENCY: Final = 4  # more has never been shown to help and is less polite
DEFAULT_TIMEOUT_S: Final = 120.0  # a page of 1,000 wide rows may take a server over a minute
MAX_TIMEOUT_S: Final = 3600.0
MAX_REQUESTS_PER_SECOND: Final = 1000.0
MAX_REQUESTS: Final = 10**9
# transactions of bulk imports and CI results last minutes, and clocks may be set back by ten
DEFAULT_OVERLAP_MIN: Final = 20.0
DEFAULT_SETTLE_MIN: Final = 2.0  # clocks of a clustered server's nodes differ by seconds
DEFAULT_MAX_DELETED_SHARE: Final = 0.2  # more at once is a lost right rather than a clean-up
DEFAULT_SWEEP_SHARE: Final = 0.25  # weekly sweeps then meet each owner once a month
DEFAULT_PLAN_LIMIT: Final = 100  # requests of a plan: what one can still review
MAX_MINUTES: Final = 24 * 60.0


@dataclass(frozen=True)
class Settings:
    """All that is needed to talk to one shared space; `workspaces` None means all of them."""

    url: str
    shared_space: str
    workspaces: tuple[str, ...] | None
    credentials: Credentials
    home: Path = DEFAULT_HOME
    lake: LakePlace | None = None  # None: a folder of `home`
    warehouse_workspaces: tuple[str, ...] | None = None  # ids or ("all",); None: as it was built
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # may carry a password
    allow_http_host: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    requests_per_second: float | None = None
    max_requests: int | None = None
    budget: BudgetPlace | None = None  # None: each process keeps its own pace
    max_requests_per_day: int | None = None
    quiet_hours: QuietHours | None = None
    skip: tuple[str, ...] = ()  # entity types
    scripts: bool = False  # one request a test: for those who want the steps of manual tests
    overlap_min: float = DEFAULT_OVERLAP_MIN
    settle_min: float = DEFAULT_SETTLE_MIN
    max_deleted_share: float = DEFAULT_MAX_DELETED_SHARE


def load_settings(environ: Mapping[str, str], *, config_file: Path | None = None) -> Settings:
    """Read and check all settings; the environment wins over the TOML file.

    Raises UsageError.
    """
    found = Found.collect(environ, config_file)
    allow_http_host = found.get("allow_http_host")
    return Settings(
        url=server_url(found, allow_http_host),
        shared_space=shared_space(found),
        workspaces=workspaces(found),
        credentials=read_credentials(found),
        home=home_folder(found),
        lake=lake_place(found),
        warehouse_workspaces=warehouse_workspaces(found),
        ca_file=ca_file(found),
        proxy=proxy_address(found),
        allow_http_host=allow_http_host,
        page_size=number(found, "page_size", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE, int),
        concurrency=number(found, "concurrency", DEFAULT_CONCURRENCY, 1, MAX_CONCURRENCY, int),
        timeout_s=number(found, "timeout", DEFAULT_TIMEOUT_S, 1, MAX_TIMEOUT_S, float),
        requests_per_second=number(
            found, "requests_per_second", None, 0.01, MAX_REQUESTS_PER_SECOND, float
        ),
        max_requests=number(found, "max_requests", None, 1, MAX_REQUESTS, int),
        budget=budget_place(found),
        max_requests_per_day=number(found, "max_requests_per_day", None, 1, MAX_REQUESTS, int),
        quiet_hours=quiet_hours(found),
        skip=entity_types(found, "skip"),
        scripts=flag(found, "scripts", False),
        overlap_min=number(found, "overlap", DEFAULT_OVERLAP_MIN, 0, MAX_MINUTES, float),
        settle_min=number(found, "settle", DEFAULT_SETTLE_MIN, 0, MAX_MINUTES, float),
        max_deleted_share=number(
            found, "max_deleted_share", DEFAULT_MAX_DELETED_SHARE, 0, 1, float
        ),
    )


def load_home(environ: Mapping[str, str], config_file: Path | None = None) -> Path:
    """The data folder alone, for commands that need no server. Raises UsageError."""
    return home_folder(Found.collect(environ, config_file))


def load_lake(environ: Mapping[str, str], config_file: Path | None = None) -> LakePlace | None:
    """Where the lake lies, for commands that need no server. Raises UsageError."""
    return lake_place(Found.collect(environ, config_file))


def load_warehouse_workspaces(
    environ: Mapping[str, str], config_file: Path | None = None
) -> tuple[str, ...] | None:
    """What the warehouse is to hold, for commands that need no server. Raises UsageError."""
    return warehouse_workspaces(Found.collect(environ, config_file))
