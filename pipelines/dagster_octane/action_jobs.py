"""The flows that write back, as jobs: `write_back_<slug>` is a dry run, unless told otherwise.

A published warehouse and the launchpad's config in, requests or verdicts out. A dry run is the
default, and no schedule starts these jobs.
"""

import json
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from dagster_octane.asset_metadata import TABLE_MODELS, rows_table
from dagster_octane.resources import GROUP_TAG, OctaneResource, errors_as_failures
from octane_flows import warehouse
from octane_flows.config import DEFAULT_PLAN_LIMIT

if TYPE_CHECKING:
    from octane_flows.actions import Plan, Verdict

PLANS = tuple(model for model in TABLE_MODELS if model.schema == "plan")


class ActionConfig(dg.Config):
    """The parameters of the plan, and whether its requests are sent."""

    parameters: dict[str, str] = Field(default={}, description="As in plan.<slug>(...).")
    dry_run: bool = Field(default=True, description="false sends the requests.")
    most: int = Field(default=DEFAULT_PLAN_LIMIT, description="Requests that the plan may have.")


def act(
    context: dg.OpExecutionContext, config: ActionConfig, octane: OctaneResource, slug: str
) -> None:
    """Make the plan of a flow; send its requests unless this is a dry run."""
    from octane_flows.actions import AuditLog, apply_plan, audit_path, make_plan
    from octane_flows.client import Octane

    with errors_as_failures():
        with warehouse.connect(octane.home()) as connection:
            made = make_plan(connection, slug, config.parameters)
        plan = made.plan
        for warning in made.warnings:
            context.log.warning(warning)
        if config.dry_run:
            context.add_output_metadata(_plan_metadata(plan))
            context.log.info(
                f"{len(plan.requests)} requests would be sent. The metadata of the output shows "
                "them; launch the job again with dry_run: false to send them."
                if plan.requests
                else f"There is nothing to send: {made.reason}."
            )
            return
        settings = octane.settings()
        audit = AuditLog(audit_path(settings.home))
        with Octane(settings) as client:
            verdicts = apply_plan(
                client,
                plan,
                audit,
                server_url=settings.url,
                workspaces=client.workspace_ids(settings.workspaces)
                if settings.workspaces is not None
                else None,
                limit=config.most,
            )
    metadata = rows_table([_verdict_row(verdict) for verdict in verdicts])
    context.add_output_metadata(metadata)
    bad = [verdict for verdict in verdicts if not verdict.is_good]
    context.log.info(f"{len(verdicts) - len(bad)} of {len(verdicts)} requests ended well.")
    if bad:
        raise dg.Failure(
            f"{len(bad)} of {len(verdicts)} requests did not end well, the first: "
            f"{bad[0].outcome}, {bad[0].detail}",
            metadata=metadata,
            allow_retries=False,
        )


def _plan_metadata(plan: "Plan") -> dict[str, Any]:
    rows = [
        {
            "workspace": request.workspace_id,
            "step": str(request.step),
            "operation": request.operation,
            "item": " ".join(
                filter(None, (request.entity_type, request.entity_id, request.entity_name))
            ),
            "sends": json.dumps(dict(request.body), ensure_ascii=False),
            "because": request.reason,
        }
        for request in plan.requests
    ]
    return {"requests": len(rows), **rows_table(rows)}


def _verdict_row(verdict: "Verdict") -> dict[str, str]:
    request = verdict.request
    return {
        "workspace": request.workspace_id,
        "step": str(request.step),
        "item": " ".join(filter(None, (request.entity_type, verdict.entity_id))),
        "verdict": verdict.outcome,
        "detail": verdict.detail,
    }


def action_job(model: warehouse.Model) -> dg.JobDefinition:
    """The job of one flow that writes."""

    @dg.op(name=f"act_on_{model.slug}", description=model.header.question)
    def act_on(
        context: dg.OpExecutionContext, config: ActionConfig, octane: OctaneResource
    ) -> None:
        act(context, config, octane, model.slug)

    @dg.job(
        name=f"write_back_{model.slug}",  # after the jobs that read, in Dagster's order
        description="Dry run: shows the requests and sends none, unless the config has dry_run: "
        f"false. {model.header.question}",
        tags={GROUP_TAG: "write back", "octane-flows/dry-run": "unless dry_run is false"},
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        act_on()

    return job


JOBS = [action_job(model) for model in PLANS]
