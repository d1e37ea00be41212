"""Previous runs: the result that a run had before a new one, as a row of the run history.

In: the old values of runs, from result_ingest.py. Out: `run_history` rows, written many at a time.
"""

from __future__ import annotations

from typing import Any

from octane_simulator.results.ci_builds import Builds, Row, ref
from octane_simulator.results.result_document import Result
from octane_simulator.store.entity_store import FIRST_ID, Store
from octane_simulator.store.table_layout import quoted

__all__ = ["append_history", "history_row"]


def _ids(row: Row, name: str) -> list[str]:
    return [item["id"] for item in row.get(name) or ()]


def history_row(builds: Builds, result: Result, old: Row) -> Row:
    """The present result of a run as a row of the run history (without the run's id)."""
    component, package, class_name, name = result.test
    build_id = (old.get("build") or {}).get("id")
    build = builds.by_id(build_id)
    pipeline = old.get("pipeline")
    return {
        "run_native_status": old.get("native_status"),
        "run_status": old.get("status"),
        "run_started": old.get("started"),
        "run_duration": old.get("duration"),
        "build_id": None if build_id is None else int(build_id),
        "build_name": build.name if build else None,
        "build_status": build.result if build else None,
        "job_name": build.job_name if build else None,
        "pipeline": pipeline,
        "pipeline_id": pipeline,
        "pipeline_name": build.pipeline_name if build else None,
        "pipeline_run_id": ref("pipeline_run", build.pipeline_run or build.joined)
        if build
        else None,
        "test_id": int(old["test"]["id"]),
        "test_name": name,
        "test_component": component or None,
        "test_package": package or None,
        "test_class": class_name or None,
        "test_subtype": old["test"]["type"],
        "bdd_spec_name": old.get("bdd_spec_name"),
        "error_type": old.get("error_type"),
        "error_message": old.get("error_message"),
        "error_details": old.get("error_details"),
        "failed_build_age": old.get("failed_build_age"),
        "failed_since_build": old.get("failed_since_build"),
        "is_new_failure": old.get("failed_build_age") == 1,
        "release": old.get("release"),
        "milestone": old.get("milestone"),
        "taxonomies": [ref("taxonomy_item_node", id) for id in _ids(old, "taxonomies")],
        "application_modules": [ref("product_area", id) for id in _ids(old, "product_areas")],
    }


def append_history(store: Store, rows: list[Row]) -> None:
    """Add previous runs, many at a time; no other function adds any."""
    if not rows:
        return
    top = store.read("SELECT max(id) FROM run_history")[0][0]
    first = max(FIRST_ID, (top or 0) + 1)
    # The store itself inserts the last row, so that it knows the highest id.
    store.insert("run_history", rows[-1], id=str(first + len(rows) - 1))
    columns = store.columns("run_history")
    scalars, singles, links = (
        [name for name in rows[0] if columns[name].kind == kind]
        for kind in ("scalar", "single", "link")
    )
    names = ["id", "type", *scalars]
    names += [f"{name}_{part}" for name in singles for part in ("id", "type")]
    flat: list[list[Any]] = []
    pairs: dict[str, list[tuple[int, str, str, str]]] = {name: [] for name in links}
    for id, row in enumerate(rows[:-1], first):
        values = [id, "run_history", *(row[name] for name in scalars)]
        for name in singles:
            value = row[name]
            values += (value["id"], value["type"]) if value else (None, None)
        flat.append(values)
        for name in links:
            pairs[name] += [
                (id, "run_history", reference["id"], reference["type"]) for reference in row[name]
            ]
    store.connection.executemany(
        f"INSERT INTO run_history ({', '.join(map(quoted, names))}) "
        f"VALUES ({', '.join('?' * len(names))})",
        flat,
    )
    for name, linked in pairs.items():
        _append_links(store, name, linked)


def _append_links(store: Store, name: str, rows: list[tuple[int, str, str, str]]) -> None:
    end = store.schema.link_ends["run_history", name]
    if rows and not store.link_filled(end.link):
        id, _, target, kind = rows[0]
        store.link("run_history", name, str(id), [(kind, target)])
    own, far = end.own, end.far
    store.connection.executemany(
        f"INSERT OR IGNORE INTO {quoted(end.link)} ({own}, {own}_type, {far}, {far}_type) "
        "VALUES (?, ?, ?, ?)",
        rows,
    )
