-- Which requests would write the board back: owners of failing tests and defects, links of defects?
-- grain: the runs of one defect, the owner of one defect, or the owner of one test
-- key: workspace_id, step
-- writes: test_automated, gherkin_test, defect
-- values: defect_id = er.defects.defect_id, defect_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: failure_states text = 'failing' -- some of failing, muted, stale: with commas
-- param: fixed_phase_codes text = 'phase.defect.fixed' -- phases of a fixed defect, with commas
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- param: cluster_ids text = null -- clusters of the board, comma between them; null means all
-- param: parts text = 'links,defects,tests' -- some of links, defects, tests: what is written, runs
--     of defects, their owners, owners of tests; with commas
-- param: defect_id text = null -- defect to link these failures to; null: the one that is linked
-- param: owner_user_id text = null -- who is to own the tests and defects; null: whom the board names,
--     and only where nobody owns them
-- order: workspace_id, step
with board as (
    select
        triage.workspace_id,
        triage.cluster_id,
        triage.error_pattern,
        triage.test_count,
        triage.is_flaky,
        coalesce($defect_id, triage.defect_id) as defect_id,
        users.user_id as new_owner_user_id,
        users.full_name as new_owner_name,
        case
            when $owner_user_id is not null then 'it is to be ' || users.full_name
            when triage.owner_reason_code = 'test_owner'
                then users.full_name || ' owns most tests that fail so'
            when triage.owner_reason_code = 'module_owner'
                then users.full_name || ' owns most tests of these modules'
            else users.full_name || ' fixed a defect of these tests last'
        end as owner_reason,
    from metric.triage(
        workspace_id := $workspace_id,
        pipeline_name := $pipeline_name,
        failure_states := $failure_states,
        fixed_phase_codes := $fixed_phase_codes,
        stale_days := $stale_days
    ) as triage
    left join er.users as users
        on users.workspace_id = triage.workspace_id
        and users.user_id = coalesce($owner_user_id, triage.owner_user_id)
    where $cluster_ids is null
        or er.is_listed(triage.cluster_id, $cluster_ids)
),

failures as (
    select
        failures.workspace_id,
        failures.test_id,
        failures.last_failed_run_id,
        board.cluster_id,
        board.test_count,
        board.is_flaky,
        board.defect_id,
        board.new_owner_user_id,
        board.owner_reason,
    from metric.clustered_failures(
        workspace_id := $workspace_id,
        pipeline_name := $pipeline_name,
        failure_states := $failure_states,
        stale_days := $stale_days
    ) as failures
    join board
        on board.workspace_id = failures.workspace_id
        and board.cluster_id = failures.cluster_id
),

new_links as (
    select distinct
        failures.workspace_id,
        failures.defect_id,
        runs.run_id,
        runs.run_type,
    from failures
    join er.runs as runs
        on runs.workspace_id = failures.workspace_id
        and runs.run_id = failures.last_failed_run_id
    left join er.defect_runs as links
        on links.workspace_id = failures.workspace_id
        and links.defect_id = failures.defect_id
        and links.run_id = runs.run_id
    where links.run_id is null
        and er.is_listed('links', $parts)
),

wanted_links as (
    select new_links.*, true as is_new
    from new_links
    union all
    select links.workspace_id, links.defect_id, links.run_id, links.run_type, false
    from er.defect_runs as links
    join (
        select distinct new_links.workspace_id, new_links.defect_id
        from new_links
    ) as linked
        on linked.workspace_id = links.workspace_id
        and linked.defect_id = links.defect_id
),

-- the server takes all links of a field at once
links_by_defect as (
    select
        links.workspace_id,
        links.defect_id,
        count(*) filter (where links.is_new) as new_count,
        list(
            er.reference(links.run_type, links.run_id) order by length(links.run_id), links.run_id
        ) as wanted_runs,
        list(
            er.reference(links.run_type, links.run_id) order by length(links.run_id), links.run_id
        ) filter (where not links.is_new) as present_runs,
    from wanted_links as links
    group by links.workspace_id, links.defect_id
),

-- where two clusters have one defect or test, the one that most tests fail by decides
defect_owners as (
    select
        board.workspace_id,
        defects.defect_id,
        defects.defect_name,
        defects.owner_user_id,
        defects.owner_name,
        board.new_owner_user_id,
        board.owner_reason,
    from board
    join er.defects as defects
        on defects.workspace_id = board.workspace_id
        and defects.defect_id = board.defect_id
    where board.new_owner_user_id is not null
        and er.is_listed('defects', $parts)
    qualify row_number() over (
        partition by defects.workspace_id, defects.defect_id
        order by board.is_flaky, board.test_count desc, board.cluster_id
    ) = 1
),

test_owners as (
    select
        failures.workspace_id,
        tests.test_type,
        tests.test_id,
        tests.test_name,
        tests.owner_user_id,
        tests.owner_name,
        failures.new_owner_user_id,
        failures.owner_reason,
    from failures
    join er.tests as tests
        on tests.workspace_id = failures.workspace_id
        and tests.test_id = failures.test_id
    where failures.new_owner_user_id is not null
        and er.is_listed('tests', $parts)
    qualify row_number() over (
        partition by failures.workspace_id, failures.test_id
        order by failures.is_flaky, failures.test_count desc, failures.cluster_id
    ) = 1
),

requests as (
    select
        links.workspace_id,
        1 as position_number,
        'defect' as entity_type,
        links.defect_id as entity_id,
        defects.defect_name as entity_name,
        json_object(
            'fields', json_object(
                'run', case
                    when links.present_runs is not null
                        then json_object('data', to_json(links.present_runs))
                end
            ),
            -- a defect that is done by now is not the one of a failure of now
            'some', [
                json_object(
                    'entity_type', 'defect',
                    'query', 'id EQ ' || links.defect_id
                        || ';!phase EQ {metaphase EQ {logical_name EQ ^metaphase.work_item.done^}}'
                )
            ]
        ) as expected,
        json_object('run', json_object('data', to_json(links.wanted_runs))) as body,
        case links.new_count
            when 1 then 'a failure of now is not linked to it'
            else links.new_count || ' failures of now are not linked to it'
        end as reason,
    from links_by_defect as links
    join er.defects as defects
        on defects.workspace_id = links.workspace_id
        and defects.defect_id = links.defect_id
    union all by name
    select
        owners.workspace_id,
        2 as position_number,
        'defect' as entity_type,
        owners.defect_id as entity_id,
        owners.defect_name as entity_name,
        json_object(
            'fields', json_object('owner', er.reference('workspace_user', owners.owner_user_id)),
            'some', [
                json_object(
                    'entity_type', 'defect',
                    'query', 'id EQ ' || owners.defect_id
                        || ';!phase EQ {metaphase EQ {logical_name EQ ^metaphase.work_item.done^}}'
                )
            ]
        ) as expected,
        json_object('owner', er.reference('workspace_user', owners.new_owner_user_id)) as body,
        case
            when owners.owner_user_id is null then 'nobody owns it: '
            else 'its owner is ' || coalesce(owners.owner_name, owners.owner_user_id) || ': '
        end || owners.owner_reason as reason,
    from defect_owners as owners
    where owners.owner_user_id is null
        or owners.owner_user_id <> $owner_user_id
    union all by name
    select
        owners.workspace_id,
        3 as position_number,
        owners.test_type as entity_type,
        owners.test_id as entity_id,
        owners.test_name as entity_name,
        json_object(
            'fields', json_object('owner', er.reference('workspace_user', owners.owner_user_id))
        ) as expected,
        json_object('owner', er.reference('workspace_user', owners.new_owner_user_id)) as body,
        case
            when owners.owner_user_id is null then 'nobody owns it: '
            else 'its owner is ' || coalesce(owners.owner_name, owners.owner_user_id) || ': '
        end || owners.owner_reason as reason,
    from test_owners as owners
    where owners.owner_user_id is null
        or owners.owner_user_id <> $owner_user_id
)

select
    requests.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by requests.workspace_id
        order by requests.position_number, length(requests.entity_id), requests.entity_id
    ) as step, -- place in the order of the requests of a workspace
    'update' as operation, -- create or update
    requests.entity_type, -- entity type that is written
    requests.entity_id, -- id of the item; null: the server gives one
    requests.entity_name, -- name of that item
    requests.expected, -- what must hold before: fields, none and some that match a query
    requests.body, -- what is sent, as JSON
    requests.reason -- why it is sent
from requests
