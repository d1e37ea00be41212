-- When will what is left of each release be done, and how often were such forecasts right?
-- source: er.releases, er.field_periods, er.done_periods
-- grain: one release of a workspace
-- key: workspace_id, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) of the forecast; null means the extract's
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: work_item_types text = 'story,quality_story' -- kinds of work items, with commas
-- param: window_weeks integer = 4 -- length of a window; one ends in each week before as_of
-- param: history_weeks integer = 26 -- windows that ended in so many last weeks count
-- param: least_windows integer = 8 -- no forecast from fewer windows than this
-- param: least_done integer = 5 -- no forecast from fewer done items than this
-- param: backtest_weeks integer = 52 -- the same forecast is made at the end of so many past weeks
-- note: definition: a range of velocities, as in Cohn, Agile Estimating and Planning (2005): items
--     that were done in windows of the past, all of them within the release; what is left is
--     divided by their tenth, half and nine tenths quantile (type 7 of Hyndman and Fan, Sample
--     Quantiles in Statistical Packages, 1996), so that four of five windows are in the interval;
--     nothing is drawn at random
-- note: not told apart: large and small items; scope that will be added, which no forecast knows;
--     an item that was opened again, which counts again when it is done again
-- note: gaps: where no change history was read, moments come from the versions that were read; a
--     forecast of the past is judged when its latest date is over, against the day on which as
--     many further items of the release were done as were left then; one without a latest date is
--     not judged
-- order: workspace_id, end_at desc nulls last, release_id
with scope as (
    select
        periods.workspace_id,
        periods.field_value as release_id,
        periods.work_item_id,
        periods.from_at,
        periods.until_at,
    from er.field_periods as periods
    where periods.field_name = 'release'
        and er.is_listed(periods.work_item_type, $work_item_types)
),

scope_begins as (
    select scope.workspace_id, scope.release_id, min(scope.from_at) as first_at
    from scope
    group by scope.workspace_id, scope.release_id
),

releases as (
    select
        releases.workspace_id,
        releases.release_id,
        greatest(coalesce(releases.start_at, releases.created_at), scope_begins.first_at)
            as begin_at,
        unnest(
            generate_series(
                er.as_of($as_of) - to_days(
                    7 * (
                        cast($window_weeks as integer) + cast($history_weeks as integer)
                        + cast($backtest_weeks as integer)
                    )
                ),
                er.as_of($as_of),
                to_days(7)
            )
        ) as week_end_at,
    from er.releases as releases
    join scope_begins
        on scope_begins.workspace_id = releases.workspace_id
        and scope_begins.release_id = releases.release_id
    where $workspace_id is null or releases.workspace_id = $workspace_id
),

done_events as (
    select
        done.workspace_id,
        scope.release_id,
        done.done_at,
        row_number() over (
            partition by done.workspace_id, scope.release_id
            order by done.done_at, length(done.work_item_id), done.work_item_id
        ) as event_number,
    from er.done_periods as done
    join scope
        on scope.workspace_id = done.workspace_id
        and scope.work_item_id = done.work_item_id
        and er.is_during(done.done_at, scope.from_at, scope.until_at)
),

done_counts as (
    select
        releases.workspace_id,
        releases.release_id,
        releases.week_end_at,
        any_value(releases.begin_at) as begin_at,
        count(done_events.event_number) as done_count,
    from releases
    left join done_events
        on done_events.workspace_id = releases.workspace_id
        and done_events.release_id = releases.release_id
        and done_events.done_at <= releases.week_end_at
    group by releases.workspace_id, releases.release_id, releases.week_end_at
),

open_counts as (
    select
        releases.workspace_id,
        releases.release_id,
        releases.week_end_at,
        count(*) as open_count,
    from releases
    join scope
        on scope.workspace_id = releases.workspace_id
        and scope.release_id = releases.release_id
        and er.is_during(releases.week_end_at, scope.from_at, scope.until_at)
    left join er.done_periods as done
        on done.workspace_id = scope.workspace_id
        and done.work_item_id = scope.work_item_id
        and er.is_during(releases.week_end_at, done.done_at, done.undone_at)
    where done.work_item_id is null
    group by releases.workspace_id, releases.release_id, releases.week_end_at
),

windows as (
    select
        ends.workspace_id,
        ends.release_id,
        ends.week_end_at,
        ends.done_count - begins.done_count as window_done_count,
    from done_counts as ends
    join done_counts as begins
        on begins.workspace_id = ends.workspace_id
        and begins.release_id = ends.release_id
        and begins.week_end_at = ends.week_end_at - to_days(7 * cast($window_weeks as integer))
    where begins.week_end_at >= begins.begin_at
),

velocities as (
    select
        done_counts.workspace_id,
        done_counts.release_id,
        done_counts.week_end_at,
        any_value(done_counts.done_count) as done_count,
        any_value(open_counts.open_count) as open_count,
        count(windows.window_done_count) as window_count,
        quantile_cont(windows.window_done_count, 0.1) as slow_speed,
        quantile_cont(windows.window_done_count, 0.5) as likely_speed,
        quantile_cont(windows.window_done_count, 0.9) as fast_speed,
    from done_counts
    join open_counts
        on open_counts.workspace_id = done_counts.workspace_id
        and open_counts.release_id = done_counts.release_id
        and open_counts.week_end_at = done_counts.week_end_at
    left join windows
        on windows.workspace_id = done_counts.workspace_id
        and windows.release_id = done_counts.release_id
        and windows.week_end_at <= done_counts.week_end_at
        and windows.week_end_at
            > done_counts.week_end_at - to_days(7 * cast($history_weeks as integer))
    group by done_counts.workspace_id, done_counts.release_id, done_counts.week_end_at
),

-- five years, beyond which no date is named, keep the seconds within the range of an integer
forecasts as (
    select
        velocities.*,
        case
            when velocities.open_count * $window_weeks <= velocities.fast_speed * 260
                then cast(
                    velocities.week_end_at + to_seconds(
                        round(
                            velocities.open_count * $window_weeks * 604800
                                / velocities.fast_speed,
                            0
                        )
                    ) as date
                )
        end as early_date,
        case
            when velocities.open_count * $window_weeks <= velocities.likely_speed * 260
                then cast(
                    velocities.week_end_at + to_seconds(
                        round(
                            velocities.open_count * $window_weeks * 604800
                                / velocities.likely_speed,
                            0
                        )
                    ) as date
                )
        end as likely_date,
        case
            when velocities.open_count * $window_weeks <= velocities.slow_speed * 260
                then cast(
                    velocities.week_end_at + to_seconds(
                        round(
                            velocities.open_count * $window_weeks * 604800
                                / velocities.slow_speed,
                            0
                        )
                    ) as date
                )
        end as late_date,
    from velocities
    where velocities.window_count >= $least_windows
        and velocities.done_count >= $least_done
),

backtests as (
    select
        forecasts.workspace_id,
        count(*) as backtest_count,
        count(*) filter (
            where cast(done_events.done_at as date)
                between forecasts.early_date and forecasts.late_date
        ) as backtest_hit_count,
    from forecasts
    left join done_events
        on done_events.workspace_id = forecasts.workspace_id
        and done_events.release_id = forecasts.release_id
        and done_events.event_number = forecasts.done_count + forecasts.open_count
    where forecasts.late_date < cast(er.as_of($as_of) as date)
        and forecasts.week_end_at
            >= er.as_of($as_of) - to_days(7 * cast($backtest_weeks as integer))
    group by forecasts.workspace_id
)

select
    releases.workspace_id, -- workspace that the row belongs to
    releases.release_id, -- id of the release
    releases.release_name, -- name of the release
    releases.end_at, -- planned end (UTC)
    coalesce(velocities.open_count, 0) as open_item_count, -- items planned for it and not done
    forecasts.early_date, -- day (UTC) on which nothing is left at the speed of the fastest tenth
    forecasts.likely_date, -- the same at the speed of half of the windows
    forecasts.late_date, -- the same at the speed of the slowest tenth; null: none can be named
    date_diff('day', cast(releases.end_at as date), forecasts.likely_date)
        as likely_delay_days, -- days from the planned end to likely_date; negative: before it
    case
        when velocities.open_count is null then 'nothing is left'
        when velocities.window_count < $least_windows then 'fewer windows than least_windows'
        when velocities.done_count < $least_done then 'fewer done items than least_done'
        when forecasts.early_date is null then 'too little is done for a date within five years'
        when forecasts.late_date is null
            then 'in the slowest tenth too little is done for a latest date within five years'
    end as reason_text, -- why there is no forecast, or no latest date; null where there is one
    coalesce(velocities.window_count, 0) as window_count, -- windows that it rests on
    coalesce(done_counts.done_count, 0) as done_item_count, -- items of it that were done
    round(velocities.slow_speed, 4) as slow_speed, -- items done in a window, tenth quantile
    round(velocities.likely_speed, 4) as likely_speed, -- half of the windows have as many
    round(velocities.fast_speed, 4) as fast_speed, -- nine tenths quantile
    coalesce(backtests.backtest_count, 0)
        as backtest_count, -- forecasts of the workspace's past whose latest date is over
    coalesce(backtests.backtest_hit_count, 0)
        as backtest_hit_count, -- those of them that were right: done within their interval
    round(backtests.backtest_hit_count / backtests.backtest_count, 4)
        as backtest_hit_ratio, -- share of right ones; 0.8 is meant; null without any
    er.item_url('release', releases.workspace_id, releases.release_id)
        as release_url -- where Octane shows the release
from er.releases as releases
left join done_counts
    on done_counts.workspace_id = releases.workspace_id
    and done_counts.release_id = releases.release_id
    and done_counts.week_end_at = er.as_of($as_of)
left join velocities
    on velocities.workspace_id = releases.workspace_id
    and velocities.release_id = releases.release_id
    and velocities.week_end_at = er.as_of($as_of)
left join forecasts
    on forecasts.workspace_id = releases.workspace_id
    and forecasts.release_id = releases.release_id
    and forecasts.week_end_at = er.as_of($as_of)
left join backtests
    on backtests.workspace_id = releases.workspace_id
where ($workspace_id is null or releases.workspace_id = $workspace_id)
    and ($release_name is null or er.name_matches(releases.release_name, $release_name))
    and releases.created_at <= er.as_of($as_of)
