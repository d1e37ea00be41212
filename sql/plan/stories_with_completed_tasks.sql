-- Which requests would move stories to Done whose tasks are all completed?
-- flow: 22 Mark stories done if tasks are completed
-- grain: one story to be updated
-- key: workspace_id, step
-- writes: story, quality_story, defect
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: sprint_name text = null -- name of the sprint, * for any characters; null: any, or none
-- param: work_item_types text = 'story' -- story, quality_story, defect; comma between them
-- param: task_phase_codes text = 'phase.task.completed' -- phases of a completed task, with commas
-- param: done_phase_codes text = 'phase.story.done,phase.quality_story.done,phase.defect.closed' --
--     phases of items that are done already, with commas
-- order: workspace_id, step
select
    stories.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by stories.workspace_id
        order by stories.work_item_type, stories.work_item_name, stories.work_item_id
    ) as step, -- place in the order of the requests of a workspace
    'update' as operation, -- create or update
    stories.work_item_type as entity_type, -- entity type that is written
    stories.work_item_id as entity_id, -- id of the item; null: the server gives one
    stories.work_item_name as entity_name, -- name of that item
    json_object(
        'fields', json_object('phase', er.reference('phase', current_phases.phase_id)),
        'some', [
            json_object(
                'entity_type', 'task',
                'query', 'story EQ {id EQ ' || stories.work_item_id || '}'
            )
        ],
        'none', [
            json_object(
                'entity_type', 'task',
                'query', 'story EQ {id EQ ' || stories.work_item_id
                    || '};!phase EQ {logical_name IN ' || er.query_texts($task_phase_codes) || '}'
            )
        ]
    ) as expected, -- what must hold before: fields, none and some that match a query
    json_object(
        'phase', er.reference('phase', coalesce(done_phases.phase_id, ends.phase_code))
    ) as body, -- what is sent, as JSON
    case stories.task_count
        when 1 then 'its only task is completed'
        else 'all of its ' || stories.task_count || ' tasks are completed'
    end as reason -- why it is sent
from flow.stories_with_completed_tasks(
    workspace_id := $workspace_id,
    release_name := $release_name,
    sprint_name := $sprint_name,
    work_item_types := $work_item_types,
    task_phase_codes := $task_phase_codes,
    done_phase_codes := $done_phase_codes
) as stories
join (
    values
        ('story', 'phase.story.done'),
        ('quality_story', 'phase.quality_story.done'),
        ('defect', 'phase.defect.closed')
) as ends (work_item_type, phase_code)
    on ends.work_item_type = stories.work_item_type
left join er.phases as done_phases
    on done_phases.workspace_id = stories.workspace_id
    and done_phases.phase_code = ends.phase_code
left join er.phases as current_phases
    on current_phases.workspace_id = stories.workspace_id
    and current_phases.phase_code = stories.phase_code
