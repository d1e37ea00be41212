-- How did each step of a manual run end?
-- source: octane.run_step
-- grain: one step of a run
-- key: workspace_id, run_step_id
-- relation: run_id -> er.runs.run_id
-- relation: step_type_id -> er.list_items.list_item_id
-- relation: result_id -> er.list_items.list_item_id
select
    run_step._workspace_id as workspace_id, -- workspace that the row belongs to
    run_step.id as run_step_id, -- id of the step
    run_step.run_id, -- run that it is part of
    run_step.step_type_id, -- list value of its kind
    coalesce(step_types.list_item_code, run_step.step_type_id)
        as step_type_code, -- logical name of its kind
    run_step.result_id, -- list value of its result
    coalesce(results.list_item_code, run_step.result_id)
        as result_code, -- logical name of its result
    run_step.description as description_html, -- what was to be done, as HTML
    run_step.actual as actual_html, -- what happened, as HTML
    run_step.creation_time as created_at, -- when it was created in Octane (UTC)
    run_step.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.run_step as run_step
left join er.list_items as results
    on results.workspace_id = run_step._workspace_id
    and results.list_item_id = run_step.result_id
left join er.list_items as step_types
    on step_types.workspace_id = run_step._workspace_id
    and step_types.list_item_id = run_step.step_type_id
