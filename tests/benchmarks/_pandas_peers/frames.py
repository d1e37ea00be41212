"""The lake's Parquet files as DataFrames: the columns that a peer needs, and no others.

A lake and wanted columns in, `Frames` out; what the peers share to filter and merge stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow.parquet as pq

from octane_flows.lake import Lake

TESTS = ("test_automated", "test_manual", "gherkin_test", "test_suite")
RUNS = ("run_automated", "run_manual", "gherkin_automated_run", "run_suite")
#: Names that stand for the tables of all kinds, one below the other.
GROUPS = {
    "test": TESTS,
    "run": RUNS,
    "work_item": ("story", "defect", "quality_story", "feature", "epic", "work_item_root"),
    "suite_link": tuple(
        f"test_suite_link_to_{kind}" for kind in ("manual", "gherkin", "automated")
    ),
    "run__taxonomies": tuple(f"{kind}__taxonomies" for kind in RUNS[:3]),
    **{
        f"test__{field}": tuple(f"{kind}__{field}" for kind in TESTS)
        for field in ("last_runs", "product_areas", "user_tags", "covered_content")
    },
}
LINK = ("source_id", "target_id")
NAMED = ("id", "name")
CODED = ("id", "logical_name")


@dataclass(frozen=True)
class Frames:
    """DataFrames by table or group, and when and as whom they were extracted."""

    tables: Mapping[str, pd.DataFrame]
    as_of: pd.Timestamp
    user_name: str

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def coded(self, table: str, *codes: str) -> pd.Series[str]:
        """Ids of list items or phases with these logical names."""
        frame = self[table]
        return frame.loc[frame["logical_name"].isin(codes), "id"]

    def named(self, table: str, name: str) -> pd.Series[str]:
        """Ids of what has this name."""
        frame = self[table]
        return frame.loc[frame["name"].str.lower() == name.lower(), "id"]

    def me(self) -> pd.Series[str]:
        """The id of who signed in."""
        return self.named("workspace_user", self.user_name)


@dataclass(frozen=True)
class Peer:
    """One flow as merges: the columns it needs of each table, and its answer.

    The answer has columns of the flow by their names: its key, and what it counts.
    """

    needs: Mapping[str, Sequence[str]]
    answer: Callable[[Frames], pd.DataFrame]


def read_frames(lake: Lake, needs: Mapping[str, Sequence[str]]) -> Frames:
    """Read what a peer needs."""
    manifest = lake.current()
    assert manifest is not None
    tables = {name: _read(lake, name, list(columns)) for name, columns in needs.items()}
    as_of = pd.Timestamp(manifest.as_of.replace(tzinfo=None))
    return Frames(tables, as_of, manifest.signed_in_user_name or "")


def _read(lake: Lake, name: str, columns: list[str]) -> pd.DataFrame:
    manifest = lake.current()
    assert manifest is not None
    frames = []
    for table in GROUPS.get(name, (name,)):
        for file in manifest.tables[table].files if table in manifest.tables else ():
            path = lake.resolve(file)
            file_columns = set(pq.read_schema(path).names)
            frames.append(
                pd.read_parquet(
                    path, columns=[column for column in columns if column in file_columns]
                )
            )
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return frame.reindex(columns=columns)


def joined(frame: pd.DataFrame, by: str, text: str) -> pd.Series[str]:
    """The texts of each group, in order, with commas between them."""
    return frame.sort_values(text).groupby(by)[text].agg(", ".join)


def environment_names(frames: Frames, links: pd.DataFrame) -> pd.DataFrame:
    """The tags that `links` name: `source_id`, and the tag behind its category."""
    tags = frames["taxonomy_item_node"].merge(
        frames["taxonomy_category_node"],
        left_on="category_id",
        right_on="id",
        suffixes=("", "_of_category"),
    )
    tags["environment_name"] = tags["name_of_category"] + ": " + tags["name"]
    return links.merge(tags[["id", "environment_name"]], left_on="target_id", right_on="id")


ENVIRONMENT_NEEDS = {
    "taxonomy_item_node": ("id", "name", "category_id"),
    "taxonomy_category_node": NAMED,
}
