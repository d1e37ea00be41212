"""Reading result files: every file by its format, what is wrong with one never stops the others.

Paths or patterns in, a `Reading` out; `report-results` and people's programs call `read`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from octane_flows.errors import UsageError
from octane_flows.results.allure_results import read_allure
from octane_flows.results.fold_results import fold_results
from octane_flows.results.result_collector import ReadOptions, ResultCollector
from octane_flows.results.result_formats import ALLURE, FORMATS, detect_format, head_of
from octane_flows.results.result_sources import Source, find_sources, opened
from octane_flows.results.test_result import (
    FileReading,
    Note,
    Reading,
    Result,
    ResultFileError,
    StartSource,
    UnknownFormatError,
)


def read(
    paths: str | Path | Iterable[str | Path],
    *,
    format: str | None = None,
    undefined: str = "failed",
    build_started_ms: int | None = None,
) -> Reading:
    """Read test results from files, folders, patterns, zip and gz archives.

    `format` forces one of `FORMATS`, otherwise the content decides. `undefined` tells how
    undefined, ambiguous and pending steps of Gherkin count: failed or skipped. Results without a
    start of their own get `build_started_ms` (UTC, milliseconds since 1970), else the time of
    their file. A file that cannot be read becomes a `FileReading` with a refusal. Raises
    UsageError for an unknown format or option.
    """
    if format is not None and format not in FORMATS and format != ALLURE:
        names = ", ".join([*FORMATS, ALLURE])
        raise UsageError(f"'{format}' is no format of result files; use one of {names}.")
    if undefined not in ("failed", "skipped"):
        raise UsageError(f"Undefined steps count as failed or skipped, not as '{undefined}'.")
    options = ReadOptions("skipped" if undefined == "skipped" else "failed")
    readings: list[FileReading] = []
    retries: list[bool] = []
    for source in find_sources([paths] if isinstance(paths, str | Path) else paths):
        if not isinstance(source, Source):
            name, error = source
            readings.append(FileReading(name, refusal=str(error)))
            retries.append(False)
            continue
        collector = ResultCollector(source.name, options)
        reading = _read_source(source, collector, format)
        reading.results = [
            _with_start(each, build_started_ms, source.modified_ms) for each in reading.results
        ]
        readings.append(reading)
        retries.append(collector.repeats_are_retries)
    results, joined = fold_results(
        (reading.results, are_retries)
        for reading, are_retries in zip(readings, retries, strict=True)
    )
    for reading in readings:
        if count := joined.get(reading.file, 0):
            text = "several results of one test became one"
            reading.notes.append(Note("folded", text, reading.file, None, count))
    return Reading(tuple(readings), tuple(results))


def _read_source(source: Source, collector: ResultCollector, forced: str | None) -> FileReading:
    reading = FileReading(source.name)
    try:
        if source.parts:
            reading.format = ALLURE
            read_allure(source.parts, collector)
        else:
            with opened(source) as stream:
                reading.format = forced or detect_format(head_of(stream))
            with opened(source) as stream:
                FORMATS[reading.format](stream, collector)
        collector.durations.settle(collector.results)
        reading.results = collector.results
    except UnknownFormatError as error:
        if source.is_named:
            reading.refusal = str(error)
        else:
            collector.notes.add("ignored", str(error))
    except ResultFileError as error:
        reading.refusal = str(error)
    reading.framework = collector.framework
    reading.notes = collector.notes.collect()
    if reading.refusal is None and reading.format is not None and not reading.results:
        reading.notes.append(Note("ignored", "the file holds no results", source.name))
    return reading


def _with_start(result: Result, build_started_ms: int | None, modified_ms: int) -> Result:
    if result.started_ms is not None:
        return result
    origin: StartSource = "file" if build_started_ms is None else "build"
    started = modified_ms if build_started_ms is None else build_started_ms
    return replace(result, started_ms=started, started_from=origin)
