"""The real CI history of Dune Common, as the vendor's test-results XML, one document per build.

In: the packaged Parquet file and a Feeder. Out: 79,192 results in 657 posts, by time. Called
by the demo and by tests; the release names come from demo_workspace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from xml.sax.saxutils import quoteattr

import pyarrow.parquet as pq

from octane_simulator.datasets import Event, Feeder
from octane_simulator.store.simulated_clock import iso

__all__ = ["BUILDS", "END", "FIRST_RELEASE", "RESULTS", "SECOND_RELEASE", "iter_builds", "load",
           "module_of", "release_of"]  # fmt: skip

RESULTS, BUILDS = 79_192, 657
FIRST_RELEASE, SECOND_RELEASE = "2.8 spring", "2.9 winter"
# The start of the second release is made up: the source has no releases.
_SECOND_FROM = datetime(2020, 10, 1, tzinfo=UTC)
# The time of the demo's clock at the end: an hour after the last build.
END = datetime(2021, 1, 20, 21, tzinfo=UTC)

_FIRST_FROM, _LAST_DAY = "2020-05-04T00:00:00Z", "2021-03-31T23:59:59Z"

SERVER_ID = "dune-common-ci"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_MESSAGE = "The source of this history records that the test failed, but no message."

# Which module a test belongs to is made up: the source gives tests as bare numbers. Tests that
# fail at some time are spread by hand, so that modules differ; of the others, the numbers up to
# 30 go by their remainder, and the rest belong to no module.
_MODULES = ("parallel", "linear_algebra", "geometry", "grid_functions", "io")
_BY_HAND = {
    **dict.fromkeys((104, 105, 106, 107), "parallel"),
    **dict.fromkeys((108, 109, 110), "linear_algebra"),
    **dict.fromkeys((137, 138, 139), "geometry"),
    82: "io",
    146: "grid_functions",
    172: "linear_algebra",
    217: "geometry",
    43: "parallel",
}


@dataclass(frozen=True)
class _Environment:
    key: str
    system: str
    compiler: str

    @property
    def job(self) -> str:
        return f"dune-common-{self.system}-{self.compiler}"


ENVIRONMENTS = (
    _Environment("debian_11 gcc-10-20", "debian_11", "gcc-10-20"),
    _Environment("ubuntu_20_04 clang-10-20", "ubuntu_20_04", "clang-10-20"),
)


def module_of(test: int) -> str | None:
    """The symbolic name of the (made-up) application module of a test number, if it has one."""
    if test in _BY_HAND:
        return _BY_HAND[test]
    return _MODULES[test % len(_MODULES)] if test <= 30 else None


def release_of(moment: datetime) -> str:
    """The release a build of that time belongs to."""
    return FIRST_RELEASE if moment < _SECOND_FROM else SECOND_RELEASE


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _document(
    environment: _Environment,
    build: int,
    results: list[tuple[datetime, int, float, bool]],
    modules: Mapping[str, str],
) -> bytes:
    release = release_of(results[-1][0])
    parts = [
        "<?xml version='1.0' encoding='UTF-8'?>\n<test_result>",
        f"<build server_id={quoteattr(SERVER_ID)} job_id={quoteattr(environment.job)} "
        f"job_name={quoteattr(environment.job)} build_id='{build}' build_name='#{build}'/>",
        f"<release name={quoteattr(release)}/><environment>",
        f"<taxonomy type='Operating system' value={quoteattr(environment.system)}/>",
        f"<taxonomy type='Compiler' value={quoteattr(environment.compiler)}/>",
        "</environment><test_runs>",
    ]
    for run_at, test, seconds, failed in results:
        head = (
            f"<test_run module='dune-common' package='dune.common' name='test_{test}' "
            f"duration='{round(seconds * 1000)}' status='{'Failed' if failed else 'Passed'}' "
            f"started='{_milliseconds(run_at)}'"
        )
        area = modules.get(module_of(test) or "")
        inner = f"<product_areas><product_area_ref id='{area}'/></product_areas>" if area else ""
        if failed:
            inner += f"<error type='failed' message={quoteattr(_NO_MESSAGE)}/>"
        parts.append(f"{head}>{inner}</test_run>" if inner else f"{head}/>")
    parts.append("</test_runs></test_result>\n")
    return "".join(parts).encode()


def iter_builds(modules: Mapping[str, str] | None = None) -> Iterator[tuple[datetime, bytes]]:
    """Each build's last moment (UTC) and its XML, in order of that moment.

    `modules` maps symbolic module names to the server's ids; without it no module is sent.
    """
    source = resources.files("octane_simulator") / "data" / "dune_common_ci_history.parquet"
    with source.open("rb") as file:
        columns = pq.ParquetFile(file).read().to_pydict()
    builds: dict[tuple[str, int], list[tuple[datetime, int, float, bool]]] = {}
    for environment, build, run_at, test, seconds, failed in zip(
        *(columns[n] for n in ("environment", "build", "run_at", "test", "duration_s", "failed")),
        strict=True,
    ):
        moment = run_at.replace(tzinfo=UTC)
        builds.setdefault((environment, build), []).append((moment, test, seconds, failed))
    by_name = {environment.key: environment for environment in ENVIRONMENTS}
    for results in builds.values():
        results.sort(key=lambda result: result[0])  # stable: several results of a test keep order
    for (name, build), results in sorted(
        builds.items(), key=lambda item: (item[1][-1][0], item[0])
    ):
        yield results[-1][0], _document(by_name[name], build, results, modules or {})


def load(
    feeder: Feeder,
    modules: Mapping[str, str] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    limit: int | None = None,
    meanwhile: Sequence[Event] = (),
) -> int:
    """Register the CI server and its pipelines, then post every build (or the first `limit`).

    `modules` as in `iter_builds`; with it, the releases must exist (demo_workspace creates them),
    without it they are created here. `progress` gets posted and total builds. The events in
    `meanwhile` happen between builds, in their order. Returns the number of posted builds; at the
    end, the clock stands at the demo's end.
    """
    if modules is None:
        feeder.create(
            "releases",
            [
                {"name": FIRST_RELEASE, "start_date": _FIRST_FROM, "end_date": iso(_SECOND_FROM)},
                {"name": SECOND_RELEASE, "start_date": iso(_SECOND_FROM), "end_date": _LAST_DAY},
            ],
        )
    (server,) = feeder.create(
        "ci_servers",
        [
            {
                "name": "Dune Common CI",
                "instance_id": SERVER_ID,
                "server_type": "gitlab",
                "url": "http://ci.example.invalid",
            }
        ],
    )
    feeder.create(
        "pipelines",
        [
            {
                "name": f"Dune Common on {environment.system} with {environment.compiler}",
                "ci_server": {"type": "ci_server", "id": server},
                "root_job_ci_id": environment.job,
                "jobs": [{"name": environment.job, "jobCiId": environment.job}],
            }
            for environment in ENVIRONMENTS
        ],
    )
    total = BUILDS if limit is None else min(limit, BUILDS)
    posted = 0
    events = deque(meanwhile)
    for moment, xml in iter_builds(modules):
        if posted == total:
            break
        _run_until(feeder, events, moment)
        feeder.set_clock(moment)
        feeder.post_test_results(xml)
        posted += 1
        if progress is not None:
            progress(posted, total)
    _run_until(feeder, events, END)
    feeder.set_clock(END)
    return posted


def _run_until(feeder: Feeder, events: deque[Event], end: datetime) -> None:
    while events and events[0][0] <= end:
        moment, act = events.popleft()
        feeder.set_clock(moment)
        act()
