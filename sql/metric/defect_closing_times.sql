-- How long do defects stay open, counting those that still are?
-- source: er.defects
-- grain: one severity of the defects of a workspace
-- key: workspace_id, severity_code
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that ages are measured at; null means the extract's
-- param: release_name text = null -- release that they were found in, * is any text; null means any
-- note: definition: the median survival time of Kaplan and Meier, Nonparametric Estimation from
--     Incomplete Observations (1958), where closing ends a life and a defect that is still open is
--     censored
-- note: past: defects, their severities and closings are those of now, so what was opened again
--     since counts as open
-- order: workspace_id, severity_rank nulls last, severity_code
with lives as (
    select
        defects.workspace_id,
        defects.severity_code,
        defects.severity_label,
        coalesce(phases.metaphase_code = 'metaphase.work_item.done', false)
            and defects.closed_at is null as is_undated,
        coalesce(defects.closed_at <= er.as_of($as_of), false) as is_closed,
        -- imported defects may be closed before they were created: their time says nothing
        coalesce(date_diff('second', defects.created_at, defects.closed_at) < 0, false)
            as is_misdated,
        date_diff(
            'second',
            defects.created_at,
            least(defects.closed_at, er.as_of($as_of))
        ) / 86400 as age_days,
    from er.defects as defects
    left join er.phases as phases
        on phases.workspace_id = defects.workspace_id
        and phases.phase_code = defects.phase_code
        and phases.entity_type = 'defect'
    where defects.created_at <= er.as_of($as_of)
        and ($workspace_id is null or defects.workspace_id = $workspace_id)
        and (
            $release_name is null
            or er.name_matches(defects.detected_in_release_name, $release_name)
        )
),

-- Kaplan and Meier: at each age, the share of the defects still open then that closed there.
-- A mean of the closed ones alone would look better the more defects are left open.
ends as (
    select
        lives.workspace_id,
        lives.severity_code,
        lives.age_days,
        count(*) filter (where lives.is_closed) as closed_count,
        count(*) as left_count,
    from lives
    where not lives.is_undated
        and not lives.is_misdated
    group by lives.workspace_id, lives.severity_code, lives.age_days
),

risks as (
    select
        ends.*,
        sum(ends.left_count) over (
            partition by ends.workspace_id, ends.severity_code
            order by ends.age_days desc
        ) as at_risk_count,
    from ends
),

survivals as (
    select
        risks.*,
        product(1 - risks.closed_count / risks.at_risk_count) over (
            partition by risks.workspace_id, risks.severity_code
            order by risks.age_days
        ) as open_ratio,
    from risks
),

medians as (
    select
        survivals.workspace_id,
        survivals.severity_code,
        min(survivals.age_days) filter (where survivals.open_ratio <= 0.5) as median_closing_days,
    from survivals
    group by survivals.workspace_id, survivals.severity_code
),

counts as (
    select
        lives.workspace_id,
        lives.severity_code,
        any_value(lives.severity_label) as severity_label,
        count(*) as defect_count,
        count(*) filter (where lives.is_closed) as closed_count,
        count(*) filter (where not lives.is_closed and not lives.is_undated) as open_count,
        count(*) filter (where lives.is_undated) as undated_count,
        count(*) filter (where lives.is_misdated) as misdated_count,
        median(lives.age_days) filter (where not lives.is_closed and not lives.is_undated)
            as median_open_age_days,
        max(lives.age_days) filter (where not lives.is_closed and not lives.is_undated)
            as oldest_open_age_days,
    from lives
    group by lives.workspace_id, lives.severity_code
)

select
    counts.workspace_id, -- workspace that the row belongs to
    counts.severity_code, -- logical name of the severity; null where a defect has none
    counts.severity_label, -- severity that Octane shows
    case counts.severity_code
        when 'list_node.severity.urgent' then cast(1 as bigint)
        when 'list_node.severity.very_high' then 2
        when 'list_node.severity.high' then 3
        when 'list_node.severity.medium' then 4
        when 'list_node.severity.low' then 5
    end as severity_rank, -- 1 is the gravest of Octane's own five; null for others
    counts.defect_count, -- defects created until as_of
    counts.open_count, -- those that are open at as_of
    counts.closed_count, -- those that were closed until as_of
    counts.undated_count, -- those that are done but have no closing date; left out of the times
    counts.misdated_count, -- closed ones whose closing is before their creation; left out likewise
    round(medians.median_closing_days, 2)
        as median_closing_days, -- half close within; null while more than half stay open
    round(counts.median_open_age_days, 2)
        as median_open_age_days, -- half of the open ones are younger
    round(counts.oldest_open_age_days, 2) as oldest_open_age_days -- age of the oldest open one
from counts
left join medians
    on medians.workspace_id = counts.workspace_id
    and medians.severity_code is not distinct from counts.severity_code
