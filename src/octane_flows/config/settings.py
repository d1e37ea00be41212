"""Settings: `OCTANE_*` variables and one TOML file in, one validated record out.

Every mistake is one UsageError that names the setting and the remedy. The command line, the Python
API and the pipelines call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from octane_flows.config.budget_place import BudgetPlace, budget_place
from octane_flows.config.credentials import Credentials, read_credentials
from octane_flows.config.file_access import DEFAULT_FILE_ACCESS, file_access
from octane_flows.config.lake_place import LakePlace, lake_place
from octane_flows.config.quiet_hours import QuietHours, quiet_hours
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.setting_values import (
    DEFAULT_HISTORY,
    DEFAULT_HOME,
    DEFAULT_QUERY_WRITES,
    ca_file,
    entity_types,
    flag,
    history_types,
    home_folder,
    number,
    proxy_address,
    query_writes,
    server_url,
    shared_space,
    warehouse_workspaces,
    workspaces,
)

MAX_PAGE_SIZE: Final = 1000  # the largest page that Octane's own clients ask for
DEFAULT_PAGE_SIZE: Final = 1000  # fewest requests; the server's own default is not documented
MAX_CONCURRENCY: Final = 8
DEFAULT_CONCURRENCY: Final = 4  # more has not been measured to help, and loads the server more
DEFAULT_TIMEOUT_S: Final = 120.0  # a page of 1,000 wide rows may take a server over a minute
MAX_TIMEOUT_S: Final = 3600.0
MAX_REQUESTS_PER_SECOND: Final = 1000.0
MAX_REQUESTS: Final = 10**9
# transactions of bulk imports and CI results last minutes, and clocks may be set back by ten
DEFAULT_OVERLAP_MIN: Final = 20.0
DEFAULT_SETTLE_MIN: Final = 2.0  # clocks of a clustered server's nodes differ by seconds
DEFAULT_MAX_DELETED_SHARE: Final = 0.2  # more at once is a lost right rather than a clean-up
DEFAULT_MAX_REJECTED_SHARE: Final = 0.01  # a field with more means something else than it says
DEFAULT_SWEEP_SHARE: Final = 0.25  # weekly sweeps then read each owner once a month
DEFAULT_PLAN_LIMIT: Final = 100  # requests of a plan that a person can review
MAX_MINUTES: Final = 24 * 60.0


@dataclass(frozen=True)
class Settings:
    """The settings for one shared space.

    `workspaces` are ids or names, of which `Octane.workspace_ids` makes ids; None: all workspaces.
    """

    url: str
    shared_space: str
    workspaces: tuple[str, ...] | None
    credentials: Credentials
    home: Path = DEFAULT_HOME
    file_access: str = DEFAULT_FILE_ACCESS
    lake: LakePlace | None = None  # None: a folder of `home`
    warehouse_workspaces: tuple[str, ...] | None = None  # ids, names, ("all",)
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # may carry a password
    allow_http_host: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    requests_per_second: float | None = None
    max_requests: int | None = None
    budget: BudgetPlace | None = None  # None: each process has its own pace
    max_requests_per_day: int | None = None
    quiet_hours: QuietHours | None = None
    skip: tuple[str, ...] = ()  # entity types
    scripts: bool = False  # one request for each test, so only where the steps are needed
    history: tuple[str, ...] = DEFAULT_HISTORY  # entity types, none: ()
    overlap_min: float = DEFAULT_OVERLAP_MIN
    settle_min: float = DEFAULT_SETTLE_MIN
    max_deleted_share: float = DEFAULT_MAX_DELETED_SHARE
    max_rejected_share: float = DEFAULT_MAX_REJECTED_SHARE
    query_writes: tuple[str, ...] = DEFAULT_QUERY_WRITES  # entity types and fields, none: ()


def load_settings(environ: Mapping[str, str], *, config_file: Path | None = None) -> Settings:
    """Read and check all settings; the environment overrides the TOML file.

    Raises UsageError.
    """
    texts = SettingTexts.collect(environ, config_file)
    allow_http_host = texts.get("allow_http_host")
    return Settings(
        url=server_url(texts, allow_http_host),
        shared_space=shared_space(texts),
        workspaces=workspaces(texts),
        credentials=read_credentials(texts),
        home=home_folder(texts),
        file_access=file_access(texts),
        lake=lake_place(texts),
        warehouse_workspaces=warehouse_workspaces(texts),
        ca_file=ca_file(texts),
        proxy=proxy_address(texts),
        allow_http_host=allow_http_host,
        page_size=number(texts, "page_size", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE, int),
        concurrency=number(texts, "concurrency", DEFAULT_CONCURRENCY, 1, MAX_CONCURRENCY, int),
        timeout_s=number(texts, "timeout", DEFAULT_TIMEOUT_S, 1, MAX_TIMEOUT_S, float),
        requests_per_second=number(
            texts, "requests_per_second", None, 0.01, MAX_REQUESTS_PER_SECOND, float
        ),
        max_requests=number(texts, "max_requests", None, 1, MAX_REQUESTS, int),
        budget=budget_place(texts),
        max_requests_per_day=number(texts, "max_requests_per_day", None, 1, MAX_REQUESTS, int),
        quiet_hours=quiet_hours(texts),
        skip=entity_types(texts, "skip"),
        scripts=flag(texts, "scripts", False),
        history=history_types(texts),
        overlap_min=number(texts, "overlap", DEFAULT_OVERLAP_MIN, 0, MAX_MINUTES, float),
        settle_min=number(texts, "settle", DEFAULT_SETTLE_MIN, 0, MAX_MINUTES, float),
        max_deleted_share=number(
            texts, "max_deleted_share", DEFAULT_MAX_DELETED_SHARE, 0, 1, float
        ),
        max_rejected_share=number(
            texts, "max_rejected_share", DEFAULT_MAX_REJECTED_SHARE, 0, 1, float
        ),
        query_writes=query_writes(texts),
    )


def load_home(environ: Mapping[str, str], config_file: Path | None = None) -> Path:
    """The data folder alone, for commands that need no server. Raises UsageError."""
    return home_folder(SettingTexts.collect(environ, config_file))


def load_lake(environ: Mapping[str, str], config_file: Path | None = None) -> LakePlace | None:
    """The place of the lake, for commands that need no server. Raises UsageError."""
    return lake_place(SettingTexts.collect(environ, config_file))


def load_warehouse_workspaces(
    environ: Mapping[str, str], config_file: Path | None = None
) -> tuple[str, ...] | None:
    """The workspaces of the warehouse, for commands that need no server. Raises UsageError."""
    return warehouse_workspaces(SettingTexts.collect(environ, config_file))
