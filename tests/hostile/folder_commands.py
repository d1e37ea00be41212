"""Every command by what it reads of the data folder: for damaged folders and for closed ones."""

from __future__ import annotations

#: Commands that read the warehouse, with arguments that are right when it is whole.
READERS: dict[str, tuple[str, ...]] = {
    "flow": ("flow", "user_defined_field_values"),
    "metric": ("metric", "time_in_phase"),
    "query": ("query", "select * from octane.defect"),
    "show": ("show", "octane.defect"),
    "er": ("er",),
    "changes": ("changes",),
    "gate": ("gate", "--release", "2.9", "open_defect_count = 0"),
    "letter": ("letter",),
    "report": ("report", "--format", "csv"),
    "quarantine": ("quarantine", "review"),
    "mcp": ("mcp",),
    "catalog": ("catalog", "--format", "json"),
    "status": ("status",),
    "verify": ("verify",),
    "export": ("export", "--format", "delta", "--output", "exported"),
    "plan": ("plan", "triage"),
}
#: Commands that read the lake; `build` is tried with each damage of the warehouse too.
LAKE_COMMANDS: dict[str, tuple[str, ...]] = {
    "status": ("status",),
    "extract": ("extract",),
    "census": ("census",),
    "sweep": ("sweep",),
    "build": ("build",),
    "run": ("run",),
    "history": ("history", "defect", "1001"),
    "query": ("query", "select * from octane_history.defect"),
    "generations": ("generations",),
    "check": ("check",),
    "compact": ("compact",),
    "expire": ("expire", "--keep", "1"),
    "drop-workspace": ("drop-workspace", "2"),
    "doctor": ("doctor",),
}
#: Commands that need neither, or only files that their arguments name; and those of other tests:
#: `serve` waits for a warehouse (tests/unit/test_serve_start.py), `go-back` is the remedy here.
OTHERS = {
    "flows", "metrics", "notebooks", "site-files", "ui", "demo", "simulate", "apply", "document",
    "report-results", "serve", "go-back",
}  # fmt: skip
