"""Every flow, metric and plan as a typed method; `make docs` writes it from the SQL headers."""

import datetime
from collections.abc import Callable

from octane_flows.api.plotted_answer import Answer
from octane_flows.api.question_methods import Rows

class Flows:
    """The flows; called as a function it lists them."""

    def __init__(self, answer: Callable[..., Answer], catalogue: Callable[[], Rows]) -> None: ...
    def __call__(self) -> Rows:
        """One row for each flow: its slug, its text and what a row of its answer is."""

    def my_new_stories(
        self,
        *,
        workspace_id: str | None = None,
        user_id: str | None = None,
        release_name: str | None = None,
        phase_codes: str | None = "phase.story.new",
    ) -> Answer:
        """Which new user stories are mine, by release?

        One row is one user story in the phase New that the user owns.

        workspace_id: workspace to look at; null means all
        user_id: id of the user whose work it is; null means who signed in to extract
        release_name: name of the release, * for any characters; null: any, or none
        phase_codes: logical names of the phases, comma between them
        """

    def my_opened_defects_to_test(
        self,
        *,
        workspace_id: str | None = None,
        user_id: str | None = None,
        sprint_id: str | None = None,
        sprint_name: str | None = None,
        release_name: str | None = None,
        phase_codes: str | None = "phase.defect.opened",
    ) -> Answer:
        """Which opened defects of a sprint am I to test?

        One row is one defect in the phase Opened whose QA owner is the user.

        workspace_id: workspace to look at; null means all
        user_id: id of the user whose work it is; null means who signed in to extract
        sprint_id: id of the sprint; null means any, or none
        sprint_name: name of the sprint, * for any characters; null: any, or none
        release_name: name of the sprint's release, * for any characters; null: any
        phase_codes: logical names of the phases, comma between them
        """

    def comments_on_my_manual_tests(
        self,
        *,
        workspace_id: str | None = None,
        user_id: str | None = None,
        in_my_work: bool | None = False,
        test_types: str | None = "test_manual",
    ) -> Answer:
        """What do people say about my manual tests?

        One row is one comment on a test itself; comments on its runs are others.

        workspace_id: workspace to look at; null means all
        user_id: id of the user whose work it is; null means who signed in to extract
        in_my_work: tests in the user's My Work instead of those the user owns
        test_types: kinds of tests, comma between them
        """

    def manual_test_steps_and_attachments(
        self,
        *,
        workspace_id: str | None = None,
        test_id: str | None = None,
        test_name: str | None = None,
        file_name: str | None = None,
    ) -> Answer:
        """What do the scripts of manual tests say step by step, and which files are attached to the
        tests?

        One row is one step with one attachment that it names; a step that names none and an
        attachment that no step names have a row each.

        workspace_id: workspace to look at; null means all
        test_id: id of the test; null means any
        test_name: name of the test, * for any characters; null means any
        file_name: name of an attachment of the test, * for any characters
        """

    def my_gherkin_tests_to_automate(
        self,
        *,
        workspace_id: str | None = None,
        user_id: str | None = None,
        automation_status_codes: str | None = "list_node.automation_status.ready_for_automation",
    ) -> Answer:
        """Which of my Gherkin tests are ready for automation?

        One row is one Gherkin test of that automation status that the user owns.

        workspace_id: workspace to look at; null means all
        user_id: id of the user whose work it is; null means who signed in to extract
        automation_status_codes: logical names of the automation status, comma between them
        """

    def planned_runs(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        sprint_name: str | None = None,
        run_by_user_id: str | None = None,
        only_mine: bool | None = False,
        test_types: str | None = "test_manual,gherkin_test,test_suite",
        exclude_runs_inside_suites: bool | None = False,
    ) -> Answer:
        """Which runs of manual tests, Gherkin tests and test suites are planned?

        One row is one planned run.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        sprint_name: name of the sprint, * for any characters; null: any, or none
        run_by_user_id: id of the user who is to run it; null means anybody
        only_mine: only those that who signed in to extract is to run
        test_types: kinds of tests, with commas
        exclude_runs_inside_suites: leave out runs that a suite run contains
        """

    def release_runs_with_environments(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        environment_category_name: str | None = None,
        environment_name: str | None = None,
        status_codes: str | None = None,
    ) -> Answer:
        """In which environments did the runs of a release take place?

        One row is one run with its environment tags; a run without any too, unless tags are asked
        for.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        environment_category_name: category, such as Browser, * for any characters
        environment_name: environment tag, such as Chrome, * for any characters
        status_codes: logical names of summary statuses, with commas; null means any
        """

    def tagged_automated_tests(
        self,
        *,
        workspace_id: str | None = None,
        user_tag_name: str | None = "*",
        application_module_name: str | None = "*",
        subtree: bool | None = False,
        only_automated: bool | None = True,
    ) -> Answer:
        """Which automated tests carry a tag and belong to an application module?

        One row is one test with such a tag and such a module.

        workspace_id: workspace to look at; null means all
        user_tag_name: text of the tag, * for any characters
        application_module_name: name of the module, * for any characters
        subtree: a module stands for those nested in it too
        only_automated: automated tests only; false means tests of all kinds
        """

    def recent_failed_automated_tests(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        as_of: datetime.datetime | str | None = None,
        hours: int | None = 24,
        status_codes: str | None = "list_node.run_status.failed",
        only_automated: bool | None = True,
    ) -> Answer:
        """Which automated tests have a last run that failed recently?

        One row is one test; the same last run failed, is recent and is of the release.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        as_of: end of the window (UTC); null: the extract's, and all read since
        hours: length of the window; a result counts from its creation in Octane
        status_codes: summary statuses, with commas
        only_automated: automated tests only; false means tests of all kinds
        """

    def modules_with_recent_failures(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        hours: int | None = 24,
        status_codes: str | None = "list_node.run_status.failed",
        only_automated: bool | None = False,
        subtree: bool | None = False,
    ) -> Answer:
        """Which application modules have a test whose last run failed recently?

        One row is one application module that such a test is assigned to.

        workspace_id: workspace to look at; null means all
        as_of: end of the window (UTC); null: the extract's, and all read since
        hours: length of the window; a result counts from its creation in Octane
        status_codes: summary statuses, with commas
        only_automated: automated tests only; false means tests of all kinds
        subtree: a module stands for those nested in it too
        """

    def features_with_recent_failures(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        hours: int | None = 24,
        status_codes: str | None = "list_node.run_status.failed",
        only_automated: bool | None = False,
    ) -> Answer:
        """Which features have a test whose last run failed recently, their own or one of their
        children?

        One row is one feature with such a test.

        workspace_id: workspace to look at; null means all
        as_of: end of the window (UTC); null: the extract's, and all read since
        hours: length of the window; a result counts from its creation in Octane
        status_codes: summary statuses, with commas
        only_automated: automated tests only; false means tests of all kinds
        """

    def open_high_severity_defects(
        self,
        *,
        workspace_id: str | None = None,
        application_module_name: str | None = "*",
        phase_codes: str | None = "phase.defect.opened",
        severity_codes: str | None = "list_node.severity.high",
        priority_codes: str | None = None,
        as_of: datetime.datetime | str | None = None,
    ) -> Answer:
        """Which open defects of high severity are associated with an application module?

        One row is one defect with at least one application module.

        workspace_id: workspace to look at; null means all
        application_module_name: name of the module, * for any characters
        phase_codes: logical names of the phases, comma between them
        severity_codes: logical names, commas; null means any
        priority_codes: logical names of priorities, with commas; null means any
        as_of: moment (UTC) that ages are measured at; null means the extract's
        """

    def closed_defects_of_failed_runs(
        self,
        *,
        workspace_id: str | None = None,
        test_id: str | None = None,
        phase_codes: str | None = "phase.defect.closed",
        status_code: str | None = "list_node.run_status.failed",
        only_newest_runs: bool | None = False,
        in_one_run: bool | None = True,
        only_after_closing: bool | None = False,
        only_after_fixing: bool | None = False,
    ) -> Answer:
        """Which closed defects are linked to a failed run?

        One row is one defect that is linked to at least one such run.

        workspace_id: workspace to look at; null means all
        test_id: id of the test that the run is of; null means any test
        phase_codes: logical names of the phases, comma between them
        status_code: logical name, summary or native status
        only_newest_runs: only runs after which their test was not run again
        in_one_run: one linked run is of the test and has the status; false: two linked runs may
        share the conditions
        only_after_closing: only runs that began after the defect was closed
        only_after_fixing: only runs that began after the defect was fixed
        """

    def open_defects_of_passed_runs(
        self,
        *,
        workspace_id: str | None = None,
        test_id: str | None = None,
        phase_codes: str | None = "phase.defect.fixed",
        status_code: str | None = "list_node.run_status.passed",
        only_newest_runs: bool | None = False,
        in_one_run: bool | None = True,
        only_after_fixing: bool | None = False,
    ) -> Answer:
        """Which fixed defects that nobody closed are linked to a passed run?

        One row is one defect that is linked to at least one such run.

        workspace_id: workspace to look at; null means all
        test_id: id of the test that the run is of; null means any test
        phase_codes: logical names of the phases, comma between them
        status_code: logical name, summary or native status
        only_newest_runs: only runs after which their test was not run again
        in_one_run: one linked run is of the test and has the status; false: two linked runs may
        share the conditions
        only_after_fixing: only runs that began after the defect was fixed
        """

    def reported_builds(
        self,
        *,
        workspace_id: str | None = None,
        ci_server_name: str | None = "*",
        pipeline_name: str | None = "*",
        pipeline_id: str | None = None,
        since: datetime.datetime | str | None = None,
        until: datetime.datetime | str | None = None,
        build_results: str | None = None,
    ) -> Answer:
        """Which builds did the pipelines report, and how did their tests end?

        One row is one build in one run of a pipeline.

        workspace_id: workspace to look at; null means all
        ci_server_name: name of the CI server, * for any characters
        pipeline_name: name of the pipeline, * for any characters
        pipeline_id: id of the pipeline; null means every pipeline
        since: only builds that started at or after this moment (UTC)
        until: only builds that started before this moment (UTC)
        build_results: results such as failure, with commas; null means any
        """

    def failed_automated_runs(
        self,
        *,
        workspace_id: str | None = None,
        status_codes: str | None = "list_node.run_status.failed",
        since: datetime.datetime | str | None = None,
        as_of: datetime.datetime | str | None = None,
        hours: int | None = None,
        release_name: str | None = None,
        build_id: int | None = None,
        pipeline_name: str | None = None,
        application_module_name: str | None = None,
        subtree: bool | None = False,
        environment_name: str | None = None,
        only_without_defect: bool | None = False,
    ) -> Answer:
        """Which automated runs failed, with which error, and who knows of it?

        One row is one automated run whose newest result is of that status.

        workspace_id: workspace to look at; null means all
        status_codes: summary statuses, with commas
        since: only runs that started at or after this moment (UTC)
        as_of: end of the window (UTC); null: the extract's, and all read since
        hours: only runs that reached Octane in that many hours before as_of
        release_name: name of the release, * for any characters; null: any, or none
        build_id: build that reported the results; null means every build
        pipeline_name: name of the pipeline, * for any characters; null: any, or none
        application_module_name: name of the test's module, * for any characters
        subtree: a module stands for those nested in it too
        environment_name: environment tag, such as Chrome, * for any characters
        only_without_defect: leave out runs that a defect is linked to
        """

    def failed_previous_runs(
        self,
        *,
        workspace_id: str | None = None,
        run_id: int | None = None,
        build_id: int | None = None,
        since: datetime.datetime | str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
        status_code: str | None = "list_node.run_native_status.failed",
    ) -> Answer:
        """Which earlier results of a run or of a build failed?

        One row is one failed result that a later result of the same run replaced.

        workspace_id: workspace to look at; null means all
        run_id: run whose history is asked for; null means every run
        build_id: build that reported the results; null means every build
        since: only results that started after this moment (UTC)
        as_of: end of the window (UTC); null: the extract's, and all read since
        days: only results that started in that many days before as_of
        status_code: logical name, native status
        """

    def manual_tests_without_run(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        test_types: str | None = "test_manual",
        phase_codes: str | None = None,
        application_module_name: str | None = None,
        subtree: bool | None = False,
        owner_user_id: str | None = None,
    ) -> Answer:
        """Which manual and Gherkin tests have no run in a release yet?

        One row is one test without a run in one release that matches.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: the default release, which is
        the newest of those that are marked so
        test_types: kinds of tests, comma between them
        phase_codes: logical names of phases, with commas; null: all but Obsolete
        application_module_name: name of the module, * for any characters
        subtree: a module stands for those nested in it too
        owner_user_id: id of the user who owns the test; null means anybody
        """

    def tests_to_put_into_suite(
        self,
        *,
        workspace_id: str | None = None,
        test_suite_id: str | None = None,
        test_types: str | None = "test_manual,gherkin_test",
        phase_codes: str | None = None,
        application_module_name: str | None = None,
        subtree: bool | None = False,
        user_tag_name: str | None = None,
        covered_work_item_id: str | None = None,
    ) -> Answer:
        """Which manual and Gherkin tests would a test suite be filled with?

        One row is one test that matches and that the suite, where one is named, does not contain.

        workspace_id: workspace to look at; null means all
        test_suite_id: id of the suite to fill; null means one yet to be made
        test_types: kinds of tests, comma between them
        phase_codes: logical names of phases, with commas; null: all but Obsolete
        application_module_name: name of the module, * for any characters
        subtree: a module stands for those nested in it too
        user_tag_name: text of the tag, * for any characters
        covered_work_item_id: id of a work item that it covers; null: any, or none
        """

    def test_suites_without_run(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        test_suite_name: str | None = "*",
    ) -> Answer:
        """Which test suites have no suite run in a release yet, and what would one contain?

        One row is one test suite without a suite run in one release that matches.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: the default release, which is
        the newest of those that are marked so
        test_suite_name: name of the suite, * for any characters
        """

    def work_items_without_test_task(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        work_item_types: str | None = "story",
        task_type_code: str | None = "list_node.task_item_type.test",
        exclude_done: bool | None = False,
    ) -> Answer:
        """Which work items have no task of the kind Test?

        One row is one work item without such a task.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        work_item_types: story, quality_story, defect; comma between them
        task_type_code: logical name of the kind of task
        exclude_done: leave out items whose phase is of the metaphase Done
        """

    def stories_with_completed_tasks(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        sprint_name: str | None = None,
        work_item_types: str | None = "story",
        task_phase_codes: str | None = "phase.task.completed",
        done_phase_codes: str
        | None = "phase.story.done,phase.quality_story.done,phase.defect.closed",
    ) -> Answer:
        """Which user stories are not done although all of their tasks are completed?

        One row is one story with at least one task and without an open one.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        sprint_name: name of the sprint, * for any characters; null: any, or none
        work_item_types: story, quality_story, defect; comma between them
        task_phase_codes: phases of a completed task, with commas
        done_phase_codes: phases of items that are done already, with commas
        """

    def features_with_done_stories(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        phase_codes: str | None = "phase.feature.intesting",
        child_types: str | None = "story",
        done_phase_codes: str
        | None = "phase.story.done,phase.quality_story.done,phase.defect.closed",
    ) -> Answer:
        """Which features are still in testing although all of their stories are done?

        One row is one feature with at least one such child and without an open one.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        phase_codes: phases of the feature, comma between them
        child_types: children that count: story, quality_story, defect; commas
        done_phase_codes: phases of a child that is done, with commas
        """

    def user_defined_field_values(
        self,
        *,
        workspace_id: str | None = None,
        entity_type: str | None = None,
        field_name: str | None = "*",
        entity_id: str | None = None,
    ) -> Answer:
        """Which values do the user-defined fields hold?

        One row is one value of one user-defined field of one item; a field of many values has many
        rows.

        workspace_id: workspace to look at; null means all
        entity_type: type of the items, such as defect; null means all
        field_name: name of the field, * for any characters
        entity_id: id of one item; null means all
        """

    def descendants_of_items(
        self,
        *,
        workspace_id: str | None = None,
        root_ids: str | None = None,
        tree: str | None = "work_item",
        max_depth: int | None = None,
        item_types: str | None = None,
    ) -> Answer:
        """Which items are below an item, at any depth?

        One row is one item below, or equal to, one root.

        workspace_id: workspace to look at; null means all
        root_ids: ids of the roots, comma between them; null: all without a parent
        tree: one of work_item, requirement: the backlog or the requirements
        max_depth: levels below the root; 0 is the root alone, null is all
        item_types: types that are shown, with commas; null: all. Others are walked through
        """

class Metrics:
    """The metrics; called as a function it lists them."""

    def __init__(self, answer: Callable[..., Answer], catalogue: Callable[[], Rows]) -> None: ...
    def __call__(self) -> Rows:
        """One row for each metric: its slug, its text and what a row of its answer is."""

    def burn_up(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        work_item_types: str | None = "story,quality_story",
    ) -> Answer:
        """How did the scope of each release and the done part of it grow, day by day?

        One row is one day of one release, from its start to its end or as_of.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the last day is; null means the extract's
        release_name: name of the release, * is any text; null means any
        work_item_types: kinds of work items, with commas
        """

    def changes(
        self,
        *,
        workspace_id: str | None = None,
        since: datetime.datetime | str | None = None,
        until: datetime.datetime | str | None = None,
        flaky_ratio: float | None = 0.05,
        overdue_rules: str | None = "urgent=2,very_high=5,high=14,medium=60,low=180",
    ) -> Answer:
        """What changed between two moments: failures, repairs, defects, scope, coverage, runs?

        One row is one change of one test in one environment and pipeline, of a defect, item or
        count of runs.

        workspace_id: workspace to look at; null means all
        since: moment (UTC) before the changes; null means a day before until
        until: moment (UTC) after the changes; null means the extract's time
        flaky_ratio: lower end of the share of changes from which on a test is flaky
        overdue_rules: days by severity after which an open defect is overdue, with commas
        """

    def clustered_failures(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        failure_states: str | None = "failing",
        stale_days: int | None = 30,
    ) -> Answer:
        """Which failure cluster does each test that fails now belong to, and is the test flaky?

        One row is one test in one environment and pipeline whose newest passed or failed outcome
        failed.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        failure_states: some of failing, muted, stale: with commas
        stale_days: a test without a result for longer than this is stale
        """

    def current_failures(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        stale_days: int | None = 30,
    ) -> Answer:
        """Which automated tests fail now, since when, and in which build did it begin?

        One row is one test in one environment and pipeline whose newest passed or failed outcome
        failed.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        stale_days: a test without a result for longer than this is stale
        """

    def cycle_times(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
        work_item_types: str | None = "feature,story,quality_story,defect",
        vague_days: float | None = 1.0,
        small_sample: int | None = 5,
    ) -> Answer:
        """How long does it take from the start of work on a story, feature or defect until it is
        closed?

        One row is one kind of work items of one release; one row for those without a release.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: only items closed in that many days before as_of; null means all
        work_item_types: kinds, with commas
        vague_days: an item whose start is known less exactly than this is not measured
        small_sample: fewer measured items than this are a small sample
        """

    def defect_closing_times(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
    ) -> Answer:
        """How long do defects stay open, counting those that still are?

        One row is one severity of the defects of a workspace.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that ages are measured at; null means the extract's
        release_name: release that they were found in, * is any text; null means any
        """

    def defect_flow(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = 84,
        period: str | None = "week",
        group_by: str | None = "none",
    ) -> Answer:
        """How many defects came, were closed and opened again in each week or day, and how many
        were open?

        One row is one week or day of one group of defects.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the last week or day ends at; null means the extract's
        days: length of the window; its first week or day is whole
        period: one of week, day: the length of a period; weeks begin on Monday
        group_by: one of none, severity, module, release: what tells groups apart
        """

    def escaped_defects(
        self, *, workspace_id: str | None = None, release_name: str | None = None
    ) -> Answer:
        """How many of a release's defects were found only after its end, by application module?

        One row is one application module of one release with defects; one row for those without a
        module, and one for all of the release.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * is any text; null means any
        """

    def execution_progress(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        run_types: str | None = "run_manual,gherkin_automated_run,run_automated",
        by_tester: bool | None = False,
    ) -> Answer:
        """How many runs were planned, executed and passed on each day, by release and suite run?

        One row is one day with a run that was planned or executed, of one release and suite run.

        workspace_id: workspace to look at; null means all
        as_of: later days are left out; null means the extract's time
        release_name: name of the release, * is any text; null: any, or none
        run_types: kinds, with commas
        by_tester: true: a row for each tester, too
        """

    def failing_tests(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
    ) -> Answer:
        """Which tests failed most often, over current and replaced results?

        One row is one test with at least one failed automated result.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: length of the window; null means the whole history
        """

    def failure_bursts(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        days: int | None = None,
        new_failures: int | None = 3,
    ) -> Answer:
        """Which builds brought many new failures at once?

        One row is one build in which many tests began to fail, over all its environments.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        days: length of the window; null means the whole history
        new_failures: failures that must be new in the build; a test in each of its environments
        counts
        """

    def failure_clusters(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
    ) -> Answer:
        """Which failures have the same cause, judged by their error text without what varies?

        One row is one masked error text; one row for all failures without any text.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: length of the window; null means the whole history
        """

    def field_history(
        self,
        *,
        entity: str | None = "defect",
        id: str | None = None,
        field_name: str | None = None,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
    ) -> Answer:
        """Who changed which field of an entity, when, and from what to what?

        One row is one changed field of one save; several values of a field are several rows.

        entity: entity type, such as defect, story or test_manual
        id: id of the entity; null means all of the entity type
        field_name: name of the field, * is any text; null means any
        workspace_id: workspace to look at; null means all
        as_of: only changes until this moment (UTC); null means the extract's
        """

    def flaky_tests(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        days: int | None = 90,
        small_sample: int | None = 20,
        z: float | None = 1.96,
    ) -> Answer:
        """Which automated tests change between passed and failed, how often, and how sure is that?

        One row is one test in one environment and pipeline that changed, or failed and passed in a
        build.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        days: length of the window
        small_sample: fewer chances to change than this are a small sample
        z: width of the interval in standard errors; 1.96 is 95 percent
        """

    def gate_variables(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        severity_codes: str
        | None = "list_node.severity.high,list_node.severity.very_high,list_node.severity.urgent",
        overdue_rules: str | None = "urgent=2,very_high=5,high=14,medium=60,low=180",
    ) -> Answer:
        """Which values can the criteria of a gate compare, for which releases, sprints, suite runs?

        One row is one variable of one scope.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that ages are counted from; null means the extract's
        severity_codes: severities that block, with commas
        overdue_rules: days by severity after which an open defect is overdue, with commas
        """

    def lead_times(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
        work_item_types: str | None = "feature,story,quality_story,defect",
        small_sample: int | None = 5,
    ) -> Answer:
        """How long does it take from the creation of a story, feature or defect until it is closed?

        One row is one kind of work items of one release; one row for those without a release.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: only items closed in that many days before as_of; null means all
        work_item_types: kinds, with commas
        small_sample: fewer measured items than this are a small sample
        """

    def overdue(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        overdue_rules: str | None = "urgent=2,very_high=5,high=14,medium=60,low=180",
    ) -> Answer:
        """Which open defects are older than the rule for their severity allows?

        One row is one defect that is open and overdue.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that ages are counted to; null means the extract's
        release_name: release that they are planned for, * is any text; null means any
        overdue_rules: days by severity after which an open defect is overdue, with commas; a rule
        without days allows none
        """

    def phase_transitions(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
        work_item_types: str | None = "defect,story,quality_story,feature",
        team_name: str | None = None,
        by_user: bool | None = False,
        vague_days: float | None = 1.0,
        small_sample: int | None = 5,
    ) -> Answer:
        """How often do items move from each phase to each other one, and after how long?

        One row is one move from phase to phase of one kind of work items of a team, with by_user of
        one user.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: only moves in that many days before as_of; null means all
        work_item_types: kinds, with commas
        team_name: name of the team, * is any text; null means any, and items without one
        by_user: true: a row for each user who moved items, too
        vague_days: a stay whose begin and end are known less exactly than this is not measured
        small_sample: fewer measured stays than this are a small sample
        """

    def problematic_tests(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        stale_days: int | None = 30,
        failing_runs: int | None = 8,
        oscillating_runs: int | None = 8,
        oscillating_changes: int | None = 4,
        regression_runs: int | None = 4,
        regression_passes: int | None = 2,
        skipped_runs: int | None = 8,
        unstable_runs: int | None = 50,
        unstable_failures: int | None = 5,
    ) -> Answer:
        """Which automated tests fall under one of Octane's five rules for problematic tests?

        One row is one rule that holds for one test in one environment and pipeline.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        stale_days: a test without a result for longer than this is stale
        failing_runs: continuously failing: that many newest results failed
        oscillating_runs: oscillating: that many newest results are looked at
        oscillating_changes: oscillating: changes between passed and failed in them
        regression_runs: regression: results that there must be at least
        regression_passes: regression: passes just before the newest, failed result
        skipped_runs: continuously skipped: that many newest results are skipped
        unstable_runs: unstable: that many newest results are looked at
        unstable_failures: unstable: single failures between two passes in them
        """

    def release_forecast(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        work_item_types: str | None = "story,quality_story",
        window_weeks: int | None = 4,
        history_weeks: int | None = 26,
        least_windows: int | None = 8,
        least_done: int | None = 5,
        backtest_weeks: int | None = 52,
    ) -> Answer:
        """When will what is left of each release be done, and how often were such forecasts right?

        One row is one release of a workspace.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) of the forecast; null means the extract's
        release_name: name of the release, * is any text; null means any
        work_item_types: kinds of work items, with commas
        window_weeks: length of a window; one ends in each week before as_of
        history_weeks: windows that ended in so many last weeks count
        least_windows: no forecast from fewer windows than this
        least_done: no forecast from fewer done items than this
        backtest_weeks: the same forecast is made at the end of so many past weeks
        """

    def release_readiness(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        severity_codes: str
        | None = "list_node.severity.high,list_node.severity.very_high,list_node.severity.urgent",
    ) -> Answer:
        """How ready is each release: what is done, what is tested, what is still open?

        One row is one release of a workspace.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that days are counted from; null means the extract's
        release_name: name of the release, * is any text; null means any
        severity_codes: severities that hold a release up, with commas
        """

    def reopened_defects(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        reopens: int | None = 1,
    ) -> Answer:
        """Which defects were opened again after they had been fixed or closed?

        One row is one defect that was opened again.

        workspace_id: workspace to look at; null means all
        release_name: release that they were found in, * is any text; null means any
        reopens: times at least
        """

    def results_per_week(self, *, workspace_id: str | None = None) -> Answer:
        """How many automated results came in each week and environment, and how many of them
        failed?

        One row is one week of one combination of environment tags.

        workspace_id: workspace to look at; null means all
        """

    def slow_tests(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = 30,
        small_sample: int | None = 5,
    ) -> Answer:
        """Which automated tests take longest, and which ones become slower?

        One row is one test in one environment with a known duration in the window.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        days: length of the window, and of the one before that it is compared with
        small_sample: fewer results than this in a window are a small sample
        """

    def sprint_progress(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        work_item_types: str | None = "story,quality_story,defect",
    ) -> Answer:
        """What was planned for each sprint at its start, what came and went, what was done, what
        was left?

        One row is one sprint of a workspace.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) up to which sprints are followed; null means the extract's
        release_name: name of the release, * is any text; null means any
        work_item_types: kinds of work items, with commas
        """

    def test_outcomes(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
    ) -> Answer:
        """Which outcome had each automated test in each build, with all its results there as one?

        One row is one outcome of one test in one environment and pipeline; a result without build
        is one.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        """

    def test_repair_times(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        days: int | None = None,
        stale_days: int | None = 30,
    ) -> Answer:
        """How long does it take until a failing automated test passes again?

        One row is one test in one environment and pipeline with a failure that was repaired in the
        window, or that is open.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that the window ends at; null means the extract's
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        days: only failures repaired in that many days before as_of, and open ones, each from its
        beginning; null means all
        stale_days: a test without a result for longer than this is stale
        """

    def test_state_changes(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        new_outcomes: int | None = 10,
        broken_failures: int | None = 5,
        recovery_passes: int | None = 5,
        recovery_days: int | None = 7,
        flaky_alarm: int | None = 3,
        flaky_outcomes: int | None = 50,
        muted_skips: int | None = 3,
        unmuted_outcomes: int | None = 2,
        stale_days: int | None = 30,
    ) -> Answer:
        """When did each automated test become new, healthy, flaky, broken, muted or stale, and why?

        One row is one change of the state of one test in one environment and pipeline.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        new_outcomes: a test with fewer outcomes than this is new
        broken_failures: alarm: that many outcomes in a row failed
        recovery_passes: recovery of a broken test: that many passed in a row
        recovery_days: recovery also needs so many days since the last failure
        flaky_alarm: alarm: repairs and flaky builds in the last outcomes
        flaky_outcomes: the last outcomes; recovery: as many without any of them
        muted_skips: alarm: skipped so often since it passed or failed
        unmuted_outcomes: recovery of a muted test: outcomes since the last skip
        stale_days: alarm: no result for so long; recovery: two results within it
        """

    def test_states(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        join_pipelines: bool | None = False,
        state_codes: str | None = None,
        cost_days: int | None = 30,
        new_outcomes: int | None = 10,
        broken_failures: int | None = 5,
        recovery_passes: int | None = 5,
        recovery_days: int | None = 7,
        flaky_alarm: int | None = 3,
        flaky_outcomes: int | None = 50,
        muted_skips: int | None = 3,
        unmuted_outcomes: int | None = 2,
        stale_days: int | None = 30,
    ) -> Answer:
        """Which automated tests can be trusted: healthy, flaky, broken, muted, stale or new, at
        what cost?

        One row is one test in one environment and pipeline.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        join_pipelines: true: the results of all pipelines are one series
        state_codes: some of healthy, flaky, broken, muted, stale, new: states to look at, with
        commas; null means all
        cost_days: costs are of the builds and results of so many last days
        new_outcomes: a test with fewer outcomes than this is new
        broken_failures: alarm: that many outcomes in a row failed
        recovery_passes: recovery of a broken test: that many passed in a row
        recovery_days: recovery also needs so many days since the last failure
        flaky_alarm: alarm: repairs and flaky builds in the last outcomes
        flaky_outcomes: the last outcomes; recovery: as many without any of them
        muted_skips: alarm: skipped so often since it passed or failed
        unmuted_outcomes: recovery of a muted test: outcomes since the last skip
        stale_days: alarm: no result for so long; recovery: two results within it
        """

    def time_in_phase(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        days: int | None = None,
        work_item_types: str | None = "defect,story,quality_story,feature",
        release_name: str | None = None,
        application_module_name: str | None = None,
        vague_days: float | None = 1.0,
        small_sample: int | None = 5,
    ) -> Answer:
        """How long do defects, stories and features stay in each phase?

        One row is one phase of one kind of work items of a workspace.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that ages are measured at; null means the extract's
        days: only stays that ended in that many days before as_of or have not; null means all
        work_item_types: kinds, with commas
        release_name: release that the items are planned for now, * is any text; null means any
        application_module_name: module that the items belong to now, * is any text; null means any
        vague_days: a stay whose begin and end are known less exactly than this is not measured
        small_sample: fewer measured stays than this are a small sample
        """

    def traceability(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        release_name: str | None = None,
        item_types: str | None = "feature,story,requirement_document",
        stale_days: int | None = 30,
        only_gaps: bool | None = False,
    ) -> Answer:
        """Which work items and requirements do tests cover, how did these end last, where are the
        gaps?

        One row is one test that covers one item; one row for an item without a test.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) that ages are measured at; null means the extract's
        release_name: release of the item, * is any text; null means any; requirements have none
        item_types: kinds of work items and requirements, with commas
        stale_days: a last run older than this is a gap
        only_gaps: leave out what is covered by a recent passed run
        """

    def triage(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        pipeline_name: str | None = None,
        failure_states: str | None = "failing",
        fixed_phase_codes: str | None = "phase.defect.fixed",
        stale_days: int | None = 30,
    ) -> Answer:
        """Which failures of now need somebody: since which build, where, with which defect, and
        who?

        One row is one failure cluster of which a test fails now.

        workspace_id: workspace to look at; null means all
        as_of: later results are left out; null means the extract's time
        pipeline_name: pipelines to look at, * is any text; null means all
        failure_states: some of failing, muted, stale: with commas
        fixed_phase_codes: phases of a fixed defect, with commas
        stale_days: a test without a result for longer than this is stale
        """

    def watched_states(
        self,
        *,
        workspace_id: str | None = None,
        as_of: datetime.datetime | str | None = None,
        flaky_ratio: float | None = 0.05,
        overdue_rules: str | None = "urgent=2,very_high=5,high=14,medium=60,low=180",
    ) -> Answer:
        """In which state was everything that a morning's changes are about, at a moment?

        One row is one watched state: of a test in one environment and pipeline, a defect, a place
        in a release or sprint, a covered item, a count of runs.

        workspace_id: workspace to look at; null means all
        as_of: moment (UTC) of the states; null means the extract's time
        flaky_ratio: lower end of the share of changes from which on a test is flaky
        overdue_rules: days by severity after which an open defect is overdue, with commas
        """

class Plans:
    """The plans; called as a function it lists them."""

    def __init__(self, answer: Callable[..., Answer], catalogue: Callable[[], Rows]) -> None: ...
    def __call__(self) -> Rows:
        """One row for each plan: its slug, its text and what a row of its answer is."""

    def manual_test_steps_and_attachments(
        self,
        *,
        workspace_id: str | None = None,
        test_id: str | None = None,
        test_name: str | None = None,
        file_path: str | None = None,
        step_number: int | None = None,
    ) -> Answer:
        """Which requests would attach a file to manual tests and name it in their scripts?

        One row is the attachment of one test, or its script; a test that has both already is left
        out, and so is one whose script was not extracted or lacks the step; it needs test_id or
        test_name.

        workspace_id: workspace to look at; null means all
        test_id: id of the test; null means any
        test_name: name of the test, * for any characters; null means any
        file_path: the file to attach, on this computer
        step_number: step that is to name the file; null: a new one at the end

        Needs file_path, test_id or test_name; without them there are no rows.
        """

    def my_gherkin_tests_to_automate(
        self,
        *,
        workspace_id: str | None = None,
        user_id: str | None = None,
        automation_status_codes: str | None = "list_node.automation_status.ready_for_automation",
        new_automation_status_code: str | None = "list_node.automation_status.automated",
    ) -> Answer:
        """Which requests would set the automation status of my Gherkin tests?

        One row is one Gherkin test to be updated.

        workspace_id: workspace to look at; null means all
        user_id: id of the user whose work it is; null means who signed in to extract
        automation_status_codes: logical names of the automation status, comma between them
        new_automation_status_code: logical name that the automation status is set to
        """

    def manual_tests_without_run(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        test_types: str | None = "test_manual",
        phase_codes: str | None = None,
        application_module_name: str | None = None,
        subtree: bool | None = False,
        owner_user_id: str | None = None,
        native_status_code: str | None = "list_node.run_native_status.planned",
        run_by_user_id: str | None = None,
    ) -> Answer:
        """Which requests would plan a run of each manual test that has none in a release?

        One row is one run to be created.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: the default release, which is
        the newest of those that are marked so
        test_types: kinds of tests, comma between them
        phase_codes: logical names of phases, with commas; null: all but Obsolete
        application_module_name: name of the module, * for any characters
        subtree: a module stands for those nested in it too
        owner_user_id: id of the user who owns the test; null means anybody
        native_status_code: status of the new run
        run_by_user_id: id of the user who is to run it; null means anybody
        """

    def tests_to_put_into_suite(
        self,
        *,
        workspace_id: str | None = None,
        test_suite_id: str | None = None,
        test_types: str | None = "test_manual,gherkin_test",
        phase_codes: str | None = None,
        application_module_name: str | None = None,
        subtree: bool | None = False,
        user_tag_name: str | None = None,
        covered_work_item_id: str | None = None,
        test_suite_name: str | None = "Selected tests",
    ) -> Answer:
        """Which requests would make a test suite of the selected tests?

        One row is the suite, or one test to be linked to it.

        workspace_id: workspace to look at; null means all
        test_suite_id: id of the suite to fill; null means one yet to be made
        test_types: kinds of tests, comma between them
        phase_codes: logical names of phases, with commas; null: all but Obsolete
        application_module_name: name of the module, * for any characters
        subtree: a module stands for those nested in it too
        user_tag_name: text of the tag, * for any characters
        covered_work_item_id: id of a work item that it covers; null: any, or none
        test_suite_name: name of the suite to be made
        """

    def test_suites_without_run(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        test_suite_name: str | None = "*",
    ) -> Answer:
        """Which requests would plan a suite run of each test suite that has none in a release?

        One row is one suite run to be created; a suite that would run nothing is left out.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: the default release, which is
        the newest of those that are marked so
        test_suite_name: name of the suite, * for any characters
        """

    def work_items_without_test_task(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        work_item_types: str | None = "story",
        task_type_code: str | None = "list_node.task_item_type.test",
        exclude_done: bool | None = False,
    ) -> Answer:
        """Which requests would add a test task to each work item that has none?

        One row is one task to be created.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        work_item_types: story, quality_story, defect; comma between them
        task_type_code: logical name of the kind of task
        exclude_done: leave out items whose phase is of the metaphase Done
        """

    def stories_with_completed_tasks(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        sprint_name: str | None = None,
        work_item_types: str | None = "story",
        task_phase_codes: str | None = "phase.task.completed",
        done_phase_codes: str
        | None = "phase.story.done,phase.quality_story.done,phase.defect.closed",
    ) -> Answer:
        """Which requests would move stories to Done whose tasks are all completed?

        One row is one story to be updated.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        sprint_name: name of the sprint, * for any characters; null: any, or none
        work_item_types: story, quality_story, defect; comma between them
        task_phase_codes: phases of a completed task, with commas
        done_phase_codes: phases of items that are done already, with commas
        """

    def features_with_done_stories(
        self,
        *,
        workspace_id: str | None = None,
        release_name: str | None = None,
        phase_codes: str | None = "phase.feature.intesting",
        child_types: str | None = "story",
        done_phase_codes: str
        | None = "phase.story.done,phase.quality_story.done,phase.defect.closed",
        allow_open_children: bool | None = False,
    ) -> Answer:
        """Which requests would move features to Done whose stories are all done?

        One row is one feature to be updated.

        workspace_id: workspace to look at; null means all
        release_name: name of the release, * for any characters; null: any, or none
        phase_codes: phases of the feature, comma between them
        child_types: children that count: story, quality_story, defect; commas
        done_phase_codes: phases of a child that is done, with commas
        allow_open_children: true: open children of other kinds, such as defects, do not keep a
        feature as it is
        """

    def user_defined_field_values(
        self,
        *,
        workspace_id: str | None = None,
        entity_type: str | None = "defect",
        field_name: str | None = "new_udf",
        field_label: str | None = None,
        field_type: str | None = "string",
        list_id: str | None = None,
        entity_ids: str | None = "",
        value: str | None = None,
    ) -> Answer:
        """Which requests would define a user-defined field, and fill it in?

        One row is the definition, or one item to be filled; an item that has the value already is
        left out.

        workspace_id: workspace to look at; null means all
        entity_type: type of the items, such as defect
        field_name: name of the field; lower case, ends in _udf
        field_label: name that Octane shows; null: it is there already
        field_type: boolean, date_time, list, long, long_string, memo, ref_to_release, ref_to_team,
        ref_to_user or string
        list_id: id of the list, for a field of the type list
        entity_ids: ids of the items to fill, comma between them
        value: the value to fill in; the id for a reference; null empties the field

        Needs field_name, field_label or entity_ids; without them there are no rows.
        """

    def triage(
        self,
        *,
        workspace_id: str | None = None,
        pipeline_name: str | None = None,
        failure_states: str | None = "failing",
        fixed_phase_codes: str | None = "phase.defect.fixed",
        stale_days: int | None = 30,
        cluster_ids: str | None = None,
        parts: str | None = "links,defects,tests",
        defect_id: str | None = None,
        owner_user_id: str | None = None,
    ) -> Answer:
        """Which requests would write the board back: owners of failing tests and defects, links of
        defects?

        One row is the runs of one defect, the owner of one defect, or the owner of one test.

        workspace_id: workspace to look at; null means all
        pipeline_name: pipelines to look at, * is any text; null means all
        failure_states: some of failing, muted, stale: with commas
        fixed_phase_codes: phases of a fixed defect, with commas
        stale_days: a test without a result for longer than this is stale
        cluster_ids: clusters of the board, comma between them; null means all
        parts: some of links, defects, tests: what is written, runs of defects, their owners, owners
        of tests; with commas
        defect_id: defect to link these failures to; null: the one that is linked
        owner_user_id: who is to own the tests and defects; null: whom the board names, and only
        where nobody owns them
        """
