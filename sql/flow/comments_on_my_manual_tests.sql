-- What do people say about my manual tests?
-- flow: 3 Get the comments for my manual tests
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Flows_Intro.htm
-- grain: one comment on a test itself; comments on its runs are others
-- key: workspace_id, comment_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_id text = null -- id of the user whose work it is; null means who signed in to extract
-- param: in_my_work boolean = false -- tests in the user's My Work instead of those the user owns
-- param: test_types text = 'test_manual' -- kinds of tests, comma between them
-- order: created_at desc, workspace_id, comment_id
with my_tests as (
    select
        tests.workspace_id,
        tests.test_id,
        tests.test_name,
        tests.test_type,
        tests.owner_user_id,
    from er.tests as tests
    left join er.signed_in_users as me
        on me.workspace_id = tests.workspace_id
    left join er.user_items as user_items
        on user_items.workspace_id = tests.workspace_id
        and user_items.test_id = tests.test_id
        and user_items.user_id = coalesce($user_id, me.user_id)
    where ($workspace_id is null or tests.workspace_id = $workspace_id)
        and er.is_listed(tests.test_type, $test_types)
        and case
            when $in_my_work then user_items.user_item_id is not null
            else tests.owner_user_id = coalesce($user_id, me.user_id)
        end
    qualify row_number() over (
        partition by tests.workspace_id, tests.test_id order by user_items.user_item_id
    ) = 1
)

select
    comments.workspace_id, -- workspace that the row belongs to
    comments.comment_id, -- id of the comment
    comments.comment_text, -- what was written, without marks of HTML
    comments.comment_html, -- what was written, as HTML
    comments.author_user_id, -- user who created it
    authors.full_name as author_name, -- full name of its author
    my_tests.test_id, -- id of the test
    my_tests.test_name, -- name of the test
    my_tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    comments.created_at, -- when it was created in Octane (UTC)
    comments.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('test', my_tests.workspace_id, my_tests.test_id)
        as test_url -- where Octane shows the test
from er.comments as comments
join my_tests
    on my_tests.workspace_id = comments.workspace_id
    and my_tests.test_id = comments.test_id
left join er.users as authors
    on authors.workspace_id = comments.workspace_id
    and authors.user_id = comments.author_user_id
