-- Which steps do the scripts of manual tests have?
-- source: octane.test_script
-- grain: one step of the script of one manual test
-- key: workspace_id, test_id, step_number
-- relation: test_id -> er.tests.test_id
-- relation: called_test_id -> er.tests.test_id
with lines as (
    select
        script._workspace_id as workspace_id,
        script.id as test_id,
        unnest(string_split(replace(script.script, chr(13), ''), chr(10))) as line,
        generate_subscripts(string_split(replace(script.script, chr(13), ''), chr(10)), 1)
            as line_number,
    from octane.test_script as script
    where script.type = 'test_manual'
),

-- '- ' begins a step; what stands before the first one is a step too, for nothing may be lost
numbered_lines as (
    select
        lines.workspace_id,
        lines.test_id,
        lines.line,
        lines.line_number,
        count(*) filter (where starts_with(lines.line, '- ')) over earlier_lines as dash_count,
        first_value(starts_with(lines.line, '- ')) over earlier_lines as begins_with_dash,
    from lines
    where trim(lines.line) <> ''
    window earlier_lines as (
        partition by lines.workspace_id, lines.test_id
        order by lines.line_number
        rows between unbounded preceding and current row
    )
),

steps as (
    select
        numbered_lines.workspace_id,
        numbered_lines.test_id,
        numbered_lines.dash_count
            + case when numbered_lines.begins_with_dash then 0 else 1 end as step_number,
        first(numbered_lines.line order by numbered_lines.line_number) as first_line,
        string_agg(numbered_lines.line, chr(10) order by numbered_lines.line_number) as text,
    from numbered_lines
    group by all
)

select
    steps.workspace_id, -- workspace that the row belongs to
    steps.test_id, -- test whose script it is
    steps.step_number, -- place within the script, from 1
    case
        when starts_with(steps.first_line, '- ?') then 'validation'
        when regexp_matches(steps.first_line, '^- @[0-9]') then 'call'
        else 'step'
    end as step_kind, -- step, validation (something to be checked) or call (of another test)
    trim(regexp_replace(steps.text, '^- (\?|@[0-9]+)?', ''))
        as step_text, -- what is to be done or checked, or how the call is labelled
    nullif(regexp_extract(steps.first_line, '^- @([0-9]+)', 1), '')
        as called_test_id -- test that is called
from steps
