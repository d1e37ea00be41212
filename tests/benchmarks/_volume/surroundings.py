"""Everything but tests and runs: lists, people, releases, builds, the backlog, notes.

The number of runs and tests in, how many rows each table has and its columns out.
"""

from __future__ import annotations

from tests.benchmarks._volume.shape import (
    COMMON,
    ENVIRONMENTS,
    LIST_ITEMS,
    MODULES,
    PHASES,
    RELEASES,
    SPRINTS,
    TAGS,
    USERS,
)

Rows = tuple[int, dict[str, str]]


def surrounding_rows(runs: int, tests: int) -> dict[str, Rows]:
    """How many rows each of these tables has, and its columns."""
    return {**_settings(), **_builds(runs), **_backlog(runs), **_notes(tests)}


def _settings() -> dict[str, Rows]:
    """Lists, phases, releases, people, tags, modules and environments."""
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
    }  # fmt: skip


def _builds(runs: int) -> dict[str, Rows]:
    """CI servers, their pipelines and builds, and the results that later ones replaced."""
    builds = max(runs // 1000, 1)
    return {
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


def _backlog(runs: int) -> dict[str, Rows]:
    """Work items, their tasks, and requirements."""
    stories, defects = max(runs // 200, 50), max(runs // 100, 50)
    features, tasks = max(stories // 10, 5), stories * 2
    of_epic, of_feature = f"spread(i, {max(features // 10, 1)}, 51)", f"spread(i, {features}, 52)"
    return {
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
        "requirement_root": (1, {**COMMON, "type": "'requirement_root'", "name": "'Requirements'"}),
        "requirement_document": (features, {
            **COMMON, "id": "cast(60000000 + i as varchar)", "type": "'requirement_document'",
            "name": "'Requirement ' || i", "parent_id": "'1'",
        }),
    }  # fmt: skip


def _notes(tests: int) -> dict[str, Rows]:
    """What hangs on tests: comments, files, scripts, places in suites."""
    return {
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
