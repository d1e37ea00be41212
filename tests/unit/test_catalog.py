"""Catalogues hold what the warehouse holds, in the shape that each reader expects."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from octane_flows import warehouse
from octane_flows.catalog import Catalog, catalog_json, dbt_sources, read_catalog, semantic_model
from octane_flows.catalog.catalog_content import CatalogColumn, CatalogRelation, CatalogTable
from octane_flows.catalog.yaml_text import yaml_text
from octane_flows.cli import app
from octane_flows.errors import UsageError
from octane_flows.questions import list_questions
from tests.golden import kit

#: What the specification's JSON schema lets each object have; the first ones it must have.
OSI = {
    "model": ({"name", "datasets"}, {"description", "ai_context", "relationships", "metrics",
                                     "custom_extensions"}),
    "dataset": ({"name", "source"}, {"primary_key", "unique_keys", "description", "ai_context",
                                     "fields", "custom_extensions"}),
    "field": ({"name", "expression"}, {"dimension", "label", "description", "datatype",
                                       "ai_context", "custom_extensions"}),
    "relationship": ({"name", "from", "to", "from_columns", "to_columns"},
                     {"ai_context", "custom_extensions"}),
}  # fmt: skip
OSI_TYPES = {"String", "Integer", "Decimal", "Float", "Boolean", "Date", "Time", "DateTime",
             "DateTimeTz", "Opaque"}  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with kit.open_empty() as connection:
        return read_catalog(connection)


def small(meaning: str) -> Catalog:
    """A catalogue of two tables, of which one refers to the other, in two ways."""
    column = CatalogColumn("release_id", "VARCHAR", meaning)
    releases = CatalogTable("er", "releases", meaning, "one", ("release_id",), (column,))
    runs = CatalogTable("er", "runs", "", "", (), (column,))
    relations = [
        CatalogRelation(
            "er.runs", "release_id", "er.releases", "release_id", False, False, is_deleted
        )
        for is_deleted in (False, True)
    ]
    return Catalog(
        7, datetime(2021, 1, 20), "http://a", "1001", (releases, runs), tuple(relations), ()
    )


def test_a_catalogue_has_all_tables_and_questions(catalog: Catalog) -> None:
    tables = {table.name: table for table in catalog.tables}
    releases = tables["er.releases"]

    assert {table.schema for table in catalog.tables} == {"er", "octane", "past", "meta"}
    assert releases.key == ("workspace_id", "release_id")
    assert releases.grain == "one release of a workspace"
    assert releases.columns[1] == CatalogColumn("release_id", "VARCHAR", "id of the release")
    assert tables["octane.defect"].key == ("_workspace_id", "id")
    assert tables["octane.test_manual__last_runs"].key == (
        "_workspace_id",
        "source_id",
        "target_id",
    )
    assert len(catalog.questions) == sum(
        len(list_questions(kind)) for kind in ("flow", "metric", "plan")
    )
    types = {column.type for entry in catalog.questions for column in entry.columns}
    assert "" not in types


def test_json_has_everything(catalog: Catalog) -> None:
    record = json.loads(catalog_json(catalog))

    assert record["generation"] == 1
    assert record["as_of"] == "2021-01-20T21:00:00Z"
    assert len(record["tables"]) == len(catalog.tables)
    [flaky] = [entry for entry in record["questions"] if entry["name"] == "metric.flaky_tests"]
    [days] = [each for each in flaky["parameters"] if each["name"] == "days"]
    assert days == {
        "name": "days",
        "type": "integer",
        "default": "90",
        "choices": [],
        "meaning": "length of the window",
    }


def test_sources_of_dbt_have_tests_of_keys_and_relations() -> None:
    document = yaml.safe_load(dbt_sources(small("id of the release"), "wh"))

    [source] = document["sources"]
    releases, runs = source["tables"]
    assert document["version"] == 2
    assert (source["name"], source["database"], source["schema"]) == ("octane_er", "wh", "er")
    assert releases["description"] == "id of the release One row is one."
    assert releases["columns"][0]["data_tests"] == ["not_null"]
    assert runs["columns"] == [
        {
            "name": "release_id",
            "data_type": "VARCHAR",
            "description": "id of the release",
            "data_tests": [  # and none of the relation that may lead nowhere
                {
                    "relationships": {
                        "arguments": {
                            "to": "source('octane_er', 'releases')",
                            "field": "release_id",
                        }
                    }
                }
            ],
        }
    ]


def test_dbt_finds_no_template_in_a_text_of_the_server() -> None:
    text = dbt_sources(small("{{ env_var('SECRET') }} {% do x %} {# a #}"), "wh")

    assert not {"{{", "{%", "{#"} & {text[at : at + 2] for at in range(len(text))}
    description = yaml.safe_load(text)["sources"][0]["tables"][0]["columns"][0]["description"]
    assert description == "{ { env_var('SECRET') }} { % do x %} { # a #}"


def test_all_sources_are_named_once(catalog: Catalog) -> None:
    document = yaml.safe_load(dbt_sources(catalog, "warehouse"))
    names = [source["name"] for source in document["sources"]]
    questions = document["sources"][0]["config"]["meta"]["questions"]

    assert names == ["octane_er", "octane", "octane_past"]
    assert len(questions) == len(catalog.questions)
    for source in document["sources"]:
        tables = [table["name"] for table in source["tables"]]
        assert len(tables) == len(set(tables)) > 0


def test_the_semantic_model_has_the_shape_of_the_specification(catalog: Catalog) -> None:
    document = yaml.safe_load(semantic_model(catalog, "warehouse"))

    [model] = document["semantic_model"]
    assert set(document) == {"version", "semantic_model"}
    assert_shape("model", model)
    names = {dataset["name"]: dataset for dataset in model["datasets"]}
    assert len(names) == len(model["datasets"]) > 50
    for dataset in model["datasets"]:
        assert_shape("dataset", dataset)
        columns = [field["name"] for field in dataset["fields"]]
        assert set(dataset.get("primary_key", [])) <= set(columns)
        for field in dataset["fields"]:
            assert_shape("field", field)
            assert field["datatype"] in OSI_TYPES
            [dialect] = field["expression"]["dialects"]
            assert dialect == {"dialect": "ANSI_SQL", "expression": field["name"]}
    [extension] = model["custom_extensions"]
    assert set(extension) == {"vendor_name", "data"}
    assert len(json.loads(extension["data"])["questions"]) == len(catalog.questions)


def test_relationships_lead_from_columns_to_columns() -> None:
    [model] = yaml.safe_load(semantic_model(small("id"), "wh"))["semantic_model"]

    first, _ = model["relationships"]
    assert_shape("relationship", first)
    assert first == {
        "name": "runs_release_id_to_releases",
        "from": "runs",
        "to": "releases",
        "from_columns": ["release_id"],
        "to_columns": ["release_id"],
    }


def assert_shape(kind: str, record: dict[str, Any]) -> None:
    required, optional = OSI[kind]
    assert required <= set(record) <= required | optional


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=3))
def test_yaml_reads_back_what_was_written(record: dict[str, Any]) -> None:
    assert yaml.safe_load(yaml_text(record)) == record


def test_the_command_writes_a_file_or_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": "1", "type": "release", "name": "2.8"}]
    kit.write_lake(tmp_path, {"release": rows})
    models = [model for model in warehouse.load_models() if model.name == "er.releases"]
    warehouse.build(tmp_path, models=models)
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    target = tmp_path / "octane.yml"

    shown = CliRunner().invoke(app, ["catalog"])
    written = CliRunner().invoke(app, ["catalog", "--format", "dbt", "--output", str(target)])
    refused = CliRunner().invoke(app, ["catalog", "--database", "a b"])

    assert "er.releases" in {table["name"] for table in json.loads(shown.stdout)["tables"]}
    assert written.exit_code == 0
    assert yaml.safe_load(target.read_text(encoding="utf-8"))["sources"][0]["name"] == "octane_er"
    assert isinstance(refused.exception, UsageError)
    assert "write a name of letters" in str(refused.exception)
