"""OData's service document and `$metadata` (CSDL 4.0) of one generation.

An `ODataModel` in, JSON objects and XML out; `odata_answers` answers them.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from octane_flows.models.macro_parameters import Parameter
from octane_flows.serve.odata_model import ODataModel, ServedRows, edm_type

NAMESPACE: Final = "octane_flows"
EDMX: Final = "http://docs.oasis-open.org/odata/ns/edmx"
EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"
CORE: Final = "Org.OData.Core.V1"
CORE_ADDRESS: Final = (
    "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml"
)
#: The types of a header's `param` line.
PARAMETER_TYPES: Final = {
    "text": "Edm.String",
    "integer": "Edm.Int64",
    "number": "Edm.Double",
    "boolean": "Edm.Boolean",
    "date": "Edm.Date",
    "timestamp": "Edm.DateTimeOffset",
}


def service_document(model: ODataModel, address: str) -> dict[str, object]:
    """The list of all entity sets and functions, as Excel and Power BI show it."""
    sets = [
        {"name": name, "kind": "EntitySet", "url": name, "title": rows.meaning or name}
        for name, rows in model.tables.items()
    ]
    functions = [
        {"name": name, "kind": "FunctionImport", "url": name, "title": rows.meaning}
        for name, rows in model.functions.items()
    ]
    return {"@odata.context": f"{address}/$metadata", "value": [*functions, *sets]}


def metadata_xml(model: ODataModel) -> bytes:
    """The description of all types, entity sets and functions."""
    ET.register_namespace("edmx", EDMX)
    ET.register_namespace("", EDM)
    root = ET.Element(f"{{{EDMX}}}Edmx", {"Version": "4.0"})
    reference = ET.SubElement(root, f"{{{EDMX}}}Reference", {"Uri": CORE_ADDRESS})
    ET.SubElement(reference, f"{{{EDMX}}}Include", {"Namespace": CORE, "Alias": "Core"})
    services = ET.SubElement(root, f"{{{EDMX}}}DataServices")
    schema = _add(services, "Schema", Namespace=NAMESPACE)
    for rows in model.tables.values():
        _type(schema, "EntityType", rows)
    for rows in model.functions.values():
        _type(schema, "ComplexType", rows)
    for rows in model.functions.values():
        _function(schema, rows, ())
        if rows.question is not None and rows.question.parameters:
            _function(schema, rows, rows.question.parameters)
    container = _add(schema, "EntityContainer", Name="Container")
    for name in model.tables:
        _add(container, "EntitySet", Name=name, EntityType=f"{NAMESPACE}.{name}")
    for name in model.functions:
        _add(
            container,
            "FunctionImport",
            Name=name,
            Function=f"{NAMESPACE}.{name}",
            IncludeInServiceDocument="true",
        )
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _type(schema: ET.Element, tag: str, rows: ServedRows) -> None:
    name = rows.name if tag == "EntityType" else row_type(rows)
    element = _add(schema, tag, Name=name)
    if tag == "EntityType":
        key = _add(element, "Key")
        for column in rows.key:
            _add(key, "PropertyRef", Name=column)
    for column, kind in rows.columns.items():
        facets: dict[str, str] = {}
        if tag == "EntityType" and column in rows.key:
            facets["Nullable"] = "false"
        if kind.startswith("TIMESTAMP"):
            facets["Precision"] = "6"
        if kind.startswith("DECIMAL"):
            facets["Scale"] = "variable"
        own = _add(element, "Property", Name=column, Type=edm_type(kind) or "", **facets)
        _describe(own, rows.meanings.get(column, ""))
    _describe(element, rows.meaning)


def _function(schema: ET.Element, rows: ServedRows, parameters: tuple[Parameter, ...]) -> None:
    function = _add(schema, "Function", Name=rows.name)
    for parameter in parameters:
        own = _add(function, "Parameter", Name=parameter.name, Type=PARAMETER_TYPES[parameter.type])
        _describe(own, parameter.meaning)
        optional = _add(own, "Annotation", Term=f"{CORE}.OptionalParameter")
        record = _add(optional, "Record")
        if parameter.default is not None:
            _add(record, "PropertyValue", Property="DefaultValue", String=parameter.default)
    returned = f"Collection({NAMESPACE}.{row_type(rows)})"
    _add(function, "ReturnType", Type=returned, Nullable="false")
    _describe(function, rows.meaning)


def row_type(rows: ServedRows) -> str:
    """The name of the type of a function's rows."""
    return f"{rows.name}_row"


def _describe(element: ET.Element, text: str) -> None:
    if text:
        _add(element, "Annotation", Term=f"{CORE}.Description", String=_xml_text(text))


def _xml_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return "".join(char for char in text if char >= " " or char in "\t\n")


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{EDM}}}{tag}", attributes)
