"""Several results of one test become one: retries, variants, and files that were given twice.

The results of all files in, one result for each test and environment out, with notes of what was
joined. Octane finds tests by class and name and keeps one run for each environment: of two results
with equal names the server would keep the last one, and a failure before it would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from octane_flows.results.test_result import Attempt, ErrorText, Result, Status

_WORST: dict[Status, int] = {"Failed": 2, "Passed": 1, "Skipped": 0}


def fold_results(
    files: Iterable[tuple[Sequence[Result], bool]],
) -> tuple[list[Result], dict[str, int]]:
    """Results in the order in which their tests came first, and how many were joined, by file.

    Each file comes with whether equal names in it are attempts of one test. Elsewhere they are
    variants: the worst one counts, and a variant that ran is worse than a skipped one.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for results, are_retries in files:
        own: dict[tuple[str, str, str], list[Result]] = {}
        for result in results:
            own.setdefault(result.identity, []).append(result)
        for identity, group in own.items():
            if are_retries and len(group) > 1:
                group = [_last_attempt(group)]
            groups.setdefault(identity, []).extend(group)
    folded: list[Result] = []
    joined: dict[str, int] = {}
    for group in groups.values():
        result = _worst(group)
        if result.folded_count > 1:
            joined[result.file] = joined.get(result.file, 0) + result.folded_count - 1
        folded.append(result)
    return folded, joined


def _last_attempt(group: Sequence[Result]) -> Result:
    """Cases of one name, one for each attempt; cases with a text of the last attempt belong to it.

    pytest-rerunfailures writes attempts that were run again as cases without any child, so all
    but the last attempt failed. A failure in a test and one in its tear-down are two cases.
    """
    last = group[-1]
    of_last = [last]
    for result in reversed(group[:-1]):
        if last.status == "Failed" and result.status == "Failed" and _is_teardown(last):
            of_last.insert(0, result)
        break
    earlier = group[: len(group) - len(of_last)]
    error = _joined_error(of_last)
    attempts = [Attempt("Failed", each.duration_ms, each.error) for each in earlier]
    attempts.append(Attempt(last.status, last.duration_ms, error))
    return replace(
        last,
        error=error,
        attempts=tuple(attempts) if len(attempts) > 1 else (),
        folded_count=len(group),
    )


def _is_teardown(result: Result) -> bool:
    return result.error is not None and "teardown" in (result.error.message or "")


def _worst(group: Sequence[Result]) -> Result:
    distinct: list[Result] = []
    for result in group:
        if not any(_is_same(result, other) for other in distinct):
            distinct.append(result)
    if len(distinct) == 1:
        count = sum(each.folded_count for each in group)
        return replace(distinct[0], folded_count=count) if count > 1 else distinct[0]
    # of equal ones the last: it is what the tool saw in the end
    worst = max(reversed(distinct), key=lambda result: _WORST[result.status])
    failed = [each for each in distinct if each.status == "Failed"]
    durations = [each.duration_ms for each in distinct if each.duration_ms is not None]
    starts = [each.started_ms for each in distinct if each.started_ms is not None]
    attempts = worst.attempts
    return replace(
        worst,
        error=_joined_error(failed) if failed else worst.error,
        duration_ms=sum(durations) if durations else None,
        started_ms=min(starts) if starts else None,
        attempts=attempts,
        folded_count=sum(each.folded_count for each in group),
    )


def _is_same(first: Result, second: Result) -> bool:
    """The same result read twice, from one file or from two."""
    return (
        first.status == second.status
        and first.variant == second.variant
        and first.started_ms == second.started_ms
        and first.duration_ms == second.duration_ms
        and first.error == second.error
        and first.attempts == second.attempts
    )


def _joined_error(failed: Sequence[Result]) -> ErrorText | None:
    """The first error, with the texts of all and the variants to which they belong."""
    errors = [each for each in failed if each.error is not None]
    if not errors:
        return None
    first = errors[0].error
    assert first is not None  # chosen above
    if len(errors) == 1 and not errors[0].variant:
        return first
    parts: list[str] = []
    for each in errors:
        error = each.error
        assert error is not None  # chosen above
        text = error.details or error.message or ""
        if each is not errors[0] and error.message and error.message not in text:
            text = f"{error.message}\n{text}"
        parts.append(f"[{each.variant}]\n{text}" if each.variant else text)
    return ErrorText(first.type, first.message, "\n\n".join(parts))
