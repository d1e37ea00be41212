-- How ready is each release: what is done, what is tested, what is still open?
-- source: er.releases, er.work_items, er.runs, er.defects, er.test_work_items
-- grain: one release of a workspace
-- key: workspace_id, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that days are counted from; null means the extract's
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: severity_codes text = 'list_node.severity.high,list_node.severity.very_high,list_node.severity.urgent' -- severities that hold a release up, with commas
-- note: definition: of our own: counts of the items planned for the release now, of the last runs
--     for it, and of its open defects
-- note: past: items, last runs and defects are those of now; as_of moves remaining_days alone
-- order: workspace_id, end_at desc nulls last, release_id
with items as (
    select
        items.workspace_id,
        items.release_id,
        items.work_item_type,
        items.story_point_count,
        phases.metaphase_code = 'metaphase.work_item.done' as is_done,
        exists (
            select 1
            from er.test_work_items as links
            where links.workspace_id = items.workspace_id
                and links.work_item_id = items.work_item_id
        ) as is_covered,
    from er.work_items as items
    left join er.phases as phases
        on phases.workspace_id = items.workspace_id
        and phases.phase_code = items.phase_code
        and phases.entity_type = items.work_item_type
),

item_counts as (
    select
        items.workspace_id,
        items.release_id,
        count(*) filter (where items.work_item_type = 'feature') as feature_count,
        count(*) filter (where items.work_item_type = 'feature' and items.is_done)
            as done_feature_count,
        count(*) filter (where items.work_item_type in ('story', 'quality_story')) as story_count,
        count(*) filter (
            where items.work_item_type in ('story', 'quality_story') and items.is_done
        ) as done_story_count,
        sum(items.story_point_count) filter (
            where items.work_item_type in ('story', 'quality_story')
        ) as story_point_count,
        sum(items.story_point_count) filter (
            where items.work_item_type in ('story', 'quality_story') and items.is_done
        ) as done_story_point_count,
        count(*) filter (
            where items.work_item_type in ('feature', 'story') and not items.is_covered
        ) as uncovered_item_count,
    from items
    group by items.workspace_id, items.release_id
),

defect_counts as (
    select
        defects.workspace_id,
        defects.release_id,
        count(*) as open_defect_count,
        count(*) filter (where er.is_listed(defects.severity_code, $severity_codes))
            as blocking_defect_count,
    from er.defects as defects
    left join er.phases as phases
        on phases.workspace_id = defects.workspace_id
        and phases.phase_code = defects.phase_code
        and phases.entity_type = 'defect'
    where phases.metaphase_code is distinct from 'metaphase.work_item.done'
    group by defects.workspace_id, defects.release_id
),

run_counts as (
    select
        runs.workspace_id,
        runs.release_id,
        count(*) filter (where runs.status_code = 'list_node.run_status.planned')
            as planned_run_count,
        count(*) filter (where runs.status_code <> 'list_node.run_status.planned')
            as last_run_count,
        count(*) filter (where runs.status_code = 'list_node.run_status.passed')
            as passed_last_run_count,
        count(*) filter (where runs.status_code = 'list_node.run_status.failed')
            as failed_last_run_count,
    from er.last_runs as runs
    group by runs.workspace_id, runs.release_id
)

select
    releases.workspace_id, -- workspace that the row belongs to
    releases.release_id, -- id of the release
    releases.release_name, -- name of the release
    releases.start_at, -- planned start (UTC)
    releases.end_at, -- planned end (UTC)
    date_diff('day', er.as_of($as_of), releases.end_at)
        as remaining_days, -- days from as_of to the planned end; negative when it is over
    coalesce(item_counts.feature_count, 0) as feature_count, -- features planned for it
    coalesce(item_counts.done_feature_count, 0) as done_feature_count, -- done ones among them
    coalesce(item_counts.story_count, 0) as story_count, -- stories and quality stories
    coalesce(item_counts.done_story_count, 0) as done_story_count, -- done ones among them
    cast(coalesce(item_counts.story_point_count, 0) as bigint)
        as story_point_count, -- their story points
    cast(coalesce(item_counts.done_story_point_count, 0) as bigint)
        as done_story_point_count, -- of the done ones
    coalesce(item_counts.uncovered_item_count, 0)
        as uncovered_item_count, -- features and stories without a test
    coalesce(run_counts.last_run_count, 0) as last_run_count, -- last runs that are not planned
    coalesce(run_counts.passed_last_run_count, 0) as passed_last_run_count, -- passed ones
    coalesce(run_counts.failed_last_run_count, 0) as failed_last_run_count, -- failed ones
    round(run_counts.passed_last_run_count / nullif(run_counts.last_run_count, 0), 4)
        as passed_ratio, -- share of passed last runs; null where nothing ran
    coalesce(run_counts.planned_run_count, 0) as planned_run_count, -- last runs still planned
    coalesce(defect_counts.open_defect_count, 0) as open_defect_count, -- defects not done
    coalesce(defect_counts.blocking_defect_count, 0)
        as blocking_defect_count, -- those of a severity that holds the release up
    er.item_url('release', releases.workspace_id, releases.release_id)
        as release_url -- where Octane shows the release
from er.releases as releases
left join item_counts
    on item_counts.workspace_id = releases.workspace_id
    and item_counts.release_id = releases.release_id
left join defect_counts
    on defect_counts.workspace_id = releases.workspace_id
    and defect_counts.release_id = releases.release_id
left join run_counts
    on run_counts.workspace_id = releases.workspace_id
    and run_counts.release_id = releases.release_id
where ($workspace_id is null or releases.workspace_id = $workspace_id)
    and ($release_name is null or er.name_matches(releases.release_name, $release_name))
