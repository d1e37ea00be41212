-- Which failures have the same cause, judged by their error text without what varies?
-- source: er.automated_results
-- grain: one masked error text; one row for all failures without any text
-- key: workspace_id, cluster_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- note: definition: of our own; variable parts are masked as log parsers do, such as Drain (He et
--     al., ICWS 2017)
-- note: not told apart: two causes with one text; numbers that matter, as in HTTP 404 and 500; file
--     and line are of the first frame, which may be a library
-- note: retries: each retry that was reported on its own is a failure
-- note: branches: the failures of all pipelines count together
-- note: environments: the failures of all environments count together
-- note: gaps: a failure without any text is counted in the row <no text>
-- note: renames: names of tests are no part of the text, unless the tool writes them into it
-- order: failed_count desc, workspace_id, cluster_id
with failures as (
    select
        results.workspace_id,
        results.test_id,
        results.build_id,
        results.result_at,
        (results.result_at, results.is_current, length(results.result_id), results.result_id)
            as result_rank,
        case when trim(results.error_message) <> '' then results.error_message end
            as error_message,
        er.error_pattern(results.error_type, results.error_message, results.error_details)
            as error_pattern,
    from er.automated_results as results
    where results.native_status_code = 'list_node.run_native_status.failed'
        and results.result_at <= er.as_of($as_of)
        and (
            $days is null
            or results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and ($workspace_id is null or results.workspace_id = $workspace_id)
)

select
    failures.workspace_id, -- workspace that the failures belong to
    left(md5(failures.error_pattern), 12) as cluster_id, -- stays the same as long as the text does
    failures.error_pattern, -- error text, with what varies masked; <no text> where there is none
    count(*) as failed_count, -- failed results with this text
    count(distinct failures.test_id) as test_count, -- tests that failed so
    count(distinct failures.build_id) as build_count, -- builds in which they did
    min(failures.result_at) as first_failed_at, -- when the first of them began (UTC)
    max(failures.result_at) as last_failed_at, -- when the newest of them began (UTC)
    arg_max_null(failures.test_id, failures.result_rank)
        as last_failed_test_id, -- test of the newest one
    arg_max_null(failures.error_message, failures.result_rank)
        as error_message -- message of the newest one, as it was reported; null when it has none
from failures
group by failures.workspace_id, failures.error_pattern
