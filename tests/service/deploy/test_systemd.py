"""The units: systemd itself verifies them, and rates their exposure."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.deploy.installed import DEPLOY, Installed, missing, tool

#: The highest exposure that `systemd-analyze security` may report; 10 is a service without any restriction.
EXPOSURE_MOST = 1.5
#: The directory of systemd's own units, which ours refer to.
_UNITS = Path("/usr/lib/systemd/system")


def settings(unit: str) -> list[tuple[str, str]]:
    """Read the settings of a unit."""
    lines = (DEPLOY / unit).read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if re.match(r"[A-Z]\w*=", line)]  # type: ignore[misc]


@pytest.mark.parametrize(
    "unit", ["triggerbot.service", "triggerbot@2.service", "triggerbot-backup.service", "triggerbot-backup.timer"]
)
def test_systemd_finds_nothing_wrong(installed: Installed, unit: str) -> None:
    """Neither in the unit nor in what it refers to."""
    if not _UNITS.is_dir():
        missing("systemd")
    shutil.copytree(_UNITS, installed.root / "usr/lib/systemd/system", symlinks=True, dirs_exist_ok=True)
    for program in ("bin/sh", "opt/triggerbot/bin/python"):
        path = installed.root / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)

    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", f"--root={installed.root}", unit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    # systemd checks all units; complaints about others do not matter here.
    assert [line for line in done.stderr.splitlines() if "triggerbot" in line] == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", ["triggerbot.service", "triggerbot@.service", "triggerbot-backup.service"])
def test_little_is_left_open(tmp_path: Path, unit: str) -> None:
    """The exposure stays below the limit, by systemd's rating."""
    path = tmp_path / unit.replace("@.", "@2.")
    shutil.copy(DEPLOY / unit, path)

    done = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=100", str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE_MOST, "\n".join(line for line in done.stdout.splitlines() if "✗" in line)


def test_the_template_is_the_same_with_workers() -> None:
    """It differs in its description, its command, and what a supervisor can do."""
    alone, several = settings("triggerbot.service"), settings("triggerbot@.service")
    ours = {"Description", "Conflicts", "ExecStart", "OOMPolicy", "DefaultInstance"}

    assert [one for one in alone if one[0] not in ours] == [one for one in several if one[0] not in ours]
    assert dict(several)["ExecStart"] == dict(alone)["ExecStart"] + " --workers %i"


def test_what_makes_it_a_service_that_is_watched() -> None:
    """Readiness, the watchdog, restarts unless a person has to fix something, secrets, and its own directory."""
    unit = dict(settings("triggerbot.service"))

    assert (unit["Type"], unit["NotifyAccess"]) == ("notify", "main")
    assert (unit["WatchdogSec"], unit["Restart"], unit["RestartPreventExitStatus"]) == ("60s", "on-failure", "2")
    assert (unit["StateDirectory"], unit["ConfigurationDirectory"]) == ("triggerbot", "triggerbot")
    assert unit["LoadCredential"] == "secrets:/etc/triggerbot/secrets"
    assert "$CREDENTIALS_DIRECTORY/secrets_github-token" in (DEPLOY / "config/triggerbot.yml").read_text()


def test_a_copy_every_night_where_the_daemon_keeps_its_store() -> None:
    """As the same user, with the same config and as little allowed; it needs no network."""
    daemon, backup = dict(settings("triggerbot.service")), dict(settings("triggerbot-backup.service"))
    own = {
        "Description", "Type", "ExecStart", "TimeoutStartSec", "Nice", "IOSchedulingClass", "StateDirectory",
        "PrivateNetwork", "IPAddressDeny", "RestrictAddressFamilies",
    }  # fmt: skip

    assert {name: value for name, value in backup.items() if name not in own}.items() <= daemon.items()
    command = backup["ExecStart"].split()
    assert command[:3] == daemon["ExecStart"].split()[:3]
    assert command[3:6] == ["backup", "--config", daemon["ExecStart"].split()[-1]]
    assert command[-1] == f"%S/{backup['StateDirectory'].split()[-1]}"
    assert "triggerbot-backup.timer" in (DEPLOY / "install.sh").read_text()
