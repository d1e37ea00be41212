"""OData over HTTP: what Excel, Power BI and Tableau send is answered from the warehouse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pytest

from octane_flows import warehouse
from octane_flows.serve.odata_metadata import EDM, EDMX
from tests.served import DEFECTS, refusal, serving

EDM_NAME = re.compile(r"[A-Za-z_]\w{0,127}")
#: What Power Query, in Excel and Power BI, sends with each request.
POWER_QUERY = {
    "accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata"
    ";q=0.9,application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,"
    "text/plain;q=0.7",
    "odata-maxversion": "4.0",
    "user-agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
}


@pytest.fixture(scope="module")
def client(served_home: Path) -> Iterator[httpx.Client]:
    with serving(served_home) as opened:
        opened.headers.update(POWER_QUERY)
        yield opened


@pytest.fixture(scope="module")
def tables(served_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(served_home) as connection:
        yield connection


def rows(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    answer = client.get(f"/odata/{address}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["odata-version"] == "4.0"
    value = answer.json()["value"]
    assert isinstance(value, list)
    return value


def test_the_service_document_lists_tables_and_questions(client: httpx.Client) -> None:
    answer = client.get("/odata/").json()

    entries = {(entry["name"], entry["kind"]) for entry in answer["value"]}
    assert answer["@odata.context"] == f"{client.base_url}/odata/$metadata".replace(
        "//odata", "/odata"
    )
    assert {
        ("er_defects", "EntitySet"),
        ("meta_models", "EntitySet"),
        ("past_changes", "EntitySet"),
        ("flow_open_high_severity_defects", "FunctionImport"),
        ("metric_defect_closing_times", "FunctionImport"),
    } <= entries
    for entry in answer["value"]:
        assert client.get(f"/odata/{entry['url']}?$top=1").status_code == 200, entry


def test_the_metadata_are_whole(client: httpx.Client) -> None:
    """Each name is a name of CSDL, is there once, and what is referred to is there."""
    answer = client.get("/odata/$metadata", headers={"accept": "application/xml"})
    root = ET.fromstring(answer.content)

    def every(tag: str, parent: ET.Element) -> list[ET.Element]:
        return parent.findall(f"{{{EDM}}}{tag}")

    assert root.tag == f"{{{EDMX}}}Edmx"
    assert root.get("Version") == "4.0"
    (schema,) = root.iter(f"{{{EDM}}}Schema")
    order = [element.tag.partition("}")[2] for element in schema]
    assert set(order) == {"EntityType", "ComplexType", "Function", "EntityContainer"}
    types = {
        each.get("Name"): each
        for tag in ("EntityType", "ComplexType")
        for each in every(tag, schema)
    }
    (container,) = every("EntityContainer", schema)
    for names in ([*types], [each.get("Name") for each in container]):
        assert len(set(names)) == len(names)
        for name in names:
            assert EDM_NAME.fullmatch(str(name))
    for each in types.values():
        properties = {own.get("Name"): own for own in every("Property", each)}
        assert len(properties) == len(every("Property", each)) > 0
        for own in properties.values():
            assert re.fullmatch(r"Edm\.\w+|Collection\(Edm\.\w+\)", str(own.get("Type")))
    for each in every("EntityType", schema):
        properties = {own.get("Name"): own for own in every("Property", each)}
        key = [own.get("Name") for own in each.findall(f"{{{EDM}}}Key/{{{EDM}}}PropertyRef")]
        assert key
        assert all(properties[column].get("Nullable") == "false" for column in key)
    for each in every("EntitySet", container):
        assert str(each.get("EntityType")).removeprefix("octane_flows.") in types
    functions = {each.get("Name") for each in every("Function", schema)}
    for each in every("FunctionImport", container):
        assert str(each.get("Function")).removeprefix("octane_flows.") in functions
    signatures = [
        (each.get("Name"), *(own.get("Name") for own in every("Parameter", each)))
        for each in every("Function", schema)
    ]
    assert len(set(signatures)) == len(signatures)
    for each in every("Function", schema):
        (returned,) = every("ReturnType", each)
        row = re.fullmatch(r"Collection\(octane_flows\.(\w+)\)", str(returned.get("Type")))
        assert row is not None
        assert row[1] in types
        for own in every("Parameter", each):
            assert str(own.get("Type")).startswith("Edm.")


#: What the schema of CSDL 4.0 allows of what stands in the metadata: element -> attributes that it
#: needs, attributes that it may have, and its children in their order (those in braces in any).
ANNOTATION = "{Annotation}"
FACETS = {"Nullable", "MaxLength", "Precision", "Scale", "Unicode", "SRID"}
CSDL: dict[str, tuple[set[str], set[str], list[str]]] = {
    "Edmx": ({"Version"}, set(), ["Reference", "DataServices"]),
    "Reference": ({"Uri"}, set(), ["{Include IncludeAnnotations Annotation}"]),
    "Include": ({"Namespace"}, {"Alias"}, [ANNOTATION]),
    "DataServices": (set(), set(), ["Schema"]),
    "Schema": (
        {"Namespace"},
        {"Alias"},
        ["{EntityType ComplexType Function EntityContainer Annotations Annotation}"],
    ),
    "EntityType": (
        {"Name"},
        {"BaseType", "Abstract", "OpenType"},
        ["Key", "{Property Annotation}"],
    ),
    "ComplexType": ({"Name"}, {"BaseType", "Abstract", "OpenType"}, ["{Property Annotation}"]),
    "Key": (set(), set(), ["PropertyRef"]),
    "PropertyRef": ({"Name"}, {"Alias"}, []),
    "Property": ({"Name", "Type"}, FACETS | {"DefaultValue"}, [ANNOTATION]),
    "Function": (
        {"Name"},
        {"IsBound", "IsComposable", "EntitySetPath"},
        ["{Parameter Annotation}", "ReturnType", ANNOTATION],
    ),
    "Parameter": ({"Name", "Type"}, FACETS, [ANNOTATION]),
    "ReturnType": ({"Type"}, FACETS, []),
    "EntityContainer": ({"Name"}, {"Extends"}, ["{EntitySet FunctionImport Annotation}"]),
    "EntitySet": ({"Name", "EntityType"}, {"IncludeInServiceDocument"}, [ANNOTATION]),
    "FunctionImport": (
        {"Name", "Function"},
        {"EntitySet", "IncludeInServiceDocument"},
        [ANNOTATION],
    ),
    "Annotations": ({"Target"}, {"Qualifier"}, [ANNOTATION]),
    "Annotation": (
        {"Term"},
        {"Qualifier", "String", "Bool", "Int", "EnumMember"},
        ["{Record Collection}"],
    ),
    "Record": (set(), {"Type"}, ["{PropertyValue Annotation}"]),
    "PropertyValue": (
        {"Property"},
        {"String", "Bool", "Int", "EnumMember"},
        ["{Record Collection}"],
    ),
    "Collection": (set(), set(), ["{Record String PropertyPath}"]),
    "String": (set(), set(), []),
    "PropertyPath": (set(), set(), []),
}


def test_the_metadata_have_the_form_of_csdl(client: httpx.Client) -> None:
    """Each element stands where CSDL 4.0 has it, with attributes that it has there."""
    seen: set[str] = set()

    def check(element: ET.Element) -> None:
        space, _, name = element.tag[1:].partition("}")
        assert space == (EDMX if name in ("Edmx", "DataServices", "Reference", "Include") else EDM)
        needed, possible, order = CSDL[name]
        seen.add(name)
        assert needed <= element.attrib.keys() <= needed | possible, (name, element.attrib)
        for attribute in ("Nullable", "IsComposable", "IncludeInServiceDocument"):
            assert element.get(attribute, "true") in ("true", "false")
        place = 0
        for child in element:
            while (
                place < len(order)
                and child.tag.partition("}")[2] not in order[place].strip("{}").split()
            ):
                place += 1
            assert place < len(order), f"{child.tag} in {name}"
            check(child)

    check(ET.fromstring(client.get("/odata/$metadata").content))

    assert {"EntityType", "Property", "Function", "EntitySet", "FunctionImport"} <= seen


def test_rows_are_in_the_types_of_the_metadata(client: httpx.Client) -> None:
    root = ET.fromstring(client.get("/odata/$metadata").content)
    defects = next(
        each for each in root.iter(f"{{{EDM}}}EntityType") if each.get("Name") == "er_defects"
    )
    kinds = {own.get("Name"): own.get("Type") for own in defects.findall(f"{{{EDM}}}Property")}
    python: dict[str, type | tuple[type, ...]] = {
        "Edm.String": str,
        "Edm.Int64": int,
        "Edm.Boolean": bool,
        "Edm.Double": (int, float),
    }

    for row in rows(client, "er_defects"):
        assert set(row) == set(kinds)
        for name, value in row.items():
            kind = str(kinds[name])
            if kind == "Edm.DateTimeOffset" and value is not None:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value)
            elif kind.startswith("Collection"):
                assert isinstance(value, list)
            elif value is not None:
                assert isinstance(value, python[kind])


#: Addresses as the products' documents show them, each with the SQL of the same rows.
REPLAYED = [
    # the preview of Power Query's editor
    ("er_defects?$top=1000", "select defect_id from er.defects order by defect_id"),
    # chosen columns, filtered and sorted rows
    (
        "er_defects?$filter=severity_code eq 'list_node.severity.high' and created_at ge "
        "2021-01-05T00:00:00Z&$orderby=created_at desc,defect_id&$select=defect_id",
        "select defect_id from er.defects where severity_code = 'list_node.severity.high' "
        "and created_at >= timestamp '2021-01-05' order by created_at desc, defect_id",
    ),
    # "contains" and "begins with" of a filter on a text column
    (
        "er_defects?$filter=contains(defect_name,'rash') or "
        "startswith(tolower(defect_name),'it''s')&$select=defect_id",
        "select defect_id from er.defects where defect_name like '%rash%' "
        "or lower(defect_name) like 'it''s%' order by defect_id",
    ),
    # empty cells
    (
        "er_defects?$filter=release_id ne null and not (owner_user_id eq null)&$select=defect_id",
        "select defect_id from er.defects where release_id is not null "
        "and owner_user_id is not null order by defect_id",
    ),
    # "is not" keeps rows without a value
    (
        "er_defects?$filter=release_id ne '5'&$select=defect_id",
        "select defect_id from er.defects where release_id is distinct from '5' order by defect_id",
    ),
    # "keep range of rows"
    (
        "er_defects?$orderby=created_at,defect_id&$skip=10&$top=5&$select=defect_id",
        "select defect_id from er.defects order by created_at, defect_id limit 5 offset 10",
    ),
    # dates by their parts, as of a filter "in month"
    (
        "er_defects?$filter=year(created_at) eq 2021 and day(created_at) lt 4&$select=defect_id",
        "select defect_id from er.defects where year(created_at) = 2021 and day(created_at) < 4 "
        "order by defect_id",
    ),
    # "group by" with a count and the newest
    (
        "er_defects?$apply=groupby((severity_code),aggregate($count as Count,created_at with max "
        "as newest))&$orderby=severity_code",
        "select severity_code, count(*), max(created_at) from er.defects group by all "
        "order by severity_code nulls first",
    ),
    # a filter before, and one behind it
    (
        "er_defects?$apply=filter(release_id ne null)/groupby((release_id,severity_code),aggregate("
        "$count as defects,owner_user_id with countdistinct as owners))&$filter=defects gt 3",
        "select * from (select release_id, severity_code, count(*) as defects, "
        "count(distinct owner_user_id) from er.defects where release_id is not null group by all) "
        "where defects > 3 order by release_id, severity_code nulls first",
    ),
    # "remove duplicates"
    (
        "er_defects?$apply=groupby((severity_code))",
        "select distinct severity_code from er.defects order by severity_code nulls first",
    ),
    # sums over what a group by gave, and numbers of a question
    (
        "er_defects?$apply=groupby((release_id),aggregate($count as defects))/aggregate("
        "defects with sum as total,defects with average as mean,defects with min as least)",
        "select cast(sum(n) as bigint), avg(n), min(n) from "
        "(select count(*) as n from er.defects group by release_id)",
    ),
    # a question with its parameters, by name, as text
    (
        "flow_open_high_severity_defects(severity_codes='list_node.severity.low',as_of=null)"
        "?$select=defect_id",
        "select defect_id from flow.open_high_severity_defects("
        "severity_codes := 'list_node.severity.low')",
    ),
    (
        "flow_open_high_severity_defects(severity_codes=@s,as_of=@t)?@s='Low'&@t=2022-01-01T00:00:00Z"
        "&$select=defect_id,age_days&$filter=age_days gt 350&$orderby=age_days",
        "select defect_id, age_days from flow.open_high_severity_defects(severity_codes := "
        "'list_node.severity.low', as_of := timestamp '2022-01-01') where age_days > 350 "
        "order by age_days, workspace_id, defect_id",
    ),
    (
        "flow_open_high_severity_defects?$select=defect_id",
        "select defect_id from flow.open_high_severity_defects()",
    ),
    (
        "flow_open_high_severity_defects()?$select=defect_id",
        "select defect_id from flow.open_high_severity_defects()",
    ),
]


@pytest.mark.parametrize(("address", "sql"), REPLAYED)
def test_requests_of_excel_and_power_bi_have_the_rows_of_the_same_sql(
    address: str, sql: str, client: httpx.Client, tables: duckdb.DuckDBPyConnection
) -> None:
    path, question, options = address.partition("?")
    escaped = quote(path, safe="(),='@") + question + quote(options, safe="$&=(),'@/:")
    expected = tables.execute(sql).fetchall()
    assert expected

    answered = rows(client, escaped)

    assert len(answered) == len(expected)
    width = len(expected[0])
    assert [[as_sql(value) for value in row.values()][:width] for row in answered if width > 1] == [
        list(row) for row in expected if width > 1
    ]
    if width == 1 and "groupby" not in address:
        assert [row["defect_id"] for row in answered] == [value for (value,) in expected]


def as_sql(value: Any) -> Any:
    """A value of JSON as DuckDB gives it."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return value


def test_counts(client: httpx.Client) -> None:
    answer = client.get("/odata/er_defects?$count=true&$top=0").json()
    assert (answer["@odata.count"], answer["value"]) == (DEFECTS, [])

    count = client.get("/odata/er_defects/$count?$filter=release_id%20eq%20null")
    assert count.headers["content-type"].startswith("text/plain")
    assert int(count.text) == DEFECTS // 4
    assert client.get("/odata/flow_open_high_severity_defects()/$count").text.isdigit()


def test_one_row_by_its_key(client: httpx.Client) -> None:
    row = client.get("/odata/er_defects(workspace_id='1002',defect_id='1001')").json()

    assert row["defect_id"] == "1001"
    assert row["@odata.context"].endswith("$metadata#er_defects/$entity")
    assert client.get("/odata/meta_models(1)").json()["row_number"] == 1
    missing = client.get("/odata/er_defects(workspace_id='1002',defect_id='0')")
    assert "no row with this key" in refusal(missing, 404)
    half = client.get("/odata/er_defects(defect_id='1001')")
    assert "named by workspace_id, defect_id" in refusal(half, 400)


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("er_defect", 404, "no er_defect in OData"),
        ("er_defects(", 404, "brackets"),
        ("octane_defect", 404, "no octane_defect in OData"),
        ("er_defects?$filter=severity eq 'x'", 400, "did you mean 'severity_"),
        ("er_defects?$filter=severity_code eq 5", 400, "compares text with integer"),
        ("er_defects?$filter=severity_code", 400, "is text and no condition"),
        ("er_defects?$filter=contains(severity_code)", 400, "calls contains with 1 values"),
        ("er_defects?$filter=contain(severity_code,'x')", 400, "did you mean 'contains'"),
        ("er_defects?$filter=severity_code eq 'x", 400, "(character 18)"),
        ("er_defects?$filter=created_at gt 2021-13-01T00:00:00Z", 400, "out of range"),
        ("er_defects?$filter=1 div 0 eq 1; drop table er.defects", 400, "cannot be read at ';"),
        (
            "er_defects?$orderby=length(defect_name) mul 9223372036854775807",
            400,
            "could not be run (Out of Range Error",
        ),
        ("er_defects?$orderby=nothing", 400, "names the column nothing"),
        ("er_defects?$orderby=defect_id down", 400, "cannot be read at 'down'"),
        ("er_defects?$select=defect_id,nothing", 400, "names the column nothing"),
        ("er_defects?$top=-1", 400, "write a whole number from zero on"),
        ("er_defects?$skip=99999999999999999999999", 400, "write a whole number"),
        ("er_defects?$count=yes", 400, "write true or false"),
        ("er_defects?$expand=releases", 501, "does not know $expand"),
        ("er_defects?$fliter=x", 400, "does not know $fliter"),
        ("er_defects?$format=xml", 406, "$format=json alone"),
        ("er_defects?$apply=groupby(severity_code)", 400, "'(' is expected"),
        ("er_defects?$apply=groupby((nothing))", 400, "names the column nothing"),
        ("er_defects?$apply=aggregate(defect_name with sum as s)", 400, "name a number"),
        ("er_defects?$apply=aggregate(defect_name with median as s)", 400, "use one of sum, min"),
        ("er_defects?$apply=topcount(1,defect_id)", 501, "use filter, groupby and aggregate"),
        ("er_defects?$skiptoken=1", 400, "read page one again"),
        ("er_defects?$filter=true&$filter=false", 400, "given twice"),
        ("flow_open_high_severity_defects(hours=24)", 400, "has no parameter 'hours'"),
        ("flow_open_high_severity_defects(as_of='x')", 400, "write a date and time"),
        ("flow_open_high_severity_defects(as_of=@p)", 400, "no value is given for it"),
        ("flow_open_high_severity_defects(as_of=1,as_of=2)", 400, "twice"),
    ],
)
def test_a_wrong_request_says_what_to_write(
    address: str, status: int, sentence: str, client: httpx.Client
) -> None:
    path, question, options = address.partition("?")
    answer = client.get(f"/odata/{path}{question}{quote(options, safe='$&=')}")

    assert sentence in refusal(answer, status)
