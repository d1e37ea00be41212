"""The faults in force: mistakes of real servers, their proxies and their upgrades.

In: faults by kind, from Python, `--fault` or `/simulator/faults`. Out: `Faults`, which routes and
reader ask at each request. fault_kinds.py lists the kinds; server_faults.py has the effects of
those that change the server itself.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from octane_simulator.faults.fault_kinds import COMMON, KINDS, REQUIRED

__all__ = ["Effect", "Fault", "Faults", "parse_fault"]


# The largest number of an option: three years in seconds, and more rows than any server has.
MOST = 100_000_000


@dataclass
class Fault:
    """One fault in force; `times` None means always, `after` requests are let through first."""

    kind: str
    times: int | None = 1
    path: str = ""
    after: int = 0
    chance: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The fault as JSON object, with the options that it takes."""
        request = {
            "times": self.times,
            "path": self.path,
            "after": self.after,
            "chance": self.chance,
        }
        return {
            "kind": self.kind,
            **(request if KINDS[self.kind].holds == "requests" else {}),
            **self.options,
        }


Effect = Callable[[Mapping[str, Any] | None], None]


class Faults:
    """The faults in force; none on a new simulator.

    `effects` change the server by kind of fault: they are called with the options of the fault, or
    with None when the fault is removed. `previous_pages` are the rows sent last, by path and
    requested fields.
    """

    def __init__(self, seed: int = 1) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"faults/{seed}")
        self.effects: Mapping[str, Effect] = {}
        self.previous_pages: dict[tuple[str, str], list[str]] = {}
        self._coming: list[Fault] = []
        self._standing: list[Fault] = []
        self.served: dict[str, int] = {}

    # -- switching ------------------------------------------------------------------------------

    def add(self, kind: str, **options: Any) -> None:
        """Put a fault in force; an unknown kind or option raises ValueError."""
        fault = _make_fault(kind, options)
        if KINDS[kind].holds == "once":
            self.effects[kind](fault.options)
            return
        if kind in self.effects:
            self.effects[kind](fault.options)
        with self._lock:
            replaced = [standing for standing in self._standing if _replaces(standing, fault)]
            if KINDS[kind].holds == "stands":
                self._standing = [
                    standing for standing in self._standing if standing not in replaced
                ]
                self._standing.append(fault)
            else:
                self._coming.append(fault)

    def remove(self, kind: str, **options: Any) -> None:
        """Remove every fault of a kind, or only those with these options."""
        if kind not in KINDS:
            raise ValueError(_unknown(kind))
        given = {name: _option_value(kind, name, value) for name, value in options.items()}

        def matches(fault: Fault) -> bool:
            return fault.kind == kind and given.items() <= fault.shown().items()

        with self._lock:
            was_standing = any(matches(fault) for fault in self._standing)
            self._standing = [fault for fault in self._standing if not matches(fault)]
            self._coming = [fault for fault in self._coming if not matches(fault)]
        if was_standing and kind in self.effects:
            self.effects[kind](None)

    def clear(self) -> None:
        """Remove all faults; fields that were added, removed or retyped stay so."""
        for kind in {fault.kind for fault in (*self._standing, *self._coming)}:
            self.remove(kind)

    def apply(self, body: Mapping[str, Any]) -> None:
        """Do what `PUT /simulator/faults` says: clear, then remove, then add; or ValueError."""
        unknown = set(body) - {"clear", "remove", "add"}
        if unknown:
            raise ValueError(f"Unknown keys: {', '.join(sorted(unknown))}; use clear, remove, add")
        if body.get("clear"):
            self.clear()
        for act, name in ((self.remove, "remove"), (self.add, "add")):
            for item in body.get(name, []):
                options = {"kind": item} if isinstance(item, str) else dict(item)
                if "kind" not in options:
                    raise ValueError(f"A fault needs its kind: {item}")
                act(options.pop("kind"), **options)

    def refuse(self, *entities: str) -> None:
        """Answer 403 for these entity types."""
        for entity in entities:
            self.add("refuse", entity=entity)

    def allow(self, *entities: str) -> None:
        """Remove refusals; without names, all of them."""
        for entity in entities or tuple(self.refused):
            self.remove("refuse", entity=entity)

    def expire(self, *, absolute: bool = False) -> None:
        """End every session before the next request."""
        self.add("expire", reason="absolute" if absolute else "idle")

    def rotate(self) -> None:
        """Renew the session cookie with the next answer."""
        self.add("rotate")

    # -- for each request -----------------------------------------------------------------------

    def take(self, kind: str, path: str) -> Fault | None:
        """The fault of a kind that hits this request; it counts down."""
        with self._lock:
            for fault in self._coming:
                if fault.kind != kind or fault.path not in path:
                    continue
                if path.startswith("/authentication/") and not fault.path:
                    continue  # signing in works unless the path of a fault names it
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.chance < 1 and self._random.random() >= fault.chance:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._coming.remove(fault)
                self.served[kind] = self.served.get(kind, 0) + 1
                return fault
        return None

    def wait(self, path: str) -> float:
        """Seconds to wait before this request is answered."""
        fault = self.take("latency", path)
        if fault is None:
            return 0.0
        seconds, spread = float(fault.options["seconds"]), float(fault.options["spread"])
        with self._lock:
            factor = self._random.lognormvariate(0, min(spread, 5)) if spread else 1
        return max(0.0, seconds * factor)

    def setting(self, kind: str, option: str) -> Any:
        """The option of the standing fault of a kind, or None when there is none."""
        for fault in reversed(self._standing):
            if fault.kind == kind:
                return fault.options[option]
        return None

    def by_field(self, kind: str) -> dict[tuple[str, str], Any]:
        """The standing faults of a kind by (entity type, field), with the type that they show."""
        types = {}
        for fault in self._standing:
            if fault.kind == kind:
                entity, _, name = str(fault.options["field"]).partition(".")
                types[(entity, name)] = fault.options.get("type")
        return types

    @property
    def refused(self) -> dict[str, int]:
        """The statuses that refused entity types answer with."""
        return {
            fault.options["entity"]: fault.options["status"]
            for fault in self._standing
            if fault.kind == "refuse"
        }

    def shown(self) -> dict[str, Any]:
        """The faults in force and how often each kind has hit, for the control route."""
        return {
            "in_force": [fault.shown() for fault in (*self._standing, *self._coming)],
            "served": self.served,
        }


def parse_fault(text: str) -> dict[str, Any]:
    """`kind` or `kind:option=value,option=value` as an object that `apply` takes in `add`."""
    kind, _, rest = text.partition(":")
    options: dict[str, Any] = {"kind": kind}
    for part in filter(None, rest.split(",")):
        name, mark, value = part.partition("=")
        if not mark:
            raise ValueError(f"'{part}' of the fault '{text}' is not option=value")
        options[name.strip()] = None if value in {"always", "none"} else value
    _make_fault(kind, {name: value for name, value in options.items() if name != "kind"})
    return options


def _make_fault(kind: str, options: Mapping[str, Any]) -> Fault:
    definition = KINDS.get(kind)
    if definition is None:
        raise ValueError(_unknown(kind))
    given = {name: _option_value(kind, name, value) for name, value in options.items()}
    values = {name: default for name, (_, default) in definition.options.items()}
    values.update({name: value for name, value in given.items() if name in values})
    missing = [name for name, value in values.items() if value is REQUIRED]
    if missing:
        raise ValueError(f"The fault '{kind}' needs {' and '.join(missing)}")
    if definition.holds != "requests":
        return Fault(kind, options=values)
    times = given.get("times", definition.times)
    path, after, chance = given.get("path", ""), given.get("after", 0), given.get("chance", 1.0)
    return Fault(kind, times, path, after, chance, values)


def _option_value(kind: str, name: str, value: Any) -> Any:
    """A value in the type of its option; text is converted, as it comes from a command line."""
    options = {**KINDS[kind].options, **(COMMON if KINDS[kind].holds == "requests" else {})}
    if name not in options:
        names = ", ".join(options) or "none"
        raise ValueError(f"The fault '{kind}' has no option '{name}'; it takes: {names}")
    option_type, default = options[name]
    if value is default or (option_type in {str, bool} and isinstance(value, option_type)):
        return value
    if option_type is bool and str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    if option_type in {int, float} and not isinstance(value, bool):
        try:
            number = option_type(value)
        except (ValueError, TypeError, OverflowError):
            number = math.nan
        if abs(number) <= MOST and (isinstance(value, str) or number == value):
            return number
    shown = {
        int: f"a whole number up to {MOST}",
        float: f"a number up to {MOST}",
        bool: "true or false",
        str: "text",
    }[option_type]
    raise ValueError(f"The option '{name}' of the fault '{kind}' is {shown}, not {value!r}")


def _replaces(fault: Fault, other: Fault) -> bool:
    """Whether a newer standing fault takes the place of an older one."""
    keys = ("entity", "field")
    return fault.kind == other.kind and all(
        fault.options.get(key) == other.options.get(key) for key in keys
    )


def _unknown(kind: str) -> str:
    return f"There is no fault '{kind}'; choose one of {', '.join(sorted(KINDS))}"
