-- Which defects were opened again after they had been fixed or closed?
-- source: er.defects, er.phase_periods
-- grain: one defect that was opened again
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- release that they were found in, * is any text; null means any
-- param: reopens integer = 1 -- times at least
-- note: definition: of our own: opened again is each move from a phase of the metaphases In Testing
--     and Done to one of New and In Progress
-- note: gaps: where stays are not known since the creation and to the second, as from the change
--     history, Octane's own number counts, unless more moves than that were seen
-- order: reopen_count desc, workspace_id, defect_id
with stays as (
    select
        periods.*,
        lag(periods.metaphase_code) over defect_stays as previous_metaphase_code,
        lag(periods.phase_label) over defect_stays as previous_phase_label,
    from er.phase_periods as periods
    where periods.work_item_type = 'defect'
    window defect_stays as (
        partition by periods.workspace_id, periods.work_item_id
        order by periods.period_number
    )
),

counted as (
    select
        stays.workspace_id,
        stays.work_item_id,
        count(*) filter (
            where stays.previous_metaphase_code in (
                    'metaphase.work_item.intesting', 'metaphase.work_item.done'
                )
                and stays.metaphase_code in (
                    'metaphase.work_item.new', 'metaphase.work_item.inprogress'
                )
        ) as reopen_count,
        bool_and(stays.entry_source in ('history', 'created', 'only_change')) as is_exact,
    from stays
    group by stays.workspace_id, stays.work_item_id
),

last_reopens as (
    select
        stays.workspace_id,
        stays.work_item_id,
        stays.entered_by_at as reopened_at,
        stays.previous_phase_label as phase_label,
    from stays
    where stays.previous_metaphase_code in (
            'metaphase.work_item.intesting', 'metaphase.work_item.done'
        )
        and stays.metaphase_code in ('metaphase.work_item.new', 'metaphase.work_item.inprogress')
    qualify row_number() over (
        partition by stays.workspace_id, stays.work_item_id
        order by stays.period_number desc
    ) = 1
),

judged as (
    select
        defects.*,
        case
            when counted.is_exact then counted.reopen_count
            else greatest(defects.reopen_count, counted.reopen_count)
        end as times,
        coalesce(counted.is_exact, false) as is_exact,
        last_reopens.reopened_at,
        last_reopens.phase_label as reopened_from_phase_label,
    from er.defects as defects
    left join counted
        on counted.workspace_id = defects.workspace_id
        and counted.work_item_id = defects.defect_id
    left join last_reopens
        on last_reopens.workspace_id = defects.workspace_id
        and last_reopens.work_item_id = defects.defect_id
)

select
    judged.workspace_id, -- workspace that the row belongs to
    judged.defect_id, -- id of the defect
    judged.defect_name, -- name of the defect
    judged.times as reopen_count, -- times that it was opened again
    judged.is_exact as is_count_exact, -- whether its phases are known since its creation
    judged.reopen_count as octane_reopen_count, -- times that Octane itself counts
    judged.reopened_at as last_reopened_at, -- when it was opened again last, as far as known (UTC)
    judged.reopened_from_phase_label, -- phase that it was in before, as Octane shows it
    judged.severity_code, -- logical name of its severity
    judged.severity_label, -- severity that Octane shows
    judged.phase_code, -- logical name of its phase
    judged.phase_label, -- phase that Octane shows
    judged.detected_in_release_name, -- release that it was found in
    judged.owner_name, -- full name of its owner
    judged.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', judged.workspace_id, judged.defect_id)
        as defect_url -- where Octane shows the defect
from judged
where judged.times >= $reopens
    and ($workspace_id is null or judged.workspace_id = $workspace_id)
    and (
        $release_name is null
        or er.name_matches(judged.detected_in_release_name, $release_name)
    )
