"""`OctaneComponent` takes its YAML into the settings that everything else reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dagster", reason="needs the extra dagster")

#: Loads a component as `dg` does, in a process of its own, because its settings are variables.
LOADED = """
import json, os, sys
from pathlib import Path
import dagster as dg
from dagster.components.testing import create_defs_folder_sandbox
from dagster_octane import OctaneComponent

attributes = json.loads(sys.argv[1])
with create_defs_folder_sandbox() as sandbox:
    path = sandbox.scaffold_component(OctaneComponent, defs_yaml_contents={
        "type": "dagster_octane.OctaneComponent", "attributes": attributes})
    with sandbox.load_component_and_build_defs(path) as (component, definitions):
        graph = definitions.resolve_asset_graph()
        repository = definitions.get_repository_def()
        lake = graph.get(dg.AssetKey(["lake", "workspaces"])).metadata
        print(json.dumps({
            "assets": len(graph.get_all_asset_keys()),
            "without_server": [
                each.key.to_user_string() for each in graph.asset_nodes
                if not {"server", "space", "data_folder"} <= each.metadata.keys()],
            "on": {each.name: each.cron_schedule for each in repository.schedule_defs
                   if each.default_status.value == "RUNNING"},
            "jobs": sorted(job.name for job in repository.get_all_jobs()),
            "server": lake["server"].value,
            "space": lake["space"].value if "space" in lake else None,
            "variables": {n: v for n, v in os.environ.items() if n.startswith("OCTANE_")},
        }))
"""
CREDENTIALS = {"OCTANE_CLIENT_ID": "id", "OCTANE_CLIENT_SECRET": "s3cret"}
SERVER = {"url": "https://octane.example.com", "shared_space": 1001, "workspaces": [1002, 1003]}


def load(attributes: object, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(attributes)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_yaml_chooses_settings_schedules_and_entity_types() -> None:
    done = load(
        {
            "settings": SERVER,
            "schedules": {"hourly": "15 * * * *", "hourly_by_workspace": "5 * * * *"},
            "skip_entity_types": ["ci_build", "email_template"],
            "history_entity_types": [],
        },
        {**CREDENTIALS, "OCTANE_SHARED_SPACE": "2001"},
    )

    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["assets"] > 100
    assert loaded["without_server"] == []
    assert loaded["on"] == {"hourly": "15 * * * *", "hourly_by_workspace": "5 * * * *"}
    assert loaded["jobs"][-1].startswith("write_back_")
    assert loaded["server"] == "https://octane.example.com"
    assert loaded["space"] == "2001, workspaces 1002, 1003"  # a variable wins
    assert loaded["variables"]["OCTANE_SKIP"] == "ci_build,email_template"
    assert loaded["variables"]["OCTANE_HISTORY"] == "none"


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"settings": {"ulr": "x"}}, "has the setting ulr, which does not exist (the nearest"),
        ({"settings": {"client_secret": "x"}}, "a secret; set OCTANE_CLIENT_SECRET"),
        ({"schedules": {"hurly": "0 * * * *"}}, "has a schedule hurly, which does not exist"),
        ({"settings_file": "none.toml"}, "names the settings file"),
    ],
    ids=["setting", "secret", "schedule", "file"],
)
def test_a_wrong_attribute_is_named(attributes: object, sentence: str, tmp_path: Path) -> None:
    done = load(attributes, {})

    assert done.returncode == 1
    assert sentence in done.stderr
