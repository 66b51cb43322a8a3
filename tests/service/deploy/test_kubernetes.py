"""The examples for Kubernetes: they fit together, and have what the image and the program need."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.service.deploy.installed import DEPLOY
from triggerbot.cli.config import loads
from triggerbot.daemon.workers import error_file

#: What there is, by file: kinds with their versions.
_KINDS = {
    "kubernetes.yml": {
        "ConfigMap": "v1",
        "Deployment": "apps/v1",
        "Service": "v1",
        "PodDisruptionBudget": "policy/v1",
    },
    "kubernetes-sqlite.yml": {"StatefulSet": "apps/v1"},
}
_FILES = list(_KINDS)


def objects(file: str) -> dict[str, dict[str, Any]]:
    """Read the objects of a file, by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / file).read_text())}


def workload(file: str) -> dict[str, Any]:
    """Read what makes pods."""
    found = objects(file)
    return found.get("Deployment") or found["StatefulSet"]


def pod(file: str) -> dict[str, Any]:
    """Read the specification of its pods."""
    specification: dict[str, Any] = workload(file)["spec"]["template"]["spec"]
    return specification


@pytest.mark.parametrize("file", _FILES)
def test_each_object_is_of_a_version_that_has_its_kind_and_is_named(file: str) -> None:
    """All are of one application."""
    found = objects(file)

    assert {kind: one["apiVersion"] for kind, one in found.items()} == _KINDS[file]
    assert {one["metadata"]["name"] for one in found.values()} == {"triggerbot"}


@pytest.mark.parametrize("file", _FILES)
def test_the_pods_fit_the_image_and_the_program(file: str) -> None:
    """Its user, its volume, its port; the termination log is where the first cause is written."""
    image = (DEPLOY.parent / "Dockerfile").read_text()
    [container] = pod(file)["containers"]

    user = pod(file)["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in image
    assert container["env"] == [{"name": error_file.VARIABLE, "value": "/dev/termination-log"}]
    assert {one["mountPath"] for one in container["volumeMounts"]} >= {*re.findall(r"^VOLUME (\S+)", image, re.M)}
    assert container["ports"][0]["containerPort"] == int(re.findall(r"^EXPOSE (\d+)", image, re.M)[0])


@pytest.mark.parametrize("file", _FILES)
def test_selectors_ports_and_volumes_lead_to_something(file: str) -> None:
    """A name that nothing has is accepted by Kubernetes, and then nothing works."""
    found, made = objects(file), workload(file)
    [container] = pod(file)["containers"]
    ports = {one["name"] for one in container["ports"]}
    volumes = {one["name"] for one in [*pod(file)["volumes"], *[
        claim["metadata"] for claim in made["spec"].get("volumeClaimTemplates", [])
    ]]}  # fmt: skip
    labels = made["spec"]["template"]["metadata"]["labels"].items()

    selectors = [made["spec"]["selector"]["matchLabels"]]
    selectors += [one["labelSelector"]["matchLabels"] for one in pod(file).get("topologySpreadConstraints", [])]
    if "Service" in found:
        selectors += [
            found["Service"]["spec"]["selector"],
            found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        ]
        assert {one["targetPort"] for one in found["Service"]["spec"]["ports"]} <= ports
    assert all(one.items() <= labels for one in selectors)
    probes = [container[name] for name in container if name.endswith("Probe")]
    assert len(probes) >= 2
    assert {(one["httpGet"]["path"], one["httpGet"]["port"]) for one in probes} == {("/__lbheartbeat__", "http")}
    assert ports == {"http"}
    assert {one["name"] for one in container["volumeMounts"]} == volumes


def test_two_replicas_of_which_one_is_always_there() -> None:
    """A machine that is emptied, and a new version, leave one that answers; one daemon with a file is one."""
    found = objects("kubernetes.yml")
    deployment = found["Deployment"]["spec"]

    assert deployment["replicas"] == 2 > found["PodDisruptionBudget"]["spec"]["minAvailable"] >= 1
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert workload("kubernetes-sqlite.yml")["spec"]["replicas"] == 1


def test_its_config_is_right_and_its_secrets_are_made(tmp_path: Path) -> None:
    """The config of the map passes `triggerbot check`, and each secret that it names is in the command at the head."""
    text = (DEPLOY / "kubernetes.yml").read_text()
    config = objects("kubernetes.yml")["ConfigMap"]["data"]["triggerbot.yml"]
    [container] = pod("kubernetes.yml")["containers"]
    [mount] = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "secrets"]
    named = set(re.findall(rf"file:{mount}/(\S+)", config))

    assert named == set(re.findall(r"--from-file=(\S+)", text))
    for name in named:
        (tmp_path / name).write_text(
            "rediss://user:password@redis.example.org:6380/0" if "redis" in name else f"{name:_<32}"
        )
    read = loads(config.replace(mount, str(tmp_path)))
    assert read.dry_run
    assert read.store_address.startswith("rediss://")
    assert read.listen == ("0.0.0.0", 8080)
