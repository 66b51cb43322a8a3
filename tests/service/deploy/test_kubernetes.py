"""The example for Kubernetes: it has what the image needs, and the variable that the program reads."""

import re

import yaml

from tests.service.deploy.installed import DEPLOY
from triggerbot.daemon.workers import error_file


def test_the_example_fits_the_image_and_the_program() -> None:
    """Its user, its volume, its port; its termination log is where the first cause is written."""
    whole = yaml.safe_load((DEPLOY / "kubernetes.yml").read_text())
    [container] = whole["spec"]["template"]["spec"]["containers"]
    image = (DEPLOY.parent / "Dockerfile").read_text()

    user = whole["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in image
    assert container["env"] == [{"name": error_file.VARIABLE, "value": "/dev/termination-log"}]
    assert {one["mountPath"] for one in container["volumeMounts"]} >= {*re.findall(r"^VOLUME (\S+)", image, re.M)}
    assert container["ports"][0]["containerPort"] == int(re.findall(r"^EXPOSE (\d+)", image, re.M)[0])
    assert whole["spec"]["replicas"] == 1
