-- Which features are still in testing although all of their stories are done?
-- flow: 23 Mark features done if stories are completed
-- source: https://admhelp.microfocus.com/octane/en/16.1.100-16.2.100/Online/Content/API/Scenario-FeaturesMarkDone.htm
-- grain: one feature with at least one such child and without an open one
-- key: workspace_id, feature_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: phase_codes text = 'phase.feature.intesting' -- phases of the feature, comma between them
-- param: child_types text = 'story' -- children that count: story, quality_story, defect; commas
-- param: done_phase_codes text = 'phase.story.done,phase.quality_story.done,phase.defect.closed' --
--     phases of a child that is done, with commas
-- order: open_other_child_count, release_end_at nulls last, feature_name, workspace_id, feature_id
with children_by_feature as (
    select
        children.workspace_id,
        children.parent_work_item_id as feature_id,
        count(*) filter (where er.is_listed(children.work_item_type, $child_types)) as child_count,
        count(*) filter (where not er.is_listed(children.work_item_type, $child_types))
            as other_child_count,
        bool_and(coalesce(er.is_listed(children.phase_code, $done_phase_codes), false))
            filter (where er.is_listed(children.work_item_type, $child_types)) as are_all_done,
        max(children.modified_at)
            filter (where er.is_listed(children.work_item_type, $child_types))
            as last_child_modified_at,
        count(*) filter (
            where not coalesce(er.is_listed(children.phase_code, $done_phase_codes), false)
                and phases.metaphase_code is distinct from 'metaphase.work_item.done'
        ) as open_other_child_count,
        string_agg(
            children.work_item_name, ', ' order by children.work_item_name, children.work_item_id
        ) filter (
            where not coalesce(er.is_listed(children.phase_code, $done_phase_codes), false)
                and phases.metaphase_code is distinct from 'metaphase.work_item.done'
        ) as open_other_child_names,
    from er.work_items as children
    left join er.phases as phases
        on phases.workspace_id = children.workspace_id
        and phases.phase_code = children.phase_code
        and phases.entity_type = children.work_item_type
    group by children.workspace_id, children.parent_work_item_id
)

select
    features.workspace_id, -- workspace that the row belongs to
    features.work_item_id as feature_id, -- id of the feature
    features.work_item_name as feature_name, -- name of the feature
    features.phase_code, -- logical name of its phase
    features.phase_label, -- phase that Octane shows
    children.child_count, -- its children of the kinds that count; all are done
    children.other_child_count, -- its children of other kinds, done or not
    children.open_other_child_count, -- those that are open: the plan leaves the feature as it is
    children.open_other_child_names, -- names of the open ones, in alphabetical order
    children.last_child_modified_at, -- when one that counts last changed in Octane (UTC)
    features.release_id, -- release that it is planned for or counts for
    features.release_name, -- name of that release
    releases.end_at as release_end_at, -- planned end of that release (UTC)
    features.owner_user_id, -- user who owns it
    features.owner_name, -- full name of its owner
    er.item_url('work_item', features.workspace_id, features.work_item_id)
        as feature_url -- where Octane shows the feature
from er.work_items as features
join children_by_feature as children
    on children.workspace_id = features.workspace_id
    and children.feature_id = features.work_item_id
    and children.are_all_done
left join er.releases as releases
    on releases.workspace_id = features.workspace_id
    and releases.release_id = features.release_id
where ($workspace_id is null or features.workspace_id = $workspace_id)
    and features.work_item_type = 'feature'
    and er.is_listed(features.phase_code, $phase_codes)
    and ($release_name is null or er.name_matches(features.release_name, $release_name))
