"""CI builds: a build report or the build of a test-results document goes in, rows come out.

`Builds` remembers which rows belong to a CI server's own ids. Called by build_routes.py for build
reports and by result_ingest.py for test results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, proxy

from octane_simulator.rules.ci_jobs import job_of, node_of
from octane_simulator.store.entity_store import Store

__all__ = ["BuildRow", "Builds", "builds_of", "forget_builds", "ref"]

Row = dict[str, Any]


def ref(entity_type: str, id: str | None) -> dict[str, str] | None:
    """A reference value, or None for no id."""
    return None if id is None else {"type": entity_type, "id": id}


@dataclass
class BuildRow:
    """One CI build as stored, with what its runs and their history need to know."""

    id: str
    name: str
    job_name: str
    status: str | None = None
    result: str | None = None
    pipeline: str | None = None
    pipeline_name: str | None = None
    pipeline_run: str | None = None  # the run whose root this build is
    joined: str | None = None  # the pipeline run of the build that caused this one
    start: int | None = None  # epoch ms
    duration: int | None = None  # ms


class Builds:
    """Finds or creates the build, pipeline run and pipeline node of a CI server's own ids."""

    def __init__(self, store: Store) -> None:
        self.store: Store = proxy(store)  # a strong reference would keep the store in memory
        self._by_key: dict[tuple[str, str, str], BuildRow] = {}
        self._by_id: dict[str, BuildRow] = {}

    def by_id(self, id: str | None) -> BuildRow | None:
        """A build row by its id, read from the store when it is not remembered."""
        if id is None:
            return None
        build = self._by_id.get(id)
        if build is None and (row := self.store.get("ci_build", id)) is not None:
            build = BuildRow(id, row["name"], row["name"], row.get("status"), row.get("result"))
            self._by_id[id] = build
        return build

    def find_or_create(
        self,
        server: str,
        job: str,
        number: str,
        *,
        job_name: str,
        name: str,
        cause: tuple[str, str] | None = None,
    ) -> BuildRow:
        """The build with these CI ids; a root job's build gets a pipeline run and a node.

        A build of another job belongs to the pipeline run of the build that caused it.
        """
        key = (server, job, number)
        remembered = self._by_key.get(key)
        if remembered is not None and self.store.get("ci_build", remembered.id) is not None:
            return remembered
        pipeline = self._pipeline(server, job)
        ci_job = self._job(server, job, job_name)
        build = (
            self._find_stored(pipeline, number, job_name)
            or self._find_by_job(ci_job, number, job_name)
            or self._create(pipeline, number, job_name, name, ci_job)
        )
        if pipeline is None and cause is not None:
            self._join_pipeline_run(build, self._by_key.get((server, *cause)))
        self._by_key[key] = self._by_id[build.id] = build
        return build

    def _join_pipeline_run(self, build: BuildRow, parent: BuildRow | None) -> None:
        """Put a build into the pipeline run of its cause, if the cause was reported."""
        if parent is None or (parent.pipeline_run or parent.joined) is None:
            return
        build.pipeline, build.pipeline_name = parent.pipeline, parent.pipeline_name
        build.joined = parent.pipeline_run or parent.joined
        job = (self.store.get("ci_build", build.id) or {}).get("ci_job")
        if job is not None and build.pipeline is not None:
            node = [("pipeline_node", node_of(self.store, build.pipeline, job))]
            self.store.link("ci_build", "pipeline_node", build.id, node)
        run = [("pipeline_run", str(build.joined))]
        self.store.link("ci_build", "pipeline_run", build.id, run)

    def report(self, build: BuildRow, **changed: Any) -> None:
        """Change status, result, start or duration of a build and of its pipeline run."""
        for name, value in changed.items():
            setattr(build, name, value)
        self.store.update(
            "ci_build",
            build.id,
            {
                "status": build.status,
                "result": build.result,
                "start_time": build.start,
                "duration": build.duration,
            },
        )
        if build.pipeline_run is not None:  # the root's build alone decides the status of the run
            word = build.result if build.status == "finished" else build.status
            self.store.update(
                "pipeline_run",
                build.pipeline_run,
                {
                    "status": ref("list_node", f"list_node.pipeline_run_status.{word}"),
                    "start_time": build.start,
                    "duration": build.duration,
                },
            )

    def _pipeline(self, server: str, job: str) -> Row | None:
        for ci_server in self.store.find("ci_server", instance_id=server):
            for pipeline in self.store.find("pipeline", root_job_ci_id=job):
                owner = pipeline.get("ci_server") or {}
                if owner.get("id") == ci_server["id"] or pipeline.get("server_ci_id") == server:
                    return pipeline
        return None

    def _find_stored(self, pipeline: Row | None, number: str, job_name: str) -> BuildRow | None:
        """The build of an earlier process: its pipeline run has the CI's build id as name."""
        if pipeline is None:
            return None
        for run in self.store.find("pipeline_run", name=number):
            builds = run.get("ci_builds") or []
            if (run.get("pipeline") or {}).get("id") == pipeline["id"] and builds:
                row = self.store.get("ci_build", builds[0]["id"])
                if row is not None:
                    return BuildRow(
                        row["id"], row["name"], job_name, row.get("status"), row.get("result"),
                        pipeline["id"], pipeline["name"], run["id"],
                        row.get("start_time"), row.get("duration"),
                    )  # fmt: skip
        return None

    def _job(self, server: str, job: str, name: str) -> dict[str, str] | None:
        """The job of a registered CI server; results of other servers have none."""
        servers = self.store.find("ci_server", instance_id=server)
        return (
            job_of(self.store, ref("ci_server", servers[0]["id"]), job, name) if servers else None
        )

    def _find_by_job(
        self, job: dict[str, str] | None, number: str, job_name: str
    ) -> BuildRow | None:
        """The build that a job had under this number before the server started."""
        if job is None:
            return None
        for row in self.store.find("ci_build", build_ci_id=number, ci_job=job["id"]):
            return BuildRow(
                row["id"], row["name"], job_name, row.get("status"), row.get("result"),
                start=row.get("start_time"), duration=row.get("duration"),
            )  # fmt: skip
        return None

    def _create(
        self,
        pipeline: Row | None,
        number: str,
        job_name: str,
        name: str,
        job: dict[str, str] | None,
    ) -> BuildRow:
        values = {"name": name, "build_ci_id": number, "ci_job": job}
        build = BuildRow(self.store.insert("ci_build", values), name, job_name)
        if pipeline is None:
            return build
        build.pipeline, build.pipeline_name = pipeline["id"], pipeline["name"]
        reference = ref("pipeline", build.pipeline)
        build.pipeline_run = self.store.insert(
            "pipeline_run",
            {
                "name": number,
                "pipeline": reference,
                "release": pipeline.get("current_release"),
                "milestone": pipeline.get("current_milestone"),
            },
        )
        server = pipeline.get("ci_server")
        node = node_of(
            self.store,
            pipeline["id"],
            job or job_of(self.store, server, pipeline["root_job_ci_id"], job_name),
        )
        self.store.link(
            "ci_build", "pipeline_run", build.id, [("pipeline_run", build.pipeline_run)]
        )
        self.store.link("ci_build", "pipeline_node", build.id, [("pipeline_node", node)])
        return build


_BUILDS: WeakKeyDictionary[Store, Builds] = WeakKeyDictionary()


def builds_of(store: Store) -> Builds:
    """The `Builds` of a store, which is made once."""
    return _BUILDS.setdefault(store, Builds(store))


def forget_builds(store: Store) -> None:
    """Drop what is remembered about a store's builds; it is read again when needed."""
    _BUILDS.pop(store, None)
