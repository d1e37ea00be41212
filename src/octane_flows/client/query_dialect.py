"""The forms in which servers take the query language, and the form that one server takes. Pure.

Servers differ: one has no `>=` and `!=`. Each feature of the language has forms that select the
same rows; the first is the documented one. `query` writes statements by a `Dialect`, and
`dialect_memory` finds out which forms a server takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import Final

__all__ = [
    "AND",
    "CROSS",
    "DOCUMENTED",
    "EMPTY",
    "FORMS",
    "NULL",
    "OR",
    "PHRASE",
    "TEXT",
    "TIME",
    "Dialect",
    "Form",
    "form_named",
]

# How strongly a statement binds: || binds least, then ; then a single phrase.
OR, AND, PHRASE = 0, 1, 2

TEXT: Final = "text"
TIME: Final = "time"
NULL: Final = "null"
EMPTY: Final = "{null}"
CROSS: Final = "cross filter"
MAX_ATTEMPTS: Final = 14  # dialects that are tried for one comparison, the nearest ones first


@dataclass(frozen=True)
class Form:
    """One way to write a feature: `{f}` is the field, `{v}` the value, `{w}` the second value."""

    template: str
    binds: int = PHRASE

    @property
    def name(self) -> str:
        """The form as people read it and as the lake keeps it."""
        return self.template.format(f="field", v="value", w="other")


def _either(*templates: str) -> tuple[Form, ...]:
    return tuple(Form(template, OR) for template in templates)


def _both(*templates: str) -> tuple[Form, ...]:
    return tuple(Form(template, AND) for template in templates)


def _single(*templates: str) -> tuple[Form, ...]:
    return tuple(Form(template) for template in templates)


#: Forms that select the same rows. Those with ! come last, because they also select rows without a
#: value; the extract compares `id`, `last_modified` and `timestamp`, which every row has.
FORMS: Final[Mapping[str, tuple[Form, ...]]] = {
    "EQ": _single("{f} EQ {v}", "{f}={v}"),
    "GE": (
        *_single("{f} GE {v}", "{f}>={v}"),
        *_either("{f} GT {v}||{f} EQ {v}", "{f}>{v}||{f}={v}"),
        *_single("!({f} LT {v})", "!({f}<{v})"),
    ),
    "LE": (
        *_single("{f} LE {v}", "{f}<={v}"),
        *_either("{f} LT {v}||{f} EQ {v}", "{f}<{v}||{f}={v}"),
        *_single("!({f} GT {v})", "!({f}>{v})"),
    ),
    "GT": (
        *_single("{f} GT {v}", "{f}>{v}"),
        *_both("{f} GE {v};!({f} EQ {v})", "{f}>={v};!({f}={v})"),
        *_single("!({f} LE {v})", "!({f}<={v})"),
    ),
    "LT": (
        *_single("{f} LT {v}", "{f}<{v}"),
        *_both("{f} LE {v};!({f} EQ {v})", "{f}<={v};!({f}={v})"),
        *_single("!({f} GE {v})", "!({f}>={v})"),
    ),
    "BTW": (
        *_single("{f} BTW {v}...{w}"),
        *_both(
            "{f} GE {v};{f} LE {w}",
            "{f}>={v};{f}<={w}",
            "({f} GT {v}||{f} EQ {v});({f} LT {w}||{f} EQ {w})",
            "({f}>{v}||{f}={v});({f}<{w}||{f}={w})",
            "!({f} LT {v});!({f} GT {w})",
            "!({f}<{v});!({f}>{w})",
        ),
    ),
    # a list of values: {v} stands for all of them, or for each in turn where it says "||..."
    "IN": (*_single("{f} IN {v}"), *_either("{f} EQ {v}||...", "{f}={v}||...")),
    NULL: _single("{f} EQ null"),
    EMPTY: _single("{f} EQ {{null}}"),
    CROSS: _single("{f} EQ {{{v}}}"),
    TEXT: _single("^{v}^", "'{v}'"),
    TIME: _single("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000Z"),
}


@dataclass(frozen=True)
class Dialect:
    """How one server takes queries: the form of each feature that it does not take as documented.

    `page_limit` is the most rows of a page where the server takes less than was asked for.
    """

    forms: Mapping[str, Form] = field(default_factory=dict)
    page_limit: int | None = None

    def form(self, feature: str) -> Form:
        """The form in which a feature is written."""
        return self.forms.get(feature, FORMS[feature][0])

    def is_documented(self, feature: str) -> bool:
        """Whether a feature is written as documented."""
        return self.form(feature) == FORMS[feature][0]

    def comparison(self, operator: str, name: str, values: Sequence[str]) -> tuple[str, int]:
        """A comparison of a field with values that are written already, and how it binds."""
        form = self.form(operator)
        if operator == "IN":
            single, _, repeated = form.template.partition("||")
            if not repeated:
                return form.template.format(f=name, v=",".join(values)), form.binds
            return "||".join(single.format(f=name, v=value) for value in values), form.binds
        first = values[0] if values else ""
        return form.template.format(f=name, v=first, w=values[-1] if values else ""), form.binds

    def with_forms(self, forms: Mapping[str, Form]) -> Dialect:
        """The dialect with other forms of some features."""
        return replace(self, forms={**self.forms, **forms})

    def others(self, features: Iterable[str]) -> Iterator[Dialect]:
        """Dialects with other forms of these features, those that differ in the fewest first."""
        names = list(dict.fromkeys(features))
        choices = {
            name: [form for form in FORMS[name] if form != self.form(name)] for name in names
        }
        count = 0
        for size in range(1, len(names) + 1):
            for changed in combinations(names, size):
                for forms in product(*(choices[name] for name in changed)):
                    if count == MAX_ATTEMPTS:
                        return
                    count += 1
                    yield self.with_forms(dict(zip(changed, forms, strict=True)))


#: The language as the vendor documents it.
DOCUMENTED: Final = Dialect()


def form_named(feature: str, name: str) -> Form | None:
    """The form with a name, as the lake keeps it; None where there is none (any more)."""
    return next((form for form in FORMS.get(feature, ()) if form.name == name), None)
