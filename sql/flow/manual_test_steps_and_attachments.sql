-- What do the scripts of manual tests say step by step, and which files are attached to the tests?
-- flow: 4 Add an attachment to a manual test script
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Create_an_Attachment.htm
-- grain: one step with one attachment that it names; a step that names none and an attachment that
--     no step names have a row each
-- key: workspace_id, test_id, line_number
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_id text = null -- id of the test; null means any
-- param: test_name text = null -- name of the test, * for any characters; null means any
-- param: file_name text = null -- name of an attachment of the test, * for any characters
-- order: test_name, workspace_id, test_id, line_number
with wanted_tests as (
    select
        tests.workspace_id,
        tests.test_id,
        tests.test_name,
    from er.tests as tests
    where ($workspace_id is null or tests.workspace_id = $workspace_id)
        and tests.test_type = 'test_manual'
        and ($test_id is null or tests.test_id = $test_id)
        and ($test_name is null or er.name_matches(tests.test_name, $test_name))
),

files as (
    select
        attachments.workspace_id,
        attachments.test_id,
        attachments.attachment_id,
        attachments.file_name,
        attachments.file_bytes,
        attachments.author_user_id,
        attachments.created_at as attached_at,
    from er.attachments as attachments
    join wanted_tests
        on wanted_tests.workspace_id = attachments.workspace_id
        and wanted_tests.test_id = attachments.test_id
    where $file_name is null or er.name_matches(attachments.file_name, $file_name)
),

-- a script has no reference to an attachment: a step names one when the file's name is in its text
steps as (
    select
        test_steps.workspace_id,
        test_steps.test_id,
        test_steps.step_number,
        test_steps.step_kind,
        test_steps.step_text,
        test_steps.called_test_id,
        files.attachment_id,
    from er.test_steps as test_steps
    join wanted_tests
        on wanted_tests.workspace_id = test_steps.workspace_id
        and wanted_tests.test_id = test_steps.test_id
    left join files
        on files.workspace_id = test_steps.workspace_id
        and files.test_id = test_steps.test_id
        and contains(lower(test_steps.step_text), lower(files.file_name))
    where $file_name is null or files.attachment_id is not null
),

all_lines as (
    select steps.*
    from steps
    union all by name
    select
        files.workspace_id,
        files.test_id,
        files.attachment_id,
    from files
    where not exists (
        select 1
        from steps
        where steps.workspace_id = files.workspace_id
            and steps.test_id = files.test_id
            and steps.attachment_id = files.attachment_id
    )
)

select
    all_lines.workspace_id, -- workspace that the row belongs to
    all_lines.test_id, -- id of the test
    row_number() over (
        partition by all_lines.workspace_id, all_lines.test_id
        order by all_lines.step_number nulls last, files.attached_at, all_lines.attachment_id
    ) as line_number, -- place of the row among those of its test, from 1
    wanted_tests.test_name, -- name of the test
    all_lines.step_number, -- place of the step in the script; null: an attachment no step names
    all_lines.step_kind, -- step, validation (something to be checked) or call (of another test)
    all_lines.step_text, -- what is to be done or checked, or how the call is labelled
    all_lines.called_test_id, -- test that the step calls
    called_tests.test_name as called_test_name, -- name of that test
    all_lines.attachment_id, -- id of the attachment
    files.file_name, -- name of the attached file
    files.file_bytes, -- size of the attached file
    files.author_user_id, -- user who created it
    authors.full_name as author_name, -- full name of its author
    files.attached_at, -- when the file was attached (UTC)
    er.item_url('test', all_lines.workspace_id, all_lines.test_id)
        as test_url -- where Octane shows the test
from all_lines
join wanted_tests
    on wanted_tests.workspace_id = all_lines.workspace_id
    and wanted_tests.test_id = all_lines.test_id
left join files
    on files.workspace_id = all_lines.workspace_id
    and files.attachment_id = all_lines.attachment_id
left join er.tests as called_tests
    on called_tests.workspace_id = all_lines.workspace_id
    and called_tests.test_id = all_lines.called_test_id
left join er.users as authors
    on authors.workspace_id = files.workspace_id
    and authors.user_id = files.author_user_id
