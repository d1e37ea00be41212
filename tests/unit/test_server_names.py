"""Names that the server chooses: none becomes a path, a query or a table that it must not."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octane_flows.client.metadata import Field, entity_names, parse_metadata
from octane_flows.extract.cursor import new_field_query
from octane_flows.extract.extract_plan import make_plan
from octane_flows.lake import Draft, Lake
from octane_flows.lake.file_names import file_name

ODD_NAMES = [
    "../../x", "/etc/passwd", "a/b", "a\\b", "", ".", "..", "a b", "x*", "a\0b", "größe", "con",
    "Aux", "a'b", 'a"b', "\ud83d", "x" * 300, "defect;drop", "*", "-", "~", "C:evil",
]  # fmt: skip


@given(st.lists(st.text(st.characters(), max_size=300), unique=True, max_size=4))
def test_file_names_are_safe_and_differ(names: list[str]) -> None:
    encoded = [file_name(name) for name in [*names, *ODD_NAMES, "con", "c-6fn", "-63-6f-6e"]]
    for name in encoded:
        assert name
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert len(name) <= 130
    all_names = {*names, *ODD_NAMES, "con", "c-6fn", "-63-6f-6e"}
    assert len({file_name(name) for name in all_names}) == len(all_names)


def test_ordinary_names_stay_as_they_are() -> None:
    assert file_name("run_automated__product_areas") == "run_automated__product_areas"
    assert file_name("1002") == "1002"


@pytest.mark.parametrize("name", ODD_NAMES, ids=[ascii(name[:20]) for name in ODD_NAMES])
def test_no_name_leads_out_of_the_lake(tmp_path: Path, name: str) -> None:
    home = tmp_path / "deep" / "home"
    draft = Draft(Lake(home / "lake"))
    table = pa.table({"id": ["1"]})

    writer = draft.writer(name, table.schema, workspace=name)
    writer.write(table)
    entry = writer.close()

    assert entry is not None
    assert len(PurePosixPath(entry.path).parts) == 4
    assert (home / "lake" / entry.path).is_file()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [home / "lake" / entry.path]


def entity(name: str, url: str = "/api/x/defects") -> dict[str, object]:
    return {
        "name": name,
        "label": name,
        "features": [{"name": "rest", "url": url, "methods": ["GET"]}],
    }


def field(name: str, owner: str = "defect", kind: str = "string") -> dict[str, object]:
    return {
        "name": name,
        "entity_name": owner,
        "field_type": kind,
        "label": name,
        "filterable": True,
    }


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name not in ("con", "Aux")])
def test_an_entity_type_with_an_odd_name_is_left_out_and_told(name: str) -> None:
    entities = [entity("defect"), entity(name)]

    metadata = parse_metadata(entities, [field("name")])

    assert set(metadata.entity_types) == {"defect"}
    assert entity_names(entities) == ["defect"]
    (finding,) = [text for text in metadata.findings if "cannot be a table" in text]
    assert finding.isprintable()
    assert len(finding) < 200


@pytest.mark.parametrize(
    "url", ["/api/..", "/api/a b", "/api/ü", "/api/x?y=1", "/api/" + "x" * 300]
)
def test_a_collection_with_an_odd_name_is_not_requested(url: str) -> None:
    metadata = parse_metadata([entity("defect", url)], [])
    assert metadata.entity_types["defect"].collection is None
    assert any("collection whose name" in text for text in metadata.findings)


@pytest.mark.parametrize("name", ["a,b", "", "a\nb", "a\0b", "\ud83d", "x" * 300])
def test_a_field_that_cannot_be_requested_is_left_out_and_told(name: str) -> None:
    metadata = parse_metadata([entity("defect")], [field("name"), field(name)])
    assert set(metadata.entity_types["defect"].fields) == {"id", "type", "name"}
    assert any("field whose name cannot be requested" in text for text in metadata.findings)


def test_a_new_field_whose_name_no_query_can_hold_is_read_with_all_rows() -> None:
    metadata = parse_metadata([entity("defect")], [field("größe_udf")])
    (plan,) = make_plan({"1002": metadata}).entities
    assert plan.fields == ["größe_udf"]
    assert new_field_query(plan.scalars) is None
    assert new_field_query([Field("size_udf", "Size", "string", filterable=True)]) is not None


def test_so_many_new_fields_that_no_query_can_name_them_are_read_with_all_rows() -> None:
    many = [Field(f"some_field_{n}_udf", "", "string", filterable=True) for n in range(1000)]
    assert new_field_query(many[:20]) is not None
    assert new_field_query(many) is None


def test_labels_can_be_stored_and_shown() -> None:
    odd = {**field("name"), "label": "half \ud83d and\0zero", "max_length": 10**400}
    metadata = parse_metadata([entity("defect")], [odd])
    read = metadata.entity_types["defect"].fields["name"]
    assert read.label == "half \ufffd and zero"
    assert read.max_length is None
