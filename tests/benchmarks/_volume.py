"""A lake of any size, made by SQL from nothing but numbers and a seed, as an extract writes it.

A folder and a number of runs in, one published generation out; everything else is in proportion:
a test for 50 runs, three modules for a test, a defect for 100 runs. `flow_speed` calls it.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from octane_flows.lake import Draft, Lake, Manifest, TableEntry
from octane_flows.warehouse.contract import contract_entry
from tests.golden import kit

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = "1002"
SEED = 7
BATCH_ROWS = 250_000
MODULES, RELEASES, SPRINTS, USERS, TAGS, ENVIRONMENTS = 1_000, 20, 200, 500, 200, 40
# kind -> its share of a hundred tests, or of a hundred runs
TESTS = {"test_automated": 80, "test_manual": 15, "gherkin_test": 4, "test_suite": 1}
RUNS = {"run_automated": 80, "run_manual": 15, "gherkin_automated_run": 4, "run_suite": 1}
LIST_ITEMS = (
    "run_status.failed", "run_status.passed", "run_status.skipped", "run_status.planned",
    "run_native_status.failed", "run_native_status.passed", "run_native_status.skipped",
    "run_native_status.planned", "severity.low", "severity.medium", "severity.high",
    "severity.urgent", "priority.low", "priority.high", "automation_status.not_automated",
    "automation_status.ready_for_automation", "task_item_type.test", "task_item_type.development",
    "testing_tool_type.junit", "pipeline_run_status.success",
)  # fmt: skip
PHASES = tuple(
    (f"phase.{entity}.{phase}", entity, "done" if phase in ("done", "closed") else "in_progress")
    for entity, phases in {
        "story": ("new", "inprogress", "done"),
        "quality_story": ("new", "inprogress", "done"),
        "feature": ("new", "inprogress", "done"),
        "epic": ("new", "inprogress", "done"),
        "defect": ("new", "opened", "fixed", "closed"),
        "task": ("new", "inprogress", "completed"),
        "test_manual": ("new", "ready", "obsolete"),
        "gherkin_test": ("new", "ready", "obsolete"),
    }.items()
    for phase in phases
)
#: What every row carries; `i` counts from 1 and the macros below spread it over a number of things.
COMMON = {
    "id": "cast(i as varchar)",
    "creation_time": "moment(i / n)",
    "last_modified": "moment(i / n)",
    "owner_id": f"pick(i, {USERS}, 11)",
    "author_id": f"pick(i, {USERS}, 12)",
    "designer_id": f"pick(i, {USERS}, 13)",
}


def publish(home: Path, runs: int) -> Manifest:
    """One generation with that many runs; nothing of it is read from a server."""
    lake = Lake(home / "lake")
    draft = lake.draft()
    connection = duckdb.connect()
    _prepare(connection, runs)
    tables = {name: _write(draft, connection, name, _rows(name, runs)) for name in kit.tables()}
    connection.close()
    return draft.publish(
        as_of=AS_OF, server_url="http://127.0.0.1", server_version="24.4", shared_space="1001",
        tables=tables, states={}, fields=[], certificate=[], schema_changes=[], politeness={},
        findings=[], signed_in_user_id="1", signed_in_user_name="user1",
    )  # fmt: skip


def _prepare(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Macros of the generator, and which of its runs each test ran last in the newest releases."""
    for macro in (
        f"spread(i, k, salt) as cast(hash(i, salt + {SEED}) % cast(k as bigint) as bigint)",
        "pick(i, k, salt) as cast(spread(i, k, salt) + 1 as varchar)",
        f"moment(share) as cast(timestamp '{AS_OF:%Y-%m-%d}' - to_seconds(31536000 * (1 - share)) "
        "as timestamp)",
        f"coded(code) as case code {_whens([f'list_node.{item}' for item in LIST_ITEMS])} end",
        f"phased(code) as case code {_whens([phase for phase, _, _ in PHASES])} end",
        f"run_test(i) as spread(i, {max(runs // 50, 100)}, 1) + 1",
        "outcome(i) as case when spread(i, 100, 2) < 5 then 'failed' "
        "when spread(i, 100, 2) < 93 then 'passed' "
        "when spread(i, 100, 2) < 97 then 'skipped' else 'planned' end",
        f"run_release(i, n) as cast(least(floor({RELEASES}.0 * i / n), {RELEASES - 1}) as bigint)",
    ):
        connection.execute(f"create macro {macro}")
    connection.execute(
        f"create table last_runs as select run_test(i) as test_number, max(i) as i "
        f"from range(1, {runs} + 1) as numbers(i) "
        f"where run_release(i, {runs}) >= {RELEASES - 3} group by run_test(i), "
        f"run_release(i, {runs})"
    )


def _whens(codes: list[str]) -> str:
    return " ".join(f"when '{code}' then '{number}'" for number, code in enumerate(codes, 1))


def _rows(name: str, runs: int) -> tuple[str, dict[str, str]]:
    """The from clause that counts the rows of a table by `i`, of `n`, and its columns."""
    tests = max(runs // 50, 100)
    entity, _, field = name.partition("__")
    if field:
        return _links(entity, field, runs, tests)
    if entity in TESTS:
        return _kind("test_kind", tests, entity), _test(entity)
    if entity in RUNS:
        return _kind("run_kind", runs, entity), _run(entity, runs)
    count, columns = _others(runs, tests).get(name, (0, {}))
    return _count(count), columns


def _count(count: int) -> str:
    return f"(select i, {max(count, 1)} as n from range(1, {count} + 1) as numbers(i))"


def _kind(kind: str, count: int, entity: str) -> str:
    """The numbers among `count` that are of one kind: ids are unique over all kinds."""
    shares = TESTS if kind == "test_kind" else RUNS
    last = 0
    for name, share in shares.items():
        if name == entity:
            place = "run_test(i)" if kind == "run_kind" else "i"
            # a run is of the kind of its test
            within = f"{place} % 100 >= {last} and {place} % 100 < {last + share}"
            return (
                f"(select i, {count} as n from range(1, {count} + 1) as numbers(i) where {within})"
            )
        last += share
    raise KeyError(entity)


def _test(entity: str) -> dict[str, str]:
    columns = {**COMMON, "type": f"'{entity}'", "name": "'shows the right result no. ' || i"}
    if entity == "test_automated":
        columns |= {
            "component": "'core'", "package": f"'com.example.p' || spread(i, {MODULES}, 21)",
            "class_name": "'Result' || i % 997 || 'Test'",
            "framework_id": "coded('list_node.testing_tool_type.junit')",
        }  # fmt: skip
    elif entity != "test_suite":
        columns |= {
            "phase_id": "phased(if(i % 10 = 3, "
            f"'phase.{entity}.obsolete', 'phase.{entity}.ready'))",
            "automation_status_id": "coded(if(i % 3 = 0, "
            "'list_node.automation_status.ready_for_automation', "
            "'list_node.automation_status.not_automated'))",
        }
    return columns


def _run(entity: str, runs: int) -> dict[str, str]:
    test_type = dict(zip(RUNS, TESTS, strict=True))[entity]
    columns = {
        **COMMON,
        "type": f"'{entity}'",
        "name": "'shows the right result no. ' || run_test(i)",
        "test_id": "cast(run_test(i) as varchar)",
        "test_type": f"'{test_type}'",
        "status_id": "coded('list_node.run_status.' || outcome(i))",
        "native_status_id": "coded('list_node.run_native_status.' || outcome(i))",
        "release_id": "cast(run_release(i, n) + 1 as varchar)",
        "sprint_id": f"cast(cast(least(floor({SPRINTS}.0 * i / n), {SPRINTS - 1}) as bigint) + 1 "
        "as varchar)",
        "started": "moment(i / n) - to_seconds(60)",
        "duration": "spread(i, 60000, 3)",
        "run_by_id": f"pick(i, {USERS}, 14)",
        "draft_run": "false",
    }
    if entity in ("run_automated", "gherkin_automated_run"):
        columns |= {
            "build_id": f"cast(cast(floor(i * {max(runs // 1000, 1)}.0 / (n + 1)) as bigint) + 1 "
            "as varchar)",
            "pipeline_id": "cast(cast(floor(i / 1000) as bigint) % 50 + 1 as varchar)",
            "error_type": "if(outcome(i) = 'failed', 'AssertionError', null)",
            "error_message": "if(outcome(i) = 'failed', 'expected ' || spread(i, 40, 4) "
            "|| ' but was ' || spread(i, 9, 5), null)",
            "error_details": "if(outcome(i) = 'failed', "
            "repeat('  at com.example.Result.check(Result.java:' || i % 997 || ') ', 8), null)",
            "failed_build_age": "if(outcome(i) = 'failed', spread(i, 9, 6), null)",
        }
    return columns


def _links(entity: str, field: str, runs: int, tests: int) -> tuple[str, dict[str, str]]:
    """Link tables: three modules, one tag and one covered item of each test, and so on."""
    source = {"source_id": "cast(i as varchar)"}
    if entity in TESTS and field == "last_runs":
        kind = _kind("test_kind", tests, entity)
        rows = f"(select last_runs.test_number as i, last_runs.i as run, of_kind.n from last_runs join {kind} as of_kind on of_kind.i = last_runs.test_number)"  # noqa: E501
        run_type = dict(zip(TESTS, RUNS, strict=True))[entity]
        return rows, {
            **source, "target_id": "cast(run as varchar)", "target_type": f"'{run_type}'",
        }  # fmt: skip
    if entity in TESTS:
        kind = _kind("test_kind", tests, entity)
        if field == "product_areas":
            target = f"cast((i * 7 + place * 333) % {MODULES} + 1 as varchar)"
            rows = f"(select of_kind.*, place from {kind} as of_kind, range(3) as three(place))"
            return rows, {**source, "target_id": target, "target_type": "'product_area'"}
        if field == "user_tags":
            return kind, {
                **source, "target_id": f"pick(i, {TAGS}, 31)", "target_type": "'user_tag'",
            }  # fmt: skip
        stories = max(runs // 200, 50)
        target = f"cast(10000000 + spread(i, {stories}, 32) + 1 as varchar)"
        return kind, {**source, "target_id": target, "target_type": "'story'"}
    environment = {
        "target_id": f"pick(i, {ENVIRONMENTS}, 33)", "target_type": "'taxonomy_item_node'",
    }  # fmt: skip
    if entity in RUNS:
        return _kind("run_kind", runs, entity), {**source, **environment}
    defects = max(runs // 100, 50)
    if entity == "defect":
        target, kind = {
            "run": (f"cast(spread(i, {runs}, 34) + 1 as varchar)", "run_automated"),
            "product_areas": (f"pick(i, {MODULES}, 35)", "product_area"),
        }[field]
        return _count(defects), {
            "source_id": "cast(20000000 + i as varchar)",
            "target_id": target, "target_type": f"'{kind}'",
        }  # fmt: skip
    if entity == "run_history":
        return _count(runs // 10), {**source, **environment}
    builds = max(runs // 1000, 1)
    return _count(builds), {**source, "target_id": "cast(i as varchar)"}


def _others(runs: int, tests: int) -> dict[str, tuple[int, dict[str, str]]]:
    stories, defects, builds = max(runs // 200, 50), max(runs // 100, 50), max(runs // 1000, 1)
    features, tasks = max(stories // 10, 5), stories * 2
    of_epic, of_feature = f"spread(i, {max(features // 10, 1)}, 51)", f"spread(i, {features}, 52)"
    listed, phased = _column(LIST_ITEMS), _column([phase for phase, _, _ in PHASES])
    return {
        "list_node": (len(LIST_ITEMS), {
            "id": "cast(i as varchar)", "logical_name": f"'list_node.' || {listed}",
            "name": listed,
        }),
        "metaphase": (2, {
            "id": "cast(i as varchar)", "entity": "'work_item'", "name": "if(i = 1, 'Done', 'In')",
            "logical_name": "if(i = 1, 'metaphase.work_item.done', "
            "'metaphase.work_item.in_progress')",
        }),
        "phase": (len(PHASES), {
            "id": "cast(i as varchar)", "logical_name": phased, "name": phased,
            "entity": _column([entity for _, entity, _ in PHASES]), "is_start_phase": "i = 1",
            "metaphase_id": _column(["1" if end == "done" else "2" for _, _, end in PHASES]),
        }),
        "release": (RELEASES, {
            **COMMON, "name": "'Release ' || i", "is_default": f"i = {RELEASES}",
            "start_date": f"moment((i - 1) / {RELEASES})", "end_date": f"moment(i / {RELEASES})",
        }),
        "sprint": (SPRINTS, {
            **COMMON, "name": "'Sprint ' || i % 10",
            "release_id": f"cast(cast(floor((i - 1) / {SPRINTS // RELEASES}) as bigint) + 1 "
            "as varchar)",
            "start_date": f"moment((i - 1) / {SPRINTS})", "end_date": f"moment(i / {SPRINTS})",
        }),
        "team": (50, {**COMMON, "name": "'Team ' || i", "number_of_members": "10"}),
        "workspace_user": (USERS, {
            **COMMON, "name": "'user' || i", "full_name": "'User ' || i",
            "email": "'user' || i || '@example.com'",
        }),
        "user_tag": (TAGS, {**COMMON, "name": "'tag ' || i"}),
        "product_area": (MODULES, {
            **COMMON, "name": "'Module ' || i",
            "parent_id": "if(i = 1, null, cast(cast(floor(i / 8) as bigint) + 1 as varchar))",
        }),
        "taxonomy_category_node": (4, {"id": COMMON["id"], "name": "'Category ' || i"}),
        "taxonomy_item_node": (ENVIRONMENTS, {
            "id": COMMON["id"], "name": "'Environment ' || i",
            "category_id": "cast(i % 4 + 1 as varchar)",
        }),
        "ci_server": (5, {**COMMON, "name": "'ci ' || i", "server_type": "'jenkins'"}),
        "pipeline": (50, {
            **COMMON, "name": "'pipeline ' || i", "ci_server_id": "pick(i, 5, 41)",
        }),
        "pipeline_run": (builds, {
            **COMMON, "name": "cast(i as varchar)", "pipeline_id": "cast(i % 50 + 1 as varchar)",
            "release_id": "cast(run_release(i, n) + 1 as varchar)", "duration": "60000",
            "start_time": "epoch_ms(moment(i / n))",
            "status_id": "coded('list_node.pipeline_run_status.success')",
        }),
        "ci_build": (builds, {
            **COMMON, "name": "cast(i as varchar)", "duration": "60000", "status": "'finished'",
            "result": "'success'", "start_time": "epoch_ms(moment(i / n))",
        }),
        "epic": (max(features // 10, 1), _work_item("epic", 40_000_000, 0, "null")),
        "feature": (
            features,
            _work_item("feature", 30_000_000, 40_000_000, of_epic),
        ),
        "story": (stories, _work_item("story", 10_000_000, 30_000_000, of_feature)),
        "quality_story": (
            features,
            _work_item("quality_story", 50_000_000, 30_000_000, of_feature),
        ),
        "defect": (defects, {
            **_work_item("defect", 20_000_000, 30_000_000, of_feature),
            "phase_id": "phased('phase.defect.' || case when i % 10 = 0 then 'opened' "
            "when i % 10 = 1 then 'fixed' when i % 10 = 2 then 'new' else 'closed' end)",
            "severity_id": "coded('list_node.severity.' || "
            "['low', 'medium', 'high', 'urgent'][spread(i, 4, 55) + 1])",
            "detected_by_id": f"pick(i, {USERS}, 56)", "qa_owner_id": f"pick(i, {USERS}, 57)",
            "detected_in_release_id": f"pick(i, {RELEASES}, 58)", "reopens": "i % 5",
            "fixed_on": "if(i % 10 in (0, 2), null, moment((i + n / 20) / n))",
        }),
        "task": (tasks, {
            **COMMON, "name": "'Task ' || i", "estimated_hours": "8", "invested_hours": "4",
            "remaining_hours": "4", "story_id": f"cast(10000000 + i % {stories} + 1 as varchar)",
            "item_type_id": "coded(if(i % 3 = 0, 'list_node.task_item_type.test', "
            "'list_node.task_item_type.development'))",
            "phase_id": "phased(if(i % 2 = 0, 'phase.task.completed', 'phase.task.new'))",
        }),
        "comment": (tests // 4, {
            **COMMON, "text": "'<p>Seen in <b>build ' || i || '</b></p>'",
            "owner_test_id": f"pick(i, {tests}, 61)",
        }),
        "attachment": (tests // 10, {
            **COMMON, "name": "'log ' || i || '.txt'", "size": "1000",
            "owner_test_id": f"pick(i, {tests}, 62)", "owner_test_type": "'test_manual'",
        }),
        "user_item": (tests // 10, {
            "id": COMMON["id"], "user_id": f"pick(i, {USERS}, 63)", "entity_type": "'test'",
            "my_follow_items_test_id": f"pick(i, {tests}, 64)",
        }),
        "test_script": (tests // 100 * 15, {
            # the manual tests: fifteen of each hundred, from the eightieth on
            "id": "cast(floor((i - 1) / 15) * 100 + 80 + (i - 1) % 15 as bigint)::varchar",
            "type": "'test_manual'",
            "script": "'- open the page' || chr(10) || '- press the key' || chr(10) "
            "|| '- ? the result is there'",
        }),
        "test_suite_link_to_manual": (tests // 5, {
            "id": COMMON["id"], "test_suite_id": f"cast(i % {tests // 100} * 100 + 99 as varchar)",
            "test_id": f"cast(spread(i, {tests // 100}, 65) * 100 + 80 + i % 15 as varchar)",
            "test_type": "'test_manual'", '"order"': "i", "include_in_next_run": "true",
        }),
        "requirement_root": (1, {**COMMON, "type": "'requirement_root'", "name": "'Requirements'"}),
        "requirement_document": (features, {
            **COMMON, "id": "cast(60000000 + i as varchar)", "type": "'requirement_document'",
            "name": "'Requirement ' || i", "parent_id": "'1'",
        }),
        "run_history": (runs // 10, {
            "id": COMMON["id"], "run_id": f"spread(i, {runs}, 71) + 1",
            "test_id": f"run_test(spread(i, {runs}, 71) + 1)", "test_name": "'test'",
            "run_native_status_id": "coded('list_node.run_native_status.' || "
            "if(i % 5 = 0, 'failed', 'passed'))",
            "run_status_id": "coded('list_node.run_status.' || if(i % 5 = 0, 'failed', 'passed'))",
            "build_id": f"spread(i, {builds}, 72) + 1", "build_name": "'build'",
            "run_started": "moment(i / n)", "run_duration": "spread(i, 60000, 73)",
            "release_id": "cast(run_release(i, n) + 1 as varchar)",
            "error_message": "if(i % 5 = 0, 'expected ' || spread(i, 40, 74), null)",
        }),
    }  # fmt: skip


def _work_item(entity: str, first: int, parents: int, parent: str) -> dict[str, str]:
    return {
        **COMMON,
        "id": f"cast({first} + i as varchar)",
        "type": f"'{entity}'",
        "name": f"'{entity.replace('_', ' ')} no. ' || i",
        "phase_id": f"phased('phase.{entity}.' || ['new', 'inprogress', 'done'][i % 3 + 1])",
        "parent_id": f"cast({parents} + {parent} + 1 as varchar)",
        "release_id": f"pick(i, {RELEASES}, 81)",
        "sprint_id": f"pick(i, {SPRINTS}, 82)",
        "team_id": "pick(i, 50, 83)",
        "priority_id": "coded('list_node.priority.high')",
        "story_points": "i % 8",
        "closed_on": "if(i % 3 = 2, moment((i + n / 10) / n), null)",
    }


def _column(values: list[str] | tuple[str, ...]) -> str:
    """The i-th of these texts."""
    return "[" + ", ".join(f"'{value}'" for value in values) + "][i]"


def _write(
    draft: Draft, connection: duckdb.DuckDBPyConnection, name: str, rows: tuple[str, dict[str, str]]
) -> TableEntry:
    entry = contract_entry(name)
    source, columns = rows
    if not columns:
        return entry
    types = {column.name: column.type for column in entry.columns}
    own = {
        "_workspace_id": f"'{WORKSPACE}'",
        "_generation": str(draft.generation),
        "_extracted_at": f"timestamp '{AS_OF:%Y-%m-%d}'",
        "_deleted": "false",
    }
    known = {key.strip('"'): value for key, value in columns.items()}
    filled = {key: value for key, value in {**own, **known}.items() if key in types}
    selected = ", ".join(f'cast({sql} as {types[key]}) as "{key}"' for key, sql in filled.items())
    schema = pa.schema([(key, kit.ARROW[types[key]]) for key in filled])
    writer = draft.writer(name, schema, workspace=WORKSPACE)
    reader = connection.sql(f"select {selected} from {source} as numbered").to_arrow_reader(
        BATCH_ROWS
    )
    for batch in reader:
        writer.write(pa.Table.from_batches([batch]).cast(schema))
    file = writer.close()
    return dataclasses.replace(entry, files=(file,) if file else ())
