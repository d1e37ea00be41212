"""Where the values of a parameter come from: the relation that has them, and what else names them.

Parameters with what a header says of them in, the `ValueSource` of each out; `meta.parameters`
holds them, and `questions.given_values` looks for what a user wrote. A parameter of the names below
has its source; the header tag `values` gives one to any other, in models of your own too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.sql_text import literal, quoted


@dataclass(frozen=True)
class ValueSource:
    """`column` of the relation `table` holds the values; `labels` are columns that name them, too.

    `prefix`: what the logical names begin with that a label may stand for. `others` hold values of
    the same parameter, too. `is_computed`: the relation is an answer, which is asked for itself
    alone and stays out of `meta.accepted_values`.
    """

    table: str
    column: str
    labels: tuple[str, ...] = ()
    prefix: str | None = None
    others: tuple[ValueSource, ...] = ()
    is_computed: bool = False

    @property
    def name(self) -> str:
        """The column with its relation, as in `er.users.user_id`; several with `or` between."""
        return " or ".join(f"{part.table}.{part.column}" for part in (self, *self.others))

    @property
    def sql(self) -> str:
        """A select of each value with every name that it has, itself among them."""
        return " union all ".join(part.select_as(self.name) for part in (self, *self.others))

    def select_as(self, source: str) -> str:
        """The select of this relation alone, under the name of a source."""
        names = ", ".join(f"origin.{quoted(name)}" for name in (self.column, *self.labels))
        relation = f"{self.table}()" if self.is_computed else self.table
        return (
            f"select {literal(source)} as source, origin.workspace_id, "
            f"origin.{quoted(self.column)} as value, unnest([{names}]) as name "
            f"from {relation} as origin where origin.{quoted(self.column)} is not null"
        )


def folded(text: str) -> str:
    """SQL for a text without its case and ways of writing an accent; DuckDB has no casefold.

    Beyond `lower`, 'ß' is 'ss' and the two small sigmas are one.
    """
    return f"replace(replace(lower(nfc_normalize({text})), 'ß', 'ss'), 'ς', 'σ')"


WORKSPACES = ValueSource("meta.workspaces", "workspace_id", ("workspace_name",))
USERS = ValueSource("er.users", "user_id", ("user_name", "full_name", "email"))
TESTS = ValueSource("er.tests", "test_id", ("test_name",))
PHASES = ValueSource("er.phases", "phase_code", ("phase_label",))
#: Of the server's metadata, so that a kind of which no item is there yet is known, too.
KINDS = ValueSource("meta.fields", "entity")


def _list(prefix: str) -> ValueSource:
    return ValueSource("er.list_items", "list_item_code", ("list_item_label",), prefix)


#: A parameter's name means the same in every question.
SOURCES: Mapping[str, ValueSource] = {
    "workspace_id": WORKSPACES,
    "user_id": USERS,
    "owner_user_id": USERS,
    "run_by_user_id": USERS,
    "release_name": ValueSource("er.releases", "release_name"),
    "sprint_name": ValueSource("er.sprints", "sprint_name"),
    "sprint_id": ValueSource("er.sprints", "sprint_id", ("sprint_name",)),
    "application_module_name": ValueSource("er.application_modules", "application_module_name"),
    "environment_name": ValueSource("er.environments", "environment_name"),
    "environment_category_name": ValueSource("er.environments", "environment_category_name"),
    "team_name": ValueSource("er.teams", "team_name"),
    "user_tag_name": ValueSource("er.user_tags", "user_tag_name"),
    "pipeline_name": ValueSource("er.pipelines", "pipeline_name"),
    "pipeline_id": ValueSource("er.pipelines", "pipeline_id", ("pipeline_name",)),
    "ci_server_name": ValueSource("er.ci_servers", "ci_server_name"),
    "test_id": TESTS,
    "covered_work_item_id": ValueSource("er.work_items", "work_item_id", ("work_item_name",)),
    "test_suite_id": TESTS,
    "test_name": ValueSource("er.tests", "test_name"),
    "test_suite_name": ValueSource("er.tests", "test_name"),
    "root_ids": ValueSource(
        "er.work_items",
        "work_item_id",
        ("work_item_name",),
        others=(ValueSource("er.requirements", "requirement_id", ("requirement_name",)),),
    ),
    "entity_id": ValueSource("meta.user_defined_values", "entity_id", ("entity_name",)),
    "build_results": ValueSource("er.builds", "build_result_label"),
    "cluster_ids": ValueSource("metric.failure_clusters", "cluster_id", is_computed=True),
    "file_name": ValueSource("er.attachments", "file_name"),
    "phase_codes": PHASES,
    "done_phase_codes": PHASES,
    "fixed_phase_codes": PHASES,
    "task_phase_codes": PHASES,
    "severity_codes": _list("list_node.severity."),
    "priority_codes": _list("list_node.priority."),
    "status_code": _list("list_node.run_status."),
    "status_codes": _list("list_node.run_status."),
    "native_status_code": _list("list_node.run_native_status."),
    "automation_status_codes": _list("list_node.automation_status."),
    "task_type_code": _list("list_node.task_item_type."),
    "new_automation_status_code": _list("list_node.automation_status."),
    "entity_type": KINDS,
    "work_item_types": KINDS,
    "child_types": KINDS,
    "item_types": KINDS,
    "test_types": KINDS,
    "run_types": KINDS,
}

_TAG = re.compile(r"(\w+)\s*=\s*(\w+\.\w+)\.(\w+((?:\s*,\s*\w+)*))$")


def parsed_source(text: str) -> tuple[str, ValueSource] | None:
    """A header's `values` line, `name = er.table.column, label`; None where it is no such line."""
    match = _TAG.match(text)
    if not match:
        return None
    column, *labels = (part.strip() for part in match.group(3).split(","))
    return match.group(1), ValueSource(match.group(2), column, tuple(labels))


def value_source(parameter: Parameter, declared: Mapping[str, ValueSource]) -> ValueSource | None:
    """Where the values of a parameter come from; None: it takes any text, or is no text."""
    source = declared.get(parameter.name, SOURCES.get(parameter.name))
    if parameter.type != "text" or source is None:
        return None
    if source == PHASES and parameter.default:
        prefixes = {code.strip().rpartition(".")[0] for code in parameter.default.split(",")}
        prefix = f"{prefixes.pop()}." if len(prefixes) == 1 else None
        return ValueSource(source.table, source.column, source.labels, prefix)
    return source


def value_sources(
    parameters: Iterable[Parameter], declared: Iterable[tuple[str, ValueSource]]
) -> dict[str, ValueSource]:
    """The sources of parameters by name; `declared` are those of the header's `values` lines."""
    by_name = dict(declared)
    sources = ((parameter.name, value_source(parameter, by_name)) for parameter in parameters)
    return {name: source for name, source in sources if source is not None}


def is_list(parameter: str) -> bool:
    """Whether a parameter takes several values, with commas between them."""
    return parameter.endswith(("_codes", "_types", "_ids", "_results"))


def is_pattern(parameter: str) -> bool:
    """Whether a star in a value stands for any characters."""
    return parameter.endswith("_name")
