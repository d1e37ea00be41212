"""docs/tables.md: octane.*, past.*, er.*, plan.* and meta.*, from contract, models and code."""

from __future__ import annotations

from octane_flows.lake.key_columns import OWN_COLUMN_NAMES
from octane_flows.models.model import Model, load_models
from octane_flows.warehouse.change_history import CHANGES, DIFFERENCES, HistoryView
from octane_flows.warehouse.meta.meta_tables import TABLES
from octane_flows.warehouse.octane_contract import contract_tables
from octane_flows.warehouse.phase_versions import COLUMNS, MEANING, TABLE
from tests.pages.duckdb_clients import clients_sentence
from tests.pages.markdown import anchor, table

HEAD = """# Tables

| schema | what it holds | made by |
|---|---|---|
| `octane.*` | the current state as Octane names it, user-defined fields included | the extract |
| `octane_history.*` | every version that was ever read of the same tables | the lake, when asked |
| `past.*` | the change history, and phases of work items version by version | the build |
| `er.*` | keys, relations, one meaning for each column name | [sql/er](../sql/er) |
| `flow.*` | the flows: [flows.md](flows.md) | [sql/flow](../sql/flow) |
| `metric.*` | the questions after them: [metrics.md](metrics.md) | [sql/metric](../sql/metric) |
| `plan.*` | what a flow would write: [writing-back.md](writing-back.md) | [sql/plan](../sql/plan) |
| `meta.*` | what the warehouse knows of itself | the build |

`octane-flows show TABLE` prints columns with their meanings and the first rows. Keys are unique
together with `workspace_id`. Times are UTC.

{clients}
A macro's comment in `duckdb_functions()` has its question, its parameters and an example;
`meta.flows`, `meta.metrics` and `meta.parameters` have them as rows.

## octane

One table for each entity type that a server lists. A plain field is a column of its own name; a
reference is `<field>_id` and `<field>_type`; a multi-reference is a link table
`octane.<entity>__<field>` with `source_id`, `target_id` and `target_type`. Memo fields are HTML as
it came. Every table has `_workspace_id`, `_generation` and `_extracted_at`. `meta.fields` lists
every field of your server with its label and the share of rows that fill it. These are the tables
that a server of early 2023 gives; yours adds its own fields:
"""


def tables_page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD.replace("{clients}\n", clients_sentence() + "\n"),
            *_octane(),
            "",
            *_past(),
            *_er(),
            *_meta(),
        ]
    )


def _octane() -> list[str]:
    tables = contract_tables()
    rows = []
    for name in sorted(name for name in tables if "__" not in name):
        links = sorted(
            name_of_table.partition("__")[2]
            for name_of_table in tables
            if name_of_table.startswith(f"{name}__")
        )
        own = len(tables[name].keys() - OWN_COLUMN_NAMES)
        rows.append((f"`{name}`", str(own), ", ".join(f"`{link}`" for link in links)))
    return table(("entity type", "columns", "link tables: `<entity>__`"), rows)


def _past() -> list[str]:
    rows = [(f"`{name}`", f"`{kind}`", meaning) for name, kind, meaning in COLUMNS]
    columns = table(("column", "type", "meaning"), rows)
    lines = ["## past", "", f"### {TABLE}", "", MEANING, "", *columns, ""]
    return [*lines, *_history_view(CHANGES)]


def _history_view(view: HistoryView) -> list[str]:
    rows = [(f"`{name}`", f"`{kind}`", meaning) for name, kind, meaning in view.columns]
    columns = table(("column", "type", "meaning"), rows)
    return [f"### {view.name}", "", view.meaning, "", *columns, ""]


def _er() -> list[str]:
    models = sorted(
        (model for model in load_models() if model.schema == "er"), key=lambda model: model.name
    )
    rows = [(_linked(model.name), model.header.question) for model in models]
    lines = ["## er", "", *table(("table", "question"), rows), ""]
    for model in models:
        lines += _er_table(model)
    return lines


def _er_table(model: Model) -> list[str]:
    header = model.header
    targets = {relation.column: f"; {_linked(relation.target)}" for relation in header.relations}
    columns = [
        (f"`{column.name}`", column.meaning + targets.get(column.name, ""))
        for column in model.columns
    ]
    key = ", ".join(f"`{name}`" for name in header.key)
    return [
        f"### {model.name}",
        "",
        f"{header.question} One row is {header.grain}. Key: {key}. "
        f"Read from {', '.join(header.sources)}.",
        "",
        *table(("column", "meaning"), columns),
        "",
    ]


def _meta() -> list[str]:
    lines = ["## meta", ""]
    for meta_table in TABLES:
        rows = [(f"`{it.name}`", f"`{it.type}`", it.meaning) for it in meta_table.columns]
        lines += [f"### meta.{meta_table.name}", "", meta_table.meaning, ""]
        lines += table(("column", "type", "meaning"), rows)
        lines.append("")
    return [*lines, *_history_view(DIFFERENCES)]


def _linked(name: str) -> str:
    return f"[`{name}`](#{anchor(name)})"
