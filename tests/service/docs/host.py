"""`sudo`, `systemctl`, `journalctl` and `docker compose` for readers: as much of them as the pages use, without root.

Each follows the files in deploy/: the unit's command, its credentials and its readiness, the services, profiles,
secrets and configs of compose. Daemons that it started are in `$HOST`, a process id in each file.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

HOST = Path(os.environ.get("HOST", "/nowhere"))
#: Seconds until something that must happen counts as failed.
_PATIENCE = 60.0


def main(name: str, arguments: Sequence[str]) -> int:
    """Run as one of these programs."""
    match name:
        case "sudo":
            # The one place of a config that is a path in the program itself.
            found = {"TRIGGERBOT_CONFIG": str(HOST / "etc/triggerbot.yml")}
            return subprocess.call(arguments[2:] if arguments[0] == "-u" else arguments, env={**os.environ, **found})
        case "systemctl":
            return _systemctl(arguments)
        case "journalctl":
            return _log(arguments[arguments.index("-u") + 1])
        case _:
            return _compose([one for one in arguments if one != "compose"])


def _systemctl(arguments: Sequence[str]) -> int:
    *verbs, unit = arguments
    match verbs:
        case ["enable", "--now"] if unit.endswith(".timer"):
            assert (HOST / "systemd" / unit).is_file()
        case ["start"] if "-" in unit:
            return _run_unit(unit.removesuffix(".service"))
        case ["enable", "--now"] | ["start"]:
            _start_unit(unit)
        case ["reload"]:
            _signal(unit, signal.SIGHUP)
        case _:
            raise SystemExit(f"nobody has taught this systemctl {verbs}")
    return 0


def _settings(unit: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", (HOST / "systemd" / f"{unit}.service").read_text(), re.MULTILINE))


def _command(settings: dict[str, str]) -> list[str]:
    command = settings["ExecStart"].replace("%S/triggerbot", os.environ["HOME"])
    return [{"/opt/triggerbot/bin/python": sys.executable}.get(part, part) for part in command.split()]


def _run_unit(unit: str) -> int:
    """Run a unit that ends by itself."""
    settings = _settings(unit)
    assert settings["Type"] == "oneshot"
    for name in settings["StateDirectory"].split():
        (Path(os.environ["HOME"]).parent / name.replace("triggerbot", "home", 1)).mkdir(exist_ok=True)
    with (HOST / f"{unit}.log").open("wb") as log:
        return subprocess.call(_command(settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _start_unit(unit: str) -> None:
    settings = _settings(unit)
    assert settings["Type"] == "notify"
    name, _, source = settings["LoadCredential"].partition(":")
    credentials = HOST / "run/credentials" / f"{unit}.service"
    credentials.mkdir(parents=True)
    for secret in Path(source).iterdir():
        shutil.copy(secret, credentials / f"{name}_{secret.name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(HOST / "notify"))
        notified.settimeout(_PATIENCE)
        notify = {"NOTIFY_SOCKET": str(HOST / "notify"), "CREDENTIALS_DIRECTORY": str(credentials)}
        _start(unit, _command(settings), notify)
        while b"READY=1" not in notified.recv(4096):
            pass


def _compose(arguments: list[str]) -> int:
    services = yaml.safe_load(Path("compose.yml").read_text())["services"]
    profile = re.findall(r"^COMPOSE_PROFILES=(\w+)$", Path(".env").read_text(), re.MULTILINE)
    service = next((one for one in arguments if one in services), "")
    match arguments:
        case ["up", "-d", "--build"]:
            for name, one in services.items():
                if one["profiles"] == profile:
                    _hand_secrets(one)
                    _start(name, [sys.executable, "-m", "triggerbot", "run", "-c", _config(one)], {})
        case ["exec", _, *command]:
            return subprocess.call(command, env={**os.environ, "TRIGGERBOT_CONFIG": _config(services[service])})
        case ["logs", _]:
            return _log(service)
        case ["cp", source, target]:
            shutil.copy(source.partition(":")[2], target)
        case ["kill", "-s", "HUP", _]:
            _signal(service, signal.SIGHUP)
        case _:
            raise SystemExit(f"nobody has taught this docker {arguments}")
    return 0


def _hand_secrets(service: dict[str, list[str]]) -> None:
    for secret in service["secrets"]:
        (HOST / "run/secrets").mkdir(parents=True, exist_ok=True)
        shutil.copy(f"secrets/{secret}", HOST / "run/secrets" / secret)


def _config(service: dict[str, list[str]]) -> str:
    """Find the config that a service gets."""
    (mounted,) = (one.split(":")[0] for one in service["volumes"] if "triggerbot.yml" in one)
    return str(Path(mounted).absolute())


def _start(name: str, command: list[str], environment: dict[str, str]) -> None:
    with (HOST / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    (HOST / f"{name}.pid").write_text(str(process.pid))


def _signal(name: str, number: int) -> None:
    os.kill(int((HOST / f"{name}.pid").read_text()), number)


def _log(name: str) -> int:
    sys.stdout.write((HOST / f"{name}.log").read_text())
    return 0


def end(host: Path) -> None:
    """End every daemon, and wait until it is gone."""
    for file in host.glob("*.pid"):
        pid = int(file.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + _PATIENCE
        while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
