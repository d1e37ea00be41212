"""Metadata: records from the server's own words, and findings for what they do not say."""

from __future__ import annotations

from typing import Any

from octane_flows.client.metadata import parse_metadata


def entity(name: str, url: str | None, *features: dict[str, Any], **more: Any) -> dict[str, Any]:
    rest = [{"name": "rest", "url": url, "methods": ["GET", "UPDATE"]}] if url else []
    return {
        "type": "entity_metadata",
        "name": name,
        "label": name.title(),
        "features": [*rest, *features],
        **more,
    }


def field_of(entity_name: str, name: str, field_type: str, **more: Any) -> dict[str, Any]:
    return {"entity_name": entity_name, "name": name, "field_type": field_type, **more}


def test_collections_come_from_the_rest_feature_alone() -> None:
    metadata = parse_metadata(
        [entity("story", "stories"), entity("ghost", None)], [field_of("story", "name", "string")]
    )
    assert metadata.entity_types["story"].collection == "stories"
    assert metadata.entity_types["story"].methods == {"GET", "PUT"}
    assert metadata.entity_types["ghost"].collection is None
    assert metadata.entity_types["ghost"].methods == frozenset()


def test_subtypes_agree_in_both_directions() -> None:
    metadata = parse_metadata(
        [
            entity("work_item", "work_items", {"name": "subtypes", "types": ["defect"]}),
            entity("defect", "defects"),
            entity("story", "stories", {"name": "subtype_of", "type": "work_item"}),
        ],
        [],
    )
    assert metadata.entity_types["work_item"].subtypes == ("defect", "story")
    assert metadata.entity_types["defect"].subtype_of == "work_item"
    assert metadata.entity_types["story"].subtype_of == "work_item"


def test_a_reference_keeps_targets_lists_and_multiplicity() -> None:
    metadata = parse_metadata(
        [entity("defect", "defects"), entity("list_node", "list_nodes")],
        [
            field_of(
                "defect",
                "severity",
                "reference",
                label="Severity",
                field_type_data={
                    "multiple": False,
                    "targets": [{"type": "list_node", "logical_name": "list_node.severity"}],
                },
            ),
            field_of(
                "defect",
                "links",
                "reference",
                field_type_data={
                    "multiple": True,
                    "targets": [{"types": ["defect"]}, {"type": "list_node"}],
                },
            ),
        ],
    )
    fields = metadata.entity_types["defect"].fields
    assert fields["severity"].targets == ("list_node",)
    assert fields["severity"].list_root == "list_node.severity"
    assert not fields["severity"].multiple
    assert fields["links"].targets == ("defect", "list_node")
    assert fields["links"].multiple
    assert fields["links"].selectable


def test_every_entity_has_id_and_type() -> None:
    metadata = parse_metadata([entity("defect", "defects")], [])
    assert set(metadata.entity_types["defect"].fields) == {"id", "type"}


def test_what_is_unknown_or_missing_is_told_once_with_its_place() -> None:
    metadata = parse_metadata(
        [entity("defect", "defects", novelty=1), "nonsense"],
        [
            field_of("defect", "a", "reference", field_type_data=None),
            field_of("defect", "b", "reference", field_type_data={"targets": None}),
            field_of("defect", "c", "reference", field_type_data={"targets": [{"type": "gone"}]}),
            field_of("defect", "d", "hologram", surprise=True),
            field_of("stranger", "name", "string"),
            None,
        ],
    )
    assert sorted(metadata.findings) == [
        "entity metadata without a name: metadata/entities",
        "field metadata without a name: metadata/fields",
        "fields of an entity type that is not listed: stranger.name",
        "reference to the unknown entity type gone: defect.c",
        "reference without targets: defect.a and 1 more",
        "unknown field type hologram: defect.d",
        "unknown key novelty in entity metadata: defect",
        "unknown key surprise in field metadata: defect.d",
    ]
    assert metadata.entity_types["defect"].fields["d"].field_type == "hologram"
