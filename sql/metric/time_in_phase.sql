-- How long do defects, stories and features stay in each phase?
-- source: er.phase_periods
-- grain: one phase of one kind of work items of a workspace
-- key: workspace_id, work_item_type, phase_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that ages are measured at; null means the extract's
-- param: days integer = null -- only stays that ended in that many days before as_of or have not; null means all
-- param: work_item_types text = 'defect,story,quality_story,feature' -- kinds, with commas
-- param: release_name text = null -- release that the items are planned for now, * is any text; null means any
-- param: application_module_name text = null -- module that the items belong to now, * is any text; null means any
-- param: vague_days number = 1 -- a stay whose begin and end are known less exactly than this is not measured
-- param: small_sample integer = 5 -- fewer measured stays than this are a small sample
-- note: definition: of our own: each stay in a phase counts for itself, from the move into it to
--     the move out of it; an item that comes back has two
-- order: workspace_id, work_item_type, median_days desc nulls last, phase_id
with module_items as (
    select distinct
        links.workspace_id,
        links.work_item_id,
    from er.work_item_modules as links
    join er.application_modules as modules
        on modules.workspace_id = links.workspace_id
        and modules.application_module_id = links.application_module_id
    where er.name_matches(modules.application_module_name, $application_module_name)
),

stays as (
    select
        periods.*,
        coalesce(periods.left_by_at <= er.as_of($as_of), false) as has_left,
        date_diff('second', periods.entered_by_at, periods.left_by_at) / 86400 as stay_days,
        date_diff('second', periods.entered_by_at, er.as_of($as_of)) / 86400 as age_days,
        (
            date_diff('second', periods.entered_after_at, periods.entered_by_at)
            + date_diff('second', periods.left_after_at, periods.left_by_at)
        ) / 86400 as unknown_days,
    from er.phase_periods as periods
    left join er.work_items as items
        on items.workspace_id = periods.workspace_id
        and items.work_item_id = periods.work_item_id
    left join module_items
        on module_items.workspace_id = periods.workspace_id
        and module_items.work_item_id = periods.work_item_id
    where periods.entered_by_at <= er.as_of($as_of)
        and (
            $days is null
            or periods.left_by_at is null
            or periods.left_by_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and er.is_listed(periods.work_item_type, $work_item_types)
        and ($workspace_id is null or periods.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(items.release_name, $release_name))
        and ($application_module_name is null or module_items.work_item_id is not null)
),

judged as (
    select
        stays.*,
        -- a server whose clock was set back dates the end of a stay before its begin
        coalesce(stays.stay_days < 0, false) as is_misdated,
        stays.has_left
            and not stays.was_deleted
            and stays.stay_days >= 0
            and stays.unknown_days <= $vague_days as is_measured,
    from stays
),

phases as (
    select
        judged.workspace_id,
        judged.work_item_type,
        judged.phase_id,
        any_value(judged.phase_code) as phase_code,
        any_value(judged.phase_label) as phase_label,
        count(distinct judged.work_item_id) as item_count,
        count(*) as stay_count,
        count(*) filter (where judged.is_measured) as measured_stay_count,
        count(*) filter (where judged.is_measured and judged.unknown_days = 0)
            as exact_stay_count,
        count(*) filter (where not judged.has_left) as still_in_it_count,
        count(*) filter (
            where judged.has_left
                and not judged.was_deleted
                and not judged.is_measured
                and not judged.is_misdated
        ) as vague_stay_count,
        count(*) filter (where judged.is_misdated) as misdated_stay_count,
        median(judged.stay_days) filter (where judged.is_measured) as median_days,
        quantile_cont(judged.stay_days, 0.9) filter (where judged.is_measured) as p90_days,
        avg(judged.stay_days) filter (where judged.is_measured) as mean_days,
        median(judged.age_days) filter (where not judged.has_left) as median_age_days,
    from judged
    group by judged.workspace_id, judged.work_item_type, judged.phase_id
)

select
    phases.workspace_id, -- workspace that the row belongs to
    phases.work_item_type, -- kind of the work items
    phases.phase_id, -- phase that they were in
    phases.phase_code, -- logical name of the phase
    phases.phase_label, -- phase that Octane shows
    phases.item_count, -- work items that were seen in it
    phases.stay_count, -- their stays; an item that came back counts again
    phases.measured_stay_count, -- ended stays, which the days are of
    phases.exact_stay_count, -- those of them whose begin and end are known to the second
    phases.vague_stay_count, -- ended ones whose begin and end are not known well enough
    phases.misdated_stay_count, -- ended ones that ended before they began
    phases.still_in_it_count, -- stays that have not ended
    round(phases.median_days, 2)
        as median_days, -- half of the measured stays took less; null where none was measured
    round(phases.p90_days, 2) as p90_days, -- 90 percent took less
    round(phases.mean_days, 2) as mean_days, -- their mean
    round(phases.median_age_days, 2)
        as median_age_days, -- of those still in it: half have been there for at least that long
    phases.measured_stay_count < $small_sample as is_small_sample -- too few to plan by
from phases
