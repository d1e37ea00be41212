-- Which work items and requirements do tests cover, how did these end last, where are the gaps?
-- source: er.work_items, er.requirements, er.test_work_items, er.test_requirements, er.last_runs,
--    er.defect_runs
-- grain: one test that covers one item; one row for an item without a test
-- key: workspace_id, item_type, item_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that ages are measured at; null means the extract's
-- param: release_name text = null -- release of the item, * is any text; null means any; requirements have none
-- param: item_types text = 'feature,story,requirement_document' -- kinds of work items and requirements, with commas
-- param: stale_days integer = 30 -- a last run older than this is a gap
-- param: only_gaps boolean = false -- leave out what is covered by a recent passed run
-- note: definition: the traceability matrix of the ISTQB Glossary: items by their tests with
--     the last run of each; the kinds of gaps are of our own
-- note: past: items, tests, last runs and defects are those of now; as_of moves ages alone
-- order: workspace_id, item_type, item_id, test_id
with items as (
    select
        items.workspace_id,
        'work_item' as id_space,
        items.work_item_type as item_type,
        items.work_item_id as item_id,
        items.work_item_name as item_name,
        items.phase_label,
        items.release_name,
    from er.work_items as items
    union all by name
    select
        requirements.workspace_id,
        'requirement' as id_space,
        requirements.requirement_type as item_type,
        requirements.requirement_id as item_id,
        requirements.requirement_name as item_name,
        requirements.phase_label,
    from er.requirements as requirements
),

links as (
    select
        links.workspace_id,
        'work_item' as id_space,
        links.work_item_id as item_id,
        links.test_id,
    from er.test_work_items as links
    union all by name
    select
        links.workspace_id,
        'requirement' as id_space,
        links.requirement_id as item_id,
        links.test_id,
    from er.test_requirements as links
),

covered as (
    select
        items.*,
        tests.test_id,
        tests.test_name,
        tests.test_type,
    from items
    left join links
        on links.workspace_id = items.workspace_id
        and links.id_space = items.id_space
        and links.item_id = items.item_id
    left join er.tests as tests
        on tests.workspace_id = links.workspace_id
        and tests.test_id = links.test_id
    where er.is_listed(items.item_type, $item_types)
        and ($workspace_id is null or items.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(items.release_name, $release_name))
),

-- the newest of a test's last runs; planned runs say nothing yet
newest_runs as (
    select
        runs.workspace_id,
        runs.test_id,
        runs.run_id,
        runs.status_code,
        runs.status_label,
        coalesce(runs.started_at, runs.created_at) as ran_at,
    from er.last_runs as runs
    where runs.status_code <> 'list_node.run_status.planned'
    qualify row_number() over (
        partition by runs.workspace_id, runs.test_id
        order by coalesce(runs.started_at, runs.created_at) desc, runs.run_id desc
    ) = 1
),

open_defects as (
    select
        runs.workspace_id,
        runs.test_id,
        count(distinct defects.defect_id) as open_defect_count,
    from er.defect_runs as defect_runs
    join er.runs as runs
        on runs.workspace_id = defect_runs.workspace_id
        and runs.run_id = defect_runs.run_id
    join er.defects as defects
        on defects.workspace_id = defect_runs.workspace_id
        and defects.defect_id = defect_runs.defect_id
    left join er.phases as phases
        on phases.workspace_id = defects.workspace_id
        and phases.phase_code = defects.phase_code
        and phases.entity_type = 'defect'
    where phases.metaphase_code is distinct from 'metaphase.work_item.done'
    group by runs.workspace_id, runs.test_id
),

judged as (
    select
        covered.*,
        newest_runs.run_id,
        newest_runs.status_code,
        newest_runs.status_label,
        newest_runs.ran_at,
        date_diff('day', newest_runs.ran_at, er.as_of($as_of)) as coverage_age_days,
        coalesce(open_defects.open_defect_count, 0) as open_defect_count,
        case
            when covered.test_id is null then 'no test'
            when newest_runs.run_id is null then 'never run'
            when newest_runs.status_code = 'list_node.run_status.failed' then 'failed'
            when newest_runs.status_code <> 'list_node.run_status.passed' then 'not passed'
            when newest_runs.ran_at
                < er.as_of($as_of) - to_days(cast($stale_days as integer))
                then 'stale'
        end as gap,
    from covered
    left join newest_runs
        on newest_runs.workspace_id = covered.workspace_id
        and newest_runs.test_id = covered.test_id
    left join open_defects
        on open_defects.workspace_id = covered.workspace_id
        and open_defects.test_id = covered.test_id
)

select
    judged.workspace_id, -- workspace that the row belongs to
    judged.item_type, -- kind of the work item, or requirement_document
    judged.item_id, -- id of the item
    judged.test_id, -- test that covers it; null where it has no test
    judged.gap, -- no test, never run, failed, not passed or stale; null where all is well
    judged.item_name, -- name of the item
    judged.phase_label, -- phase that Octane shows
    judged.release_name, -- release that it is planned for
    judged.test_name, -- name of the test
    judged.test_type, -- kind of the test
    judged.run_id as last_run_id, -- newest of the test's last runs
    judged.status_label as last_run_status_label, -- its summary status
    judged.ran_at as last_ran_at, -- when it started, or reached Octane without a start (UTC)
    judged.coverage_age_days, -- days from there to as_of
    judged.open_defect_count, -- open defects linked to runs of the test
    er.item_url(judged.id_space, judged.workspace_id, judged.item_id)
        as item_url, -- where Octane shows the item
    er.item_url('test', judged.workspace_id, judged.test_id)
        as test_url -- where Octane shows the test
from judged
where not $only_gaps or judged.gap is not null
