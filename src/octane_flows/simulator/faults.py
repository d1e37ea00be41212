"""Misbehaviour on demand: what real servers and their proxies do on bad days.

In: switches from Python or `PUT /simulator/faults`. Out: what the HTTP layer asks before and after
it answers a request to a workspace.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fault", "Faults"]

KINDS = frozenset({
    "unavailable",  # 503 with an HTML page
    "error_500",  # 500 with an empty body
    "too_many_requests",  # 429; retry_after: seconds, an HTTP date, or null for no header
    "html_200",  # a login page with status 200
    "cut_body",  # the connection ends within the body
    "repeated_page",  # the page before comes again
    "short_page",  # rows missing at the end of a page
    "duplicate_row",  # the first row of a page twice
    "low_total",  # total_count too low, exceeds_total_count true
    "latency",  # seconds: wait before answering
})  # fmt: skip


@dataclass
class Fault:
    """One fault for the next `times` requests whose path contains `path`."""

    kind: str
    times: int = 1
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)


class Faults:
    """The faults in force; empty on a new simulator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []
        self.refused: set[str] = set()
        self.field_types: dict[tuple[str, str], str] = {}
        self.missing_targets: set[tuple[str, str]] = set()
        self.max_total_count: int | None = None
        self.expire_sessions = False
        self.rotate_cookie = False
        self.expiry_code = "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT"
        self.served: dict[str, int] = {}

    def add(self, kind: str, *, times: int = 1, path: str = "", **options: Any) -> None:
        """Do this to the next `times` requests (after earlier faults of the same kind)."""
        if kind not in KINDS:
            raise ValueError(f"There is no fault '{kind}'; known: {', '.join(sorted(KINDS))}")
        with self._lock:
            self._queue.append(Fault(kind, times, path, options))

    def take(self, kind: str, path: str) -> Fault | None:
        """The fault of a kind that hits this request, counted down."""
        with self._lock:
            for fault in self._queue:
                if fault.kind == kind and fault.times > 0 and fault.path in path:
                    fault.times -= 1
                    self.served[kind] = self.served.get(kind, 0) + 1
                    if fault.times == 0:
                        self._queue.remove(fault)
                    return fault
        return None

    def refuse(self, *entities: str) -> None:
        """Answer 403 for these entity types."""
        self.refused.update(entities)

    def allow(self, *entities: str) -> None:
        """Take refusals back; without names, all of them."""
        self.refused.difference_update(entities or set(self.refused))

    def expire(self, *, absolute: bool = False) -> None:
        """Let every session end before the next request."""
        scope = "GLOBAL" if absolute else "IDLE"
        self.expiry_code = f"VALIDATION_TOKEN_EXPIRED_{scope}_TIME_OUT"
        self.expire_sessions = True

    def rotate(self) -> None:
        """Renew the session cookie with the next answer."""
        self.rotate_cookie = True

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._queue.clear()
        self.refused.clear()
        self.field_types.clear()
        self.missing_targets.clear()
        self.max_total_count = None
        self.expire_sessions = self.rotate_cookie = False

    def apply(self, body: dict[str, Any]) -> None:
        """Switches of the control endpoint, see the keys below; unknown keys are ValueError."""
        unknown = set(body) - {
            "clear", "add", "refuse", "allow", "expire", "rotate", "max_total_count",
            "field_types", "missing_targets",
        }  # fmt: skip
        if unknown:
            raise ValueError(f"Unknown switches: {', '.join(sorted(unknown))}")
        if body.get("clear"):
            self.clear()
        for item in body.get("add", []):
            options = dict(item)
            self.add(options.pop("kind"), **options)
        self.refuse(*body.get("refuse", []))
        if "allow" in body:
            self.allow(*body["allow"])
        if body.get("expire"):
            self.expire(absolute=body["expire"] == "absolute")
        if body.get("rotate"):
            self.rotate()
        if "max_total_count" in body:
            self.max_total_count = body["max_total_count"]
        for name, value in body.get("field_types", {}).items():
            entity, _, field_name = name.partition(".")
            self.field_types[(entity, field_name)] = value
        for name in body.get("missing_targets", []):
            entity, _, field_name = name.partition(".")
            self.missing_targets.add((entity, field_name))
