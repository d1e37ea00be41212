"""Exclusion lists of test tools: entries in, the text of a file that the tool reads out.

How each tool reads its list stands in docs/trust.md; every entry has its reason, owner and expiry
as a comment where the tool allows comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from octane_flows.quarantine.quarantine_file import Entry


def exclusion_list(entries: Sequence[Entry], tool: str) -> str:
    """The list for one of `FORMATS`."""
    return FORMATS[tool](entries)


def _note(entry: Entry) -> str:
    """Reason, owner and expiry on one line, whatever characters they have."""
    text = f"{entry.reason}; owner {entry.owner}; expires {entry.expires.isoformat()}"
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _pytest(entries: Sequence[Entry]) -> str:
    """Arguments for `pytest @FILE`; such a file has no comments."""
    return "".join(f"--deselect={_node_id(entry)}\n" for entry in entries)


def _node_id(entry: Entry) -> str:
    """File, classes and function, as pytest writes them into JUnit XML with dots."""
    parts = entry.full_class.split(".") if entry.full_class else []
    classes: list[str] = []
    while parts and parts[-1][:1].isupper():  # modules of Python begin with a small letter
        classes.insert(0, parts.pop())
    if not parts and classes:
        parts = [classes.pop(0)]
    return "::".join(
        filter(None, ("/".join(parts) + ".py" if parts else "", *classes, _one_line(entry.name)))
    )


def _surefire(entries: Sequence[Entry]) -> str:
    """Patterns for `-Dsurefire.excludesFile=FILE`."""
    return "".join(
        f"# {_note(entry)}\n{entry.full_class.replace('.', '/') or '**/*'}#{_method(entry)}\n"
        for entry in entries
    )


def _junit5(entries: Sequence[Entry]) -> str:
    """Arguments for JUnit's ConsoleLauncher: `execute @FILE`."""
    return "".join(
        f"# {_note(entry)}\n--exclude-methodname=^{_pattern(entry)}$\n" for entry in entries
    )


def _pattern(entry: Entry) -> str:
    class_name = re.sub(r"([.$^+*?()\[\]{}|])", r"[\1]", entry.full_class).replace("[^]", r"\^")
    return f"{class_name or '.*'}#{_method(entry)}"


def _method(entry: Entry) -> str:
    """The method of a name such as `adds(int)[1]`: what stands before its parameters."""
    return re.split(r"[(\[{ ]", entry.name.strip())[0] or "*"


def _playwright(entries: Sequence[Entry]) -> str:
    """A module whose value is the option `grepInvert` of playwright.config."""
    lines = [f"  // {_note(entry)}\n  new RegExp({_title(entry)}),\n" for entry in entries]
    return "module.exports = [\n" + "".join(lines) + "];\n"


def _title(entry: Entry) -> str:
    """The end of the title: describe blocks are joined by ` › ` in reports, by blanks in grep."""
    title = re.sub(r"\s+(?:\u203a|>)\s+", " ", _one_line(entry.name))
    escaped = re.sub(r"([\\^$.*+?()\[\]{}|/])", r"\\\1", title)
    return json.dumps(f"(^|\\s){escaped}(\\s@\\S+)*$")


def _robot(entries: Sequence[Entry]) -> str:
    """A pre-run modifier for `robot --prerunmodifier FILE`: it leaves tests out by full name."""
    names = "".join(
        f"    # {_note(entry)}\n    {'.'.join(filter(None, (entry.full_class, entry.name)))!r},\n"
        for entry in entries
    )
    return _ROBOT.replace("NAMES_HERE", names)


_ROBOT = '''\
from robot.api import SuiteVisitor

NAMES = {
NAMES_HERE}


class quarantine(SuiteVisitor):
    """Leaves the tests of the quarantine out."""

    def start_suite(self, suite):
        suite.tests = [test for test in suite.tests if self._name(test) not in NAMES]

    def end_suite(self, suite):
        suite.suites = [child for child in suite.suites if child.test_count > 0]

    def visit_test(self, test):
        """Tests have nothing to visit."""

    def _name(self, test):
        return getattr(test, "full_name", None) or test.longname
'''

#: Format -> what writes it.
FORMATS: Mapping[str, Callable[[Sequence[Entry]], str]] = {
    "pytest": _pytest,
    "surefire": _surefire,
    "junit5": _junit5,
    "playwright": _playwright,
    "robot": _robot,
}
