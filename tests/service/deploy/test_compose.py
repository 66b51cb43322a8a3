"""deploy/compose.yml and what it mounts: valid, safe, and consistent."""

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.service.deploy.installed import DEPLOY, missing
from triggerbot.cli.config import load

COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DAEMONS = ["replica", "triggerbot"]


def of_profile(profile: str) -> set[str]:
    """List the services of a profile; those without one always start."""
    return {name for name, service in SERVICES.items() if profile in service.get("profiles", [profile])}


def test_it_is_of_the_form_that_compose_has() -> None:
    """It fits the specification's own JSON Schema, which check-jsonschema brings along."""
    try:
        place = importlib.resources.files("check_jsonschema")
    except ModuleNotFoundError:
        missing("check-jsonschema")
    schema = json.loads((place / "builtin_schemas/vendor/compose-spec.json").read_text())

    errors = jsonschema.validators.validator_for(schema)(schema).iter_errors(COMPOSE)

    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_one_kind_of_daemon_starts_at_a_time() -> None:
    """Two with separate stores would both retrigger. The default is the one on SQLite."""
    assert (DEPLOY / ".env").read_text().splitlines()[-1] == "COMPOSE_PROFILES=sqlite"
    assert of_profile("sqlite") == {"triggerbot"}
    assert of_profile("pulse") == SERVICES.keys() - {"triggerbot"}
    assert of_profile("pulse") == {"replica", "redis", "rabbitmq", "prometheus", "grafana"}
    assert SERVICES["replica"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", DAEMONS)
def test_a_daemon_may_do_little(name: str) -> None:
    """Its root file system is read-only, and it has no capability."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_no_other_machine_reaches_anything() -> None:
    """Ports are published on loopback by default."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_others_built_is_named_by_its_digest() -> None:
    """A tag can be moved to another image by whoever owns it."""
    images = {name: service["image"] for name, service in SERVICES.items() if name not in DAEMONS}

    assert images.keys() == {"redis", "rabbitmq", "prometheus", "grafana"}
    for image in images.values():
        assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}\}", image), image


def test_redis_keeps_what_it_acknowledged() -> None:
    """An append-only file, written with each commit, and nothing is forgotten when memory is short."""
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes --appendfsync always --maxmemory-policy noeviction" in command


def test_what_is_mounted_is_there() -> None:
    """Every file and directory of the repository that a service mounts; secrets are made by make-secrets.sh."""
    mounted = [one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", [])]
    ours = [one for one in mounted if one.startswith("./")]
    assert ours
    assert [one for one in ours if not (DEPLOY / one).exists()] == []
    assert {one for one in mounted if not one.startswith("./")} == COMPOSE["volumes"].keys()


def test_every_secret_is_made() -> None:
    """No secret is named without a use."""
    used = [one for service in SERVICES.values() for one in service.get("secrets", [])]
    names = {one if isinstance(one, str) else one["source"] for one in used}
    assert names == COMPOSE["secrets"].keys()
    script = (DEPLOY / "make-secrets.sh").read_text()
    assert [name for name in names if f"put {name}" not in script] == []


@pytest.mark.parametrize(("name", "config"), [("triggerbot", "sqlite.yml"), ("replica", "pulse.yml")])
def test_each_daemon_has_a_config_that_fits(name: str, config: str) -> None:
    """It is right, it begins in dry run, and it listens where the health check asks."""
    path = DEPLOY / "config" / config
    service = SERVICES[name]
    assert f"./config/{config}:/etc/triggerbot/triggerbot.yml:ro" in service["volumes"]

    loaded = load(path)

    assert loaded.dry_run
    assert loaded.listen == ("0.0.0.0", 8080)
    assert all(port.endswith(":8080") for port in service["ports"])
    files = [secret.reference for secret in loaded.secrets() if secret.reference.startswith("file:/run/secrets/")]
    assert {one.rpartition("/")[2] for one in files} <= set(service["secrets"])
    assert not loaded.anyone_reads
    assert (len(loaded.page.token), len(loaded.page.metrics_token)) == (1, 1)


def test_the_config_of_the_service_is_right() -> None:
    """The config that install.sh writes to /etc/triggerbot is valid, and in dry run."""
    assert load(DEPLOY / "config/triggerbot.yml").dry_run


def test_prometheus_asks_every_replica() -> None:
    """It scrapes them by the name of their service, at the port that they listen on."""
    [job] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    assert job["dns_sd_configs"][0]["names"] == ["replica"]
    assert job["dns_sd_configs"][0]["port"] == 8080
    assert job["authorization"] == {"credentials_file": "/run/secrets/metrics-token"}
    assert "metrics-token" in SERVICES["prometheus"]["secrets"]


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    """The paths are those where they are mounted."""
    provisioning = DEPLOY / "grafana/provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((provisioning / "dashboards/triggerbot.yml").read_text())["providers"]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert source["url"] == "http://prometheus:9090"
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    assert str(home.parent) == provider["options"]["path"]
    assert (DEPLOY / "grafana/dashboards" / home.name).exists()
