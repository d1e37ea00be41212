"""docs/metrics.md: a page about every metric, from the headers of `sql/metric`."""

from __future__ import annotations

import re

from octane_flows.questions import Question, list_questions
from tests.pages.markdown import anchor, table

HEAD = """# The metrics

Each metric is a table macro, `metric.<slug>(name := value, ...)`, a command,
`octane-flows metric <slug> --param name=value`, and a method in [Python](python.md). The definition
in words is the question, what one row is, and the meaning of each column; the SQL is linked.

- `as_of` is the server's time when the extract began, unless it is given; windows count back
  from it. Names, labels, owners and modules that stand beside a result are those of now, for a past
  `as_of` too. Where more is of now, a line "past" below the columns says so, and a warning when it
  matters; `octane-flows metric <slug> --as-of <time>` answers from what was read until then.
- Lists of logical names and kinds are written with commas. `--param name=` (nothing behind the
  equals sign) means null.
- Results of automated tests are the current runs and the history of those they replaced.
- Phases are known to the second from the change history. Where it is missing, they are known from
  the versions that extracts read, as `er.phase_periods` says: a change is dated where the next
  version was the only write since the one before, and otherwise lies between two moments. What
  cannot be told to within `vague_days` is counted, not measured. `entry_source` marks which it is.
- Below the columns of a metric stands which published definition it follows, or that it is of our
  own; of a metric on results also what it cannot tell apart, and how it takes retries, branches,
  environments, gaps and renames.
- A ratio is a share from 0 to 1. `is_small_sample`, where a metric has it, tells
  that there are too few results to rank by.
"""


def metrics_page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_metric(metric) for metric in list_questions("metric"))])


def _metric(metric: Question) -> str:
    parameters = [
        (f"`{parameter.name}`", parameter.type, f"`{parameter.default_sql}`", parameter.meaning)
        for parameter in metric.parameters
    ]
    columns = [(f"`{column.name}`", column.meaning) for column in metric.columns]
    notes = [(note.topic, note.text) for note in metric.notes]
    return "\n".join(
        [
            f"## {metric.slug}",
            "",
            metric.text,
            "",
            f"One row is {metric.grain}. Key: {', '.join(f'`{name}`' for name in metric.key)}. "
            f"Read from {_linked(metric.source)}. "
            f"SQL: [{metric.slug}.sql](../sql/metric/{metric.slug}.sql)",
            "",
            *table(("parameter", "type", "default", "meaning"), parameters),
            "",
            *table(("column", "meaning"), columns),
            "",
            *([*table(("about", "what holds"), notes), ""] if notes else []),
        ]
    )


def _linked(source: str) -> str:
    source = re.sub(r"\bmetric\.(\w+)", r"[`metric.\1`](#\1)", source)
    source = re.sub(r"https://\S+[^;\s]", r"<\g<0>>", source)
    return re.sub(
        r"\ber\.\w+", lambda match: f"[`{match[0]}`](tables.md#{anchor(match[0])})", source
    )
