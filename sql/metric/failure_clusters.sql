-- Which failures have the same cause, judged by their error text without numbers and addresses?
-- source: er.automated_results
-- grain: one masked error text
-- key: workspace_id, cluster_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- order: failed_count desc, workspace_id, cluster_id
with failures as (
    select
        results.workspace_id,
        results.test_id,
        results.build_id,
        results.result_at,
        results.result_id,
        results.error_type,
        results.error_message,
        left(concat_ws(': ', results.error_type, results.error_message), 1000) as error_text,
    from er.automated_results as results
    where results.native_status_code = 'list_node.run_native_status.failed'
        and results.result_at <= er.as_of($as_of)
        and (
            $days is null
            or results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

-- what differs from one occurrence to the next goes: ids, addresses, numbers, white space
masked as (
    select
        failures.*,
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        failures.error_text,
                        '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
                        '<id>',
                        'g'
                    ),
                    '0[xX][0-9a-fA-F]+',
                    '<address>',
                    'g'
                ),
                '[0-9]+',
                '<n>',
                'g'
            ),
            '\s+',
            ' ',
            'g'
        ) as error_pattern,
    from failures
)

select
    masked.workspace_id, -- workspace that the failures belong to
    left(md5(masked.error_pattern), 12) as cluster_id, -- stays the same as long as the text does
    any_value(masked.error_pattern) as error_pattern, -- error text, with what varies masked
    count(*) as failed_count, -- failed results with this text
    count(distinct masked.test_id) as test_count, -- tests that failed so
    count(distinct masked.build_id) as build_count, -- builds in which they did
    min(masked.result_at) as first_failed_at, -- when the first of them began (UTC)
    max(masked.result_at) as last_failed_at, -- when the newest of them began (UTC)
    arg_max_null(masked.test_id, (masked.result_at, masked.result_id))
        as last_failed_test_id, -- test of the newest one
    arg_max_null(masked.error_message, (masked.result_at, masked.result_id))
        as error_message -- message of the newest one, as it was reported; null when it has none
from masked
where masked.error_text <> ''
group by masked.workspace_id, masked.error_pattern
