#!/usr/bin/env bash
# Installs triggerbot as a service of systemd, or upgrades it; it is safe to run again.
#
#   deploy/install.sh              as root, from a checkout. Needs Python 3.11 or newer with its venv module, on Linux
#   DESTDIR=DIR deploy/install.sh  into a directory, for packagers: nothing of this machine is changed
#
# The program goes to /opt/triggerbot, with dependencies that have to have the hashes of deploy/requirements.txt (pip looks
# wherever it is configured to), its command to /usr/local/bin, units to /etc/systemd/system. A config in /etc/triggerbot
# is made once and never touched again. PYTHON=... names another Python than python3.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
root=${DESTDIR:-} python=${PYTHON:-python3}

fail() { echo "install.sh: $*" >&2; exit 1; }
live() { [ -z "$root" ]; }
systemd_runs() { live && [ -d /run/systemd/system ]; }
if live && [ "$(id -u)" != 0 ]; then fail "run it as root, or with DESTDIR"; fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "needs Python 3.11 or newer: set PYTHON to one"
"$python" -c 'import ensurepip' 2>/dev/null || fail "the venv module is missing: apt-get install python3-venv"

# -- the program: made beside the old one, then put in its place
work=$(mktemp -d)
new=$root/opt/.triggerbot.new old=$root/opt/.triggerbot.old
clear_away() {
    # An earlier run may have been cut off between the two moves below: the old program is better than none.
    if [ -e "$old" ] && [ ! -e "$root/opt/triggerbot" ]; then mv "$old" "$root/opt/triggerbot"; fi
    rm -rf "$new" "$old"
}
trap 'clear_away; rm -rf "$work"' EXIT
clear_away
install -d "$root/opt"
"$python" -m venv "$work/build"
"$python" -m venv --without-pip "$new"
pip() { PIP_DISABLE_PIP_VERSION_CHECK=1 "$work/build/bin/python" -m pip "$@"; }
pip install -q --only-binary=:all: --require-hashes -r deploy/requirements-build.txt
pip --python "$new/bin/python" install -q --only-binary=:all: --require-hashes -r deploy/requirements.txt
# A build leaves files behind in the source directory.
mkdir "$work/source"
cp -r pyproject.toml README.md LICENSE triggerbot "$work/source"
pip wheel -q --no-index --no-deps --no-build-isolation --wheel-dir "$work/wheel" "$work/source"
pip --python "$new/bin/python" install -q --no-index --no-deps "$work"/wheel/*.whl
"$new/bin/python" -c "import json, sys, triggerbot; print(json.dumps(dict(source='', commit=sys.argv[1], build='', \
version=triggerbot.__version__)))" "$(git rev-parse HEAD 2>/dev/null || true)" >"$new/version.json"
install -D -m 0644 config/triggerbot.example.yml "$new/share/triggerbot.example.yml"
[ ! -e "$root/opt/triggerbot" ] || mv "$root/opt/triggerbot" "$old"
mv "$new" "$root/opt/triggerbot"

install -d "$root/usr/local/bin"
# Not pip's own script, which contains the path of the directory that it was made in.
printf '#!/bin/sh\nexec /opt/triggerbot/bin/python -m triggerbot "$@"\n' >"$work/triggerbot"
install -m 0755 "$work/triggerbot" "$root/usr/local/bin/triggerbot"

# -- the user, the config, the units
install -D -m 0644 deploy/triggerbot.sysusers "$root/etc/sysusers.d/triggerbot.conf"
if live; then
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers /etc/sysusers.d/triggerbot.conf
    elif ! id triggerbot >/dev/null 2>&1; then
        useradd --system --home-dir /var/lib/triggerbot --no-create-home --shell /usr/sbin/nologin triggerbot
    fi
fi
[ -d "$root/etc/triggerbot" ] || install -d -m 0750 "$root/etc/triggerbot"
[ -d "$root/etc/triggerbot/secrets" ] || install -d -m 0700 "$root/etc/triggerbot/secrets"
if [ ! -e "$root/etc/triggerbot/triggerbot.yml" ]; then
    install -m 0640 deploy/config/triggerbot.yml "$root/etc/triggerbot/triggerbot.yml"
    if live; then chgrp triggerbot /etc/triggerbot /etc/triggerbot/triggerbot.yml; fi
    echo "now edit /etc/triggerbot/triggerbot.yml; it says what to do next"
fi
install -d "$root/etc/systemd/system"
install -m 0644 deploy/triggerbot.service deploy/triggerbot@.service deploy/triggerbot-backup.service \
    deploy/triggerbot-backup.timer "$root/etc/systemd/system/"
if systemd_runs; then
    systemctl daemon-reload
    # A running service is restarted with the new program; one that does not run is not started.
    systemctl try-restart triggerbot.service 'triggerbot@*.service'
fi
echo "installed: $("$root/opt/triggerbot/bin/python" -m triggerbot --version)"
