-- Which items are below an item, at any depth?
-- flow: 25 Create a document report with descendants
-- source: https://github.com/MicroFocus/alm-octane-document-report-downloader
-- grain: one item below, or equal to, one root
-- key: workspace_id, root_id, item_type, item_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: root_ids text = null -- ids of the roots, comma between them; null: all without a parent
-- param: tree text = 'work_item' -- one of work_item, requirement: the backlog or the requirements
-- param: max_depth integer = null -- levels below the root; 0 is the root alone, null is all
-- param: item_types text = null -- types that are shown, with commas; null: all. Others are walked
--     through
-- order: workspace_id, root_id, path, item_type
with recursive nodes as (
    select
        items.workspace_id,
        items.work_item_type as item_type,
        items.work_item_id as item_id,
        items.work_item_name as item_name,
        'work_item' as tree,
        'work_item' as id_space,
        items.parent_work_item_id as parent_id,
        items.phase_code,
        items.phase_label,
        items.release_id,
        items.release_name,
        items.owner_user_id,
        items.owner_name,
    from er.work_items as items
    union all by name
    select
        tasks.workspace_id,
        'task' as item_type,
        tasks.task_id as item_id,
        tasks.task_name as item_name,
        'work_item' as tree,
        'task' as id_space,
        tasks.work_item_id as parent_id,
        tasks.phase_code,
        phases.phase_label,
        tasks.owner_user_id,
        tasks.owner_name,
    from er.tasks as tasks
    left join er.phases as phases
        on phases.workspace_id = tasks.workspace_id
        and phases.phase_code = tasks.phase_code
    union all by name
    select
        requirements.workspace_id,
        requirements.requirement_type as item_type,
        requirements.requirement_id as item_id,
        requirements.requirement_name as item_name,
        'requirement' as tree,
        'requirement' as id_space,
        requirements.parent_requirement_id as parent_id,
        requirements.phase_code,
        requirements.phase_label,
        requirements.owner_user_id,
        requirements.owner_name,
    from er.requirements as requirements
),

descendants as (
    select
        nodes.workspace_id,
        nodes.item_id as root_id,
        nodes.id_space,
        nodes.item_id,
        0 as depth,
        [nodes.item_id] as ids,
        nodes.item_name as path_names,
    from nodes
    where ($workspace_id is null or nodes.workspace_id = $workspace_id)
        and nodes.tree = $tree
        and nodes.id_space <> 'task'
        and case
            when $root_ids is null then nodes.parent_id is null
            else er.is_listed(nodes.item_id, $root_ids)
        end
    union all
    select
        nodes.workspace_id,
        descendants.root_id,
        nodes.id_space,
        nodes.item_id,
        descendants.depth + 1 as depth,
        list_append(descendants.ids, nodes.item_id) as ids,
        descendants.path_names || ' / ' || nodes.item_name as path_names,
    from descendants
    join nodes
        on nodes.workspace_id = descendants.workspace_id
        and nodes.parent_id = descendants.item_id
        and nodes.tree = $tree
        -- tasks have ids of their own, which may be those of work items
        and descendants.id_space <> 'task'
        and (nodes.id_space = 'task' or not list_contains(descendants.ids, nodes.item_id))
    where $max_depth is null or descendants.depth < $max_depth
)

select
    nodes.workspace_id, -- workspace that the row belongs to
    descendants.root_id, -- id of the item that it is below
    nodes.item_type, -- entity type of the item
    nodes.item_id, -- id of the item; a task's is unique among tasks only
    descendants.depth, -- levels below the root; 0 is the root itself
    array_to_string(descendants.ids, '/') as path, -- ids from the root to the item
    descendants.path_names, -- names from the root to the item
    nodes.item_name, -- name of the item
    nodes.phase_code, -- logical name of its phase
    nodes.phase_label, -- phase that Octane shows
    nodes.parent_id, -- id of the item right above it
    nodes.release_id, -- release that it is planned for or counts for
    nodes.release_name, -- name of that release
    nodes.owner_user_id, -- user who owns it
    nodes.owner_name, -- full name of its owner
    er.item_url(nodes.id_space, nodes.workspace_id, nodes.item_id)
        as item_url -- where Octane shows the item
from descendants
join nodes
    on nodes.workspace_id = descendants.workspace_id
    and nodes.id_space = descendants.id_space
    and nodes.item_id = descendants.item_id
where $item_types is null or er.is_listed(nodes.item_type, $item_types)
