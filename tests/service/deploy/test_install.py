"""deploy/install.sh and deploy/uninstall.sh, into a directory; that the service runs is shown on a whole Debian."""

import subprocess
from pathlib import Path

import pytest

from tests.service.deploy.installed import DEPLOY, Installed

CONFIG, TOKEN, STORE = (
    "etc/triggerbot/triggerbot.yml",
    "etc/triggerbot/secrets/github-token",
    "var/lib/triggerbot/state.db",
)
UNITS = [
    f"etc/systemd/system/{name}"
    for name in ("triggerbot.service", "triggerbot@.service", "triggerbot-backup.service", "triggerbot-backup.timer")
]


def test_everything_is_in_its_place(installed: Installed) -> None:
    """The program, its command, the units, the user, and a config that only root and the service read."""
    modes = installed.modes()

    assert {
        "opt/triggerbot/bin/python", "opt/triggerbot/version.json", "opt/triggerbot/share/triggerbot.example.yml",
        "usr/local/bin/triggerbot", "etc/sysusers.d/triggerbot.conf", CONFIG, *UNITS,
    } == modes.keys()  # fmt: skip
    assert modes[CONFIG] == 0o640
    assert [modes[unit] for unit in UNITS] == [0o644] * len(UNITS)
    assert (installed.root / "etc/triggerbot/secrets").stat().st_mode & 0o777 == 0o700
    command = (installed.root / "usr/local/bin/triggerbot").read_text()
    assert command == '#!/bin/sh\nexec /opt/triggerbot/bin/python -m triggerbot "$@"\n'


def test_nothing_is_installed_whose_hash_is_not_known(installed: Installed) -> None:
    """Downloads need a hash; everything else must not be downloaded."""
    calls = [line for line in installed.pip_calls.read_text().splitlines() if " install " in line or " wheel " in line]

    assert len(calls) == 4
    assert all("--require-hashes" in line or "--no-index --no-deps" in line for line in calls)


def test_once_more_changes_nothing_of_ones_own(installed: Installed) -> None:
    """An upgrade: the config and the secrets stay as they are, and nothing is left over."""
    before = installed.modes()
    (installed.root / CONFIG).write_text("mine")
    (installed.root / TOKEN).write_text("secret")

    said = installed.run("install.sh")

    assert installed.modes().keys() == before.keys() | {TOKEN}
    assert (installed.root / CONFIG).read_text() == "mine"
    assert "now edit" not in said
    assert [path.name for path in (installed.root / "opt").iterdir()] == ["triggerbot"]


def test_an_upgrade_that_was_cut_off_and_fails_leaves_the_old_program(installed: Installed, tmp_path: Path) -> None:
    """The power failed between the two moves of an upgrade, and the next try has no network."""
    before = installed.modes()
    (installed.root / "opt/triggerbot").rename(installed.root / "opt/.triggerbot.old")
    (tmp_path / "python").write_text("#!/bin/sh\ncase $2 in venv) exit 1 ;; esac\n")

    with pytest.raises(AssertionError):
        installed.run("install.sh")

    assert installed.modes() == before


def test_uninstalling_keeps_what_cannot_be_had_again(installed: Installed) -> None:
    """Config and store stay; a second run changes nothing, and `--purge` leaves nothing."""
    store = installed.root / STORE
    store.parent.mkdir(parents=True)
    store.write_text("memory")

    for _ in range(2):
        said = installed.run("uninstall.sh")
        assert "kept:" in said
        assert installed.modes().keys() == {CONFIG, STORE}

    for _ in range(2):
        installed.run("uninstall.sh", "--purge")
        assert installed.modes() == {}


@pytest.mark.parametrize("script", ["uninstall.sh", "build-image.sh"])
def test_what_it_says_when_asked_wrongly(script: str) -> None:
    """The head of the script is its help."""
    done = subprocess.run([str(DEPLOY / script), "--what"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"deploy/{script}" in done.stderr
