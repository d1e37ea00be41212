-- Which requests would attach a file to manual tests and name it in their scripts?
-- flow: 4 Add an attachment to a manual test script
-- grain: the attachment of one test, or its script; a test that has both already is left out, and
--     so is one whose script was not extracted or lacks the step; it needs test_id or test_name
-- key: workspace_id, step
-- writes: attachment, test_script
-- needs: file_path, test_id or test_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_id text = null -- id of the test; null means any
-- param: test_name text = null -- name of the test, * for any characters; null means any
-- param: file_path text = null -- the file to attach, on this computer
-- param: step_number integer = null -- step that is to name the file; null: a new one at the end
-- order: workspace_id, step
with wanted_tests as (
    select
        tests.workspace_id,
        tests.test_id,
        tests.test_name,
        coalesce(test_scripts.script_text, '') as old_script,
        string_split(test_scripts.script_text, chr(10)) as lines,
        trim(regexp_extract($file_path, '[^/\\]+$')) as file_name,
    from er.tests as tests
    join er.test_scripts as test_scripts
        on test_scripts.workspace_id = tests.workspace_id
        and test_scripts.test_id = tests.test_id
    where ($workspace_id is null or tests.workspace_id = $workspace_id)
        and tests.test_type = 'test_manual'
        and ($test_id is not null or $test_name is not null)
        and ($test_id is null or tests.test_id = $test_id)
        and ($test_name is null or er.name_matches(tests.test_name, $test_name))
        and $file_path is not null
),

-- where the steps begin, numbered as in er.test_steps: text before the first dash is a step too
step_lines as (
    select
        wanted_tests.*,
        contains(lower(wanted_tests.old_script), lower(wanted_tests.file_name)) as is_named,
        list_filter(
            range(1, len(wanted_tests.lines) + 1),
            lambda place: starts_with(wanted_tests.lines[place], '- ')
                or (
                    trim(wanted_tests.lines[place], chr(13) || ' ') <> ''
                    and trim(array_to_string(wanted_tests.lines[:place - 1], ''), chr(13) || ' ')
                    = ''
                )
        )[$step_number] as place,
    from wanted_tests
),

new_scripts as (
    select
        step_lines.*,
        case
            when step_lines.is_named then null
            when $step_number is null
                then step_lines.old_script
                    || case
                        when ends_with(chr(10) || step_lines.old_script, chr(10)) then ''
                        else chr(10)
                    end
                    || '- See the attachment ' || step_lines.file_name || chr(10)
            else array_to_string(
                step_lines.lines[:step_lines.place - 1]
                || [
                    rtrim(step_lines.lines[step_lines.place], chr(13))
                    || ' (' || step_lines.file_name || ')'
                    || case
                        when ends_with(step_lines.lines[step_lines.place], chr(13)) then chr(13)
                        else ''
                    end
                ]
                || step_lines.lines[step_lines.place + 1:],
                chr(10)
            )
        end as new_script,
    from step_lines
    where step_lines.is_named or $step_number is null or step_lines.place is not null
),

requests as (
    select
        new_scripts.*,
        kinds.kind,
        row_number() over (
            partition by new_scripts.workspace_id
            order by new_scripts.test_name, new_scripts.test_id, kinds.kind
        ) as step,
    from new_scripts
    join (
        values
            ('attachment'),
            ('script')
    ) as kinds (kind)
        on kinds.kind = 'attachment' or not new_scripts.is_named
    where not (
        new_scripts.is_named
        and exists (
            select 1
            from er.attachments as attachments
            where attachments.workspace_id = new_scripts.workspace_id
                and attachments.test_id = new_scripts.test_id
                and attachments.file_name = new_scripts.file_name
        )
    )
)

select
    requests.workspace_id, -- workspace that the row belongs to
    requests.step, -- place in the order of the requests of a workspace
    case when requests.kind = 'script' then 'update' else 'create' end
        as operation, -- create or update
    case when requests.kind = 'script' then 'test_script' else 'attachment' end
        as entity_type, -- entity type that is written
    case when requests.kind = 'script' then requests.test_id else null end
        as entity_id, -- id of the item; null: the server gives one
    case when requests.kind = 'script' then requests.test_name else requests.file_name end
        as entity_name, -- name of that item
    case
        when requests.kind = 'script'
        then json_object(
            'fields', json_object('script', requests.old_script),
            'some', [
                json_object(
                    'entity_type', 'attachment',
                    'query', 'id EQ step:' || (requests.step - 1)
                        || ';owner_test EQ {id EQ ' || requests.test_id || '}'
                )
            ]
        )
        else json_object(
            'some', [
                json_object(
                    'entity_type', 'test',
                    'query', 'subtype EQ ^test_manual^;id EQ ' || requests.test_id
                )
            ],
            'none', [
                json_object(
                    'entity_type', 'attachment',
                    'query', 'name EQ ' || er.query_text(requests.file_name)
                        || ';owner_test EQ {id EQ ' || requests.test_id || '}'
                )
            ],
            'file', json_object('path', $file_path)
        )
    end
        as expected, -- what must hold before: fields, none and some matching a query, a local file
    case
        when requests.kind = 'script'
        then json_object('script', requests.new_script)
        else json_object(
            'name', requests.file_name,
            'owner_test', er.reference('test', requests.test_id)
        )
    end as body, -- what is sent, as JSON
    case
        when requests.kind = 'script'
        then 'the script of ' || requests.test_name || ' is to name ' || requests.file_name
        else 'the test ' || requests.test_name || ' is to have this file'
    end as reason -- why it is sent
from requests
