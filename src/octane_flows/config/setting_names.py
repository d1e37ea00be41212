"""Every setting by name, with its meaning and its default.

Nothing in, `SETTINGS` out; `setting_texts` accepts these names alone, and docs/settings.md shows
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Setting:
    """One setting, `OCTANE_<NAME>` in the environment and `<name>` in the TOML file.

    `default` is its text, as a user would write it; empty: no default.
    """

    name: str
    group: str
    meaning: str
    default: str = ""
    example: str = ""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"OCTANE_{self.name.upper()}"


SERVER: Final = "The server"
CREDENTIALS: Final = "Credentials: one kind of them"
DATA: Final = "The place of the data"
NETWORK: Final = "The network"
PACE: Final = "How many requests, and when"
READING: Final = "What is read"
LETTERS: Final = "Letters; none is sent until a place is set"
WRITING: Final = "What is written"
SERVING: Final = "What serve answers, and to whom"

SETTINGS: Final = (
    Setting(
        "url", SERVER, "address of the server, with https", example="https://octane.example.com"
    ),
    Setting("shared_space", SERVER, "id of the shared space", example="1001"),
    Setting("workspaces", SERVER, "ids or names of workspaces, or all", "all", "1002,Payments"),
    Setting("client_id", CREDENTIALS, "client id of an API access key"),
    Setting("client_secret", CREDENTIALS, "client secret of that key"),
    Setting("user", CREDENTIALS, "login name of a user instead"),
    Setting("password", CREDENTIALS, "password of that user"),
    Setting("token", CREDENTIALS, "a bearer token that another program renews"),
    Setting(
        "cookie",
        CREDENTIALS,
        "a session cookie of a browser, say; it cannot be renewed here",
    ),
    Setting(
        "auth",
        CREDENTIALS,
        "sign_in for a session, basic to send key or user with each request",
        "sign_in",
    ),
    Setting("home", DATA, "data folder: lake, warehouse, reports, audit log", "data"),
    Setting(
        "file_access",
        DATA,
        "who may read what commands write: owner (modes 0700 and 0600), group (0750 and 0640), or "
        "umask (as the umask of the process says)",
        "owner",
    ),
    Setting(
        "lake",
        DATA,
        "keep the lake in an S3-compatible bucket; needs octane-flows[bucket]",
        example="s3://bucket/prefix",
    ),
    Setting("lake_endpoint", DATA, "the bucket's server; Amazon's unless given"),
    Setting(
        "lake_region", DATA, "the bucket's region; us-east-1 unless given", example="eu-west-1"
    ),
    Setting("lake_key_id", DATA, "the bucket's key; without it, that of Amazon's own tools"),
    Setting("lake_secret", DATA, "the secret of that key"),
    Setting(
        "warehouse_workspaces",
        DATA,
        "ids or names of the warehouse's workspaces, or all; those of the last build unless given",
        example="1002,Payments",
    ),
    Setting(
        "ca_file", NETWORK, "PEM file with your company's certificates; they are always verified"
    ),
    Setting("proxy", NETWORK, "your company's proxy", example="http://proxy.example.com:8080"),
    Setting(
        "allow_http_host",
        NETWORK,
        "the one host that may be reached without TLS; loopback always may",
        example="octane.test",
    ),
    Setting("page_size", PACE, "rows a page, up to 1000", "1000"),
    Setting("concurrency", PACE, "most requests at once, up to 8", "4"),
    Setting("timeout", PACE, "seconds that one request may take", "120"),
    Setting("requests_per_second", PACE, "pace; no limit unless given", example="5"),
    Setting(
        "max_requests",
        PACE,
        "requests that one extract may send; no limit unless given",
        example="20000",
    ),
    Setting(
        "budget",
        PACE,
        "one pace and one count of the day's requests for all processes with the same Redis; "
        "needs octane-flows[distributed]",
        example="redis://host:6379/0",
    ),
    Setting(
        "max_requests_per_day",
        PACE,
        "requests a day (UTC) of all extracts that share the budget; no limit unless given",
        example="100000",
    ),
    Setting(
        "quiet_hours",
        PACE,
        "when no extract starts or continues",
        example="mon-fri 08:00-18:00, sat 22:00-06:00",
    ),
    Setting(
        "time_zone",
        PACE,
        "zone of quiet hours and Dagster's schedules; UTC unless given",
        example="Europe/Berlin",
    ),
    Setting(
        "owners", PACE, "owners of the tables in Dagster: team:NAME or e-mail", example="team:qa"
    ),
    Setting(
        "scripts",
        READING,
        "true reads the scripts of manual and Gherkin tests too: a request for each changed test",
        "false",
    ),
    Setting(
        "history",
        READING,
        "entity types whose change history is read (who changed which field when), or none",
        "work_item, test, requirement",
        "defect, story",
    ),
    Setting(
        "skip",
        READING,
        "entity types that no extract reads, unless a command names them",
        example="ci_build, email_template",
    ),
    Setting("overlap", READING, "minutes that an extract reads again", "20"),
    Setting("settle", READING, "minutes that the cursor stays behind the server's clock", "2"),
    Setting(
        "max_deleted_share",
        READING,
        "share of an entity type's rows that may be deleted at once before a census stops",
        "0.2",
    ),
    Setting(
        "max_rejected_share",
        READING,
        "share of an entity type's rows that may have values in one field that do not fit before "
        "the extract stops; up to 20 rows always may",
        "0.01",
    ),
    Setting(
        "query_writes",
        WRITING,
        "entity types and fields that a plan from a query may write, or none",
        "defect, story, quality_story, feature, epic, task, test_manual, test_automated, "
        "gherkin_test, test_suite, run_manual, run_suite, requirement_document",
        "defect.severity, defect.owner, story",
    ),
    Setting(
        "smtp_server",
        LETTERS,
        "mail server, host:port; without a port 587, with tls 465",
        example="smtp.example.com:587",
    ),
    Setting(
        "smtp_security",
        LETTERS,
        "starttls, tls (from the first byte), or none, which only this machine may have",
        "starttls",
    ),
    Setting("smtp_user", LETTERS, "login of the mail server"),
    Setting("smtp_password", LETTERS, "password of that login"),
    Setting("letter_from", LETTERS, "sender of mails", example="octane-flows@example.com"),
    Setting(
        "letter_to", LETTERS, "recipients of mails", example="qa@example.com, lead@example.com"
    ),
    Setting("teams_webhook", LETTERS, "address of a Teams workflow that posts to a channel"),
    Setting("slack_webhook", LETTERS, "address of a Slack incoming webhook"),
    Setting("webhook", LETTERS, "address that takes the changes as JSON"),
    Setting(
        "letter_rules",
        LETTERS,
        "TOML file with the rules that a letter tells of; none unless given",
    ),
    Setting("serve_token", SERVING, "bearer token that requests carry, 12 characters or more"),
    Setting("serve_user", SERVING, "login for programs that send a name and a password"),
    Setting("serve_password", SERVING, "password of that login, 12 characters or more"),
    Setting("serve_certificate", SERVING, "PEM file with the certificate, for https"),
    Setting("serve_key", SERVING, "PEM file with its key, unless the certificate's file has it"),
    Setting(
        "serve_address",
        SERVING,
        "https address of a proxy in front, which does TLS",
        example="https://reports.example.com/octane",
    ),
    Setting("serve_seconds", SERVING, "seconds that one request may take", "60"),
    Setting("serve_rows", SERVING, "rows that one answer may have", "1000000"),
    Setting("serve_memory", SERVING, "megabytes that the query of one request may use", "1024"),
    Setting("serve_requests", SERVING, "queries that run at once; others wait", "4"),
)

NAMES: Final = tuple(setting.name for setting in SETTINGS)
CONFIG_VARIABLE: Final = "OCTANE_CONFIG"
