"""Kubernetes without a cluster: manifests and a run's job hold to its schemas, names agree."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dagster_k8s", reason="needs the extra distributed")

import dagster as dg
import kubernetes_validate
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster_k8s import K8sRunLauncher
from kubernetes.client import ApiClient

from octane_flows.config import load_settings

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "deploy" / "kubernetes"
VERSIONS = ("1.30", "1.37")
Object = dict[str, Any]


def loaded(name: str) -> list[Object]:
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def pairs(name: str) -> dict[str, str]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


KUSTOMIZATION = loaded("kustomization.yaml")[0]
MANIFESTS = [manifest for name in KUSTOMIZATION["resources"] for manifest in loaded(name)]
INSTANCE = loaded("dagster.yaml")[0]
SETTINGS, SECRETS = pairs("settings.env"), pairs("secrets.env.example")


def names(kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in MANIFESTS if manifest["kind"] == kind}


def named(manifest: Object) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_a_manifest_is_valid(manifest: Object, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    [claim] = loaded("data.yaml")
    claim["spec"]["accessMode"] = claim["spec"].pop("accessModes")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(claim, VERSIONS[0], strict=True)


def test_every_file_is_part_of_the_whole() -> None:
    others = {"kustomization.yaml", "dagster.yaml"}

    assert {path.name for path in FOLDER.glob("*.yaml")} - others == set(KUSTOMIZATION["resources"])
    [instance, settings] = KUSTOMIZATION["configMapGenerator"]
    assert instance == {"name": "dagster-instance", "files": ["dagster.yaml"]}
    assert settings == {"name": "octane-settings", "envs": ["settings.env"]}


class Cluster:
    """Records the jobs that the launcher creates."""

    def __init__(self) -> None:
        self.jobs: list[Object] = []

    def create_namespaced_job(self, body: Any, namespace: str, **_: Any) -> None:
        self.jobs.append({"namespace": namespace, **ApiClient().sanitize_for_serialization(body)})


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Object:
    """The Kubernetes job that Dagster's launcher makes of a run, with `dagster.yaml` as it is."""
    home, history = (tmp_path_factory.mktemp(name) for name in ("home", "history"))
    shutil.copy(FOLDER / "dagster.yaml", home)
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.local_temp(str(history)) as ours:
        patch.setattr("dagster_k8s.launcher.load_kubernetes_config", lambda **_: None)
        for name, value in {**SETTINGS, **dict.fromkeys(SECRETS, "canary")}.items():
            patch.setenv(name, value)
        instance, cluster = InstanceRef.from_dir(str(home)), Cluster()
        launcher = instance.run_launcher
        assert isinstance(launcher, K8sRunLauncher)
        patch.setattr(ours, "get_ref", lambda: instance)
        launcher._api_client.batch_api = cluster
        launcher.register_instance(ours)
        code = ModuleCodePointer("dagster_octane.definitions", "definitions", "/opt/octane-flows")
        repository = RepositoryPythonOrigin("python", code, None, ["dagster"], None)
        origin = JobPythonOrigin("extract_workspace", repository)
        run = dg.DagsterRun("extract_workspace", job_code_origin=origin)
        ours.add_run(run)
        launcher.launch_run(LaunchRunContext(run, None))
    [made] = cluster.jobs
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_is_a_valid_job_of_one_pod(job: Object, version: str) -> None:
    made = dict(job)
    assert made.pop("namespace") == KUSTOMIZATION["namespace"]
    kubernetes_validate.validate(made, version, strict=True)

    assert job["spec"]["backoffLimit"] == 0
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert container["image"] == SETTINGS["RUN_IMAGE"]
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"]
    secrets = [
        source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source
    ]
    assert secrets == ["octane-secrets"]
    assert "canary" not in str(job)  # the job names its secrets and does not contain them


def test_what_pods_refer_to_is_there(job: Object) -> None:
    deployed = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
    for pod in [manifest["spec"]["template"]["spec"] for manifest in (*deployed, job)]:
        [container] = pod["containers"]
        sources, volumes = container["envFrom"], pod["volumes"]
        maps = {source["configMapRef"]["name"] for source in sources if "configMapRef" in source}
        maps |= {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
        claims = [
            volume["persistentVolumeClaim"] for volume in volumes if "configMap" not in volume
        ]

        assert pod["serviceAccountName"] in names("ServiceAccount")
        assert pod["enableServiceLinks"] is False
        assert {claim["claimName"] for claim in claims} <= names("PersistentVolumeClaim")
        assert maps <= {generator["name"] for generator in KUSTOMIZATION["configMapGenerator"]}
        assert "octane-settings" in maps
        assert {"secretRef": {"name": "octane-secrets"}} in sources
    assert names("Namespace") == {KUSTOMIZATION["namespace"], job["namespace"]}


def test_all_pods_have_the_same_image() -> None:
    [image] = KUSTOMIZATION["images"]
    deployed = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
    images = {
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] for manifest in deployed
    }

    assert images == {image["name"]}
    assert SETTINGS["RUN_IMAGE"] == f"{image['newName']}:{image['newTag']}"


def test_the_settings_are_settings() -> None:
    given = {"OCTANE_CLIENT_ID": "reader", "OCTANE_CLIENT_SECRET": "canary"}
    given |= {"OCTANE_LAKE_KEY_ID": "key", "OCTANE_LAKE_SECRET": "canary"}
    settings = load_settings({**SECRETS, **SETTINGS, **given})

    assert set(given) < set(SECRETS)
    assert settings.budget is not None
    assert settings.lake is not None


def test_workers_and_pods_differ_in_their_launcher_alone() -> None:
    [celery] = yaml.safe_load_all((PROJECT / "deploy/celery/dagster.yaml").read_text("utf-8"))
    for instance in (celery, INSTANCE):
        del instance["run_launcher"], instance["concurrency"]["runs"]["max_concurrent_runs"]

    assert celery == INSTANCE


def test_the_image_is_made_of_what_is_there() -> None:
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    copied = [part for line in lines if line.startswith("COPY") for part in line.split()[1:-1]]
    [extras] = re.findall(r"'\.\[([\w,]+)\]'", "\n".join(lines))
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]

    assert all((PROJECT / path).exists() for path in copied)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert "USER 1000" in lines
