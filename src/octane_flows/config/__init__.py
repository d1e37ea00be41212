"""Settings: `OCTANE_*` variables and one TOML file in, one validated record out.

Secrets stay wrapped, so that no message, log line or traceback shows them.
"""

from octane_flows.config.budget_place import BudgetPlace
from octane_flows.config.credentials import (
    ApiKey,
    Cookie,
    Credentials,
    Scheme,
    Secret,
    Token,
    UserPassword,
)
from octane_flows.config.file_access import limit_file_access, open_settings_file
from octane_flows.config.lake_place import LakePlace
from octane_flows.config.letter_places import LetterPlaces, MailPlace, load_letter_places
from octane_flows.config.quiet_hours import QuietHours
from octane_flows.config.serve_place import ServePlace, load_serve_place
from octane_flows.config.setting_texts import setting_variables
from octane_flows.config.setting_values import DEFAULT_HISTORY, DEFAULT_QUERY_WRITES
from octane_flows.config.settings import (
    DEFAULT_MAX_DELETED_SHARE,
    DEFAULT_MAX_REJECTED_SHARE,
    DEFAULT_OVERLAP_MIN,
    DEFAULT_PLAN_LIMIT,
    DEFAULT_SETTLE_MIN,
    DEFAULT_SWEEP_SHARE,
    Settings,
    load_home,
    load_lake,
    load_settings,
    load_warehouse_workspaces,
)
from octane_flows.config.site import Site, load_site
from octane_flows.config.workspace_names import (
    ids_of_workspaces,
    is_workspace_id,
    workspace_label,
    workspace_list,
)

__all__ = [
    "DEFAULT_HISTORY",
    "DEFAULT_MAX_DELETED_SHARE",
    "DEFAULT_MAX_REJECTED_SHARE",
    "DEFAULT_OVERLAP_MIN",
    "DEFAULT_PLAN_LIMIT",
    "DEFAULT_QUERY_WRITES",
    "DEFAULT_SETTLE_MIN",
    "DEFAULT_SWEEP_SHARE",
    "ApiKey",
    "BudgetPlace",
    "Cookie",
    "Credentials",
    "LakePlace",
    "LetterPlaces",
    "MailPlace",
    "QuietHours",
    "Scheme",
    "Secret",
    "ServePlace",
    "Settings",
    "Site",
    "Token",
    "UserPassword",
    "ids_of_workspaces",
    "is_workspace_id",
    "limit_file_access",
    "load_home",
    "load_lake",
    "load_letter_places",
    "load_serve_place",
    "load_settings",
    "load_site",
    "load_warehouse_workspaces",
    "open_settings_file",
    "setting_variables",
    "workspace_label",
    "workspace_list",
]
