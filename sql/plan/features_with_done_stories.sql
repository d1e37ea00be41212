-- Which requests would move features to Done whose stories are all done?
-- flow: 23 Mark features done if stories are completed
-- grain: one feature to be updated
-- key: workspace_id, step
-- writes: feature
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: phase_codes text = 'phase.feature.intesting' -- phases of the feature, comma between them
-- param: child_types text = 'story' -- children that count: story, quality_story, defect; commas
-- param: done_phase_codes text = 'phase.story.done,phase.quality_story.done,phase.defect.closed' --
--     phases of a child that is done, with commas
-- param: allow_open_children boolean = false -- true: open children of other kinds, such as defects,
--     do not keep a feature as it is
-- order: workspace_id, step
with open_children as (
    select
        items.workspace_id,
        items.work_item_id as feature_id,
        json_object(
            'entity_type', 'work_item',
            'query', 'parent EQ {id EQ ' || items.work_item_id || '};subtype IN '
                || er.query_texts($child_types) || ';!phase EQ {logical_name IN '
                || er.query_texts($done_phase_codes) || '}'
        ) as of_kinds,
        json_object(
            'entity_type', 'work_item',
            'query', 'parent EQ {id EQ ' || items.work_item_id || '};!subtype IN '
                || er.query_texts($child_types) || ';!phase EQ {logical_name IN '
                || er.query_texts($done_phase_codes)
                || '};!phase EQ {metaphase EQ {logical_name EQ ^metaphase.work_item.done^}}'
        ) as of_other_kinds,
    from er.work_items as items
)

select
    features.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by features.workspace_id
        order by features.feature_name, features.feature_id
    ) as step, -- place in the order of the requests of a workspace
    'update' as operation, -- create or update
    'feature' as entity_type, -- entity type that is written
    features.feature_id as entity_id, -- id of the item; null: the server gives one
    features.feature_name as entity_name, -- name of that item
    json_object(
        'fields', json_object('phase', er.reference('phase', current_phases.phase_id)),
        'some', [
            json_object(
                'entity_type', 'work_item',
                'query', 'parent EQ {id EQ ' || features.feature_id || '};subtype IN '
                    || er.query_texts($child_types)
            )
        ],
        'none', case when $allow_open_children then [open_children.of_kinds]
            else [open_children.of_kinds, open_children.of_other_kinds] end
    ) as expected, -- what must hold before: fields, none and some that match a query
    json_object(
        'phase', er.reference('phase', coalesce(done_phases.phase_id, 'phase.feature.done'))
    ) as body, -- what is sent, as JSON
    case features.child_count
        when 1 then 'its only story is done'
        else 'all of its ' || features.child_count || ' stories are done'
    end as reason -- why it is sent
from flow.features_with_done_stories(
    workspace_id := $workspace_id,
    release_name := $release_name,
    phase_codes := $phase_codes,
    child_types := $child_types,
    done_phase_codes := $done_phase_codes
) as features
join open_children
    on open_children.workspace_id = features.workspace_id
    and open_children.feature_id = features.feature_id
left join er.phases as done_phases
    on done_phases.workspace_id = features.workspace_id
    and done_phases.phase_code = 'phase.feature.done'
left join er.phases as current_phases
    on current_phases.workspace_id = features.workspace_id
    and current_phases.phase_code = features.phase_code
where $allow_open_children
    or features.open_other_child_count = 0
