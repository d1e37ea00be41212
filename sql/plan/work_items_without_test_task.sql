-- Which requests would add a test task to each work item that has none?
-- flow: 21 Add "test" tasks to work items that have none
-- grain: one task to be created
-- key: workspace_id, step
-- writes: task
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: work_item_types text = 'story' -- story, quality_story, defect; comma between them
-- param: task_type_code text = 'list_node.task_item_type.test' -- logical name of the kind of task
-- param: exclude_done boolean = false -- leave out items whose phase is of the metaphase Done
-- order: workspace_id, step
select
    items.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by items.workspace_id
        order by items.work_item_type, items.work_item_name, items.work_item_id
    ) as step, -- place in the order of the requests of a workspace
    'create' as operation, -- create or update
    'task' as entity_type, -- entity type that is written
    cast(null as varchar) as entity_id, -- id of the item; null: the server gives one
    left('Test ' || items.work_item_name, 255) as entity_name, -- name of that item
    json_object(
        'some', [
            json_object('entity_type', 'work_item', 'query', 'id EQ ' || items.work_item_id)
        ],
        'none', [
            json_object(
                'entity_type', 'task',
                'query', 'story EQ {id EQ ' || items.work_item_id
                    || '};item_type EQ {logical_name EQ ' || er.query_text($task_type_code) || '}'
            )
        ]
    ) as expected, -- what must hold before: fields, none and some that match a query
    er.without_nulls(
        json_object(
            'name', left('Test ' || items.work_item_name, 255),
            'story', er.reference(items.work_item_type, items.work_item_id),
            'item_type', er.reference(
                'list_node', coalesce(kinds.list_item_id, $task_type_code)
            ),
            'phase', er.reference('phase', coalesce(phases.phase_id, 'phase.task.new')),
            'owner', er.reference('workspace_user', items.owner_user_id)
        )
    ) as body, -- what is sent, as JSON
    case items.task_count
        when 0 then 'it has no task at all'
        when 1 then 'its only task is of another kind'
        else 'none of its ' || items.task_count || ' tasks is of that kind'
    end as reason -- why it is sent
from flow.work_items_without_test_task(
    workspace_id := $workspace_id,
    release_name := $release_name,
    work_item_types := $work_item_types,
    task_type_code := $task_type_code,
    exclude_done := $exclude_done
) as items
left join er.list_items as kinds
    on kinds.workspace_id = items.workspace_id
    and kinds.list_item_code = $task_type_code
left join er.phases as phases
    on phases.workspace_id = items.workspace_id
    and phases.phase_code = 'phase.task.new'
