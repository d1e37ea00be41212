-- How many of a release's defects were found only after its end, by application module?
-- source: er.defects; escaped means created after the end of the release that it was found in
-- grain: one application module of one release with defects; one row for those without a module,
--    and one for all of the release
-- key: workspace_id, release_id, is_whole_release, application_module_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * is any text; null means any
-- note: definition: the complement of the defect removal efficiency of Jones, Applied Software
--     Measurement (2008): defects found after the release by all of its defects; here the end date
--     of the release divides them
-- order: workspace_id, release_end_at desc nulls last, release_id, is_whole_release desc,
--    escaped_count desc, defect_count desc, application_module_id
with defects_by_module as (
    select
        defects.workspace_id,
        releases.release_id,
        releases.release_name,
        releases.end_at as release_end_at,
        false as is_whole_release,
        modules.application_module_id,
        modules.application_module_name,
        defects.defect_id,
        defects.created_at > releases.end_at as has_escaped,
    from er.defects as defects
    join er.releases as releases
        on releases.workspace_id = defects.workspace_id
        and releases.release_id = defects.detected_in_release_id
    left join er.defect_modules as defect_modules
        on defect_modules.workspace_id = defects.workspace_id
        and defect_modules.defect_id = defects.defect_id
    left join er.application_modules as modules
        on modules.workspace_id = defect_modules.workspace_id
        and modules.application_module_id = defect_modules.application_module_id
    where ($workspace_id is null or defects.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
),

-- each defect once more, for the release as a whole
counted as (
    select
        found.workspace_id,
        found.release_id,
        found.release_name,
        found.release_end_at,
        found.is_whole_release,
        found.application_module_id,
        found.application_module_name,
        found.defect_id,
        found.has_escaped,
    from defects_by_module as found
    union all
    select distinct
        found.workspace_id,
        found.release_id,
        found.release_name,
        found.release_end_at,
        true as is_whole_release,
        null as application_module_id,
        null as application_module_name,
        found.defect_id,
        found.has_escaped,
    from defects_by_module as found
)

select
    counted.workspace_id, -- workspace that the row belongs to
    counted.release_id, -- release that the defects were found in
    counted.is_whole_release, -- true: all defects of the release; false: those of one module
    counted.application_module_id, -- module of the defects; null for those without one
    any_value(counted.release_name) as release_name, -- name of that release
    any_value(counted.release_end_at) as release_end_at, -- planned end of that release (UTC)
    any_value(counted.application_module_name) as application_module_name, -- name of that module
    count(*) as defect_count, -- defects found in the release
    count(*) filter (where counted.has_escaped) as escaped_count, -- those created after its end
    round(count(*) filter (where counted.has_escaped) / count(*), 4)
        as escaped_ratio -- share of those; a defect with two modules counts for both, once for all
from counted
group by
    counted.workspace_id, counted.release_id, counted.is_whole_release,
    counted.application_module_id
