#!/usr/bin/env bash
# Removes what deploy/install.sh has installed; it is safe to run again.
#
#   deploy/uninstall.sh            keeps /etc/triggerbot (config and secrets), /var/lib/triggerbot (the store) and the user
#   deploy/uninstall.sh --purge    takes them away, too; what was asked of the CI in the last days is forgotten then
#
# DESTDIR=DIR: from that directory; nothing of this machine is changed.
set -euo pipefail
root=${DESTDIR:-} purge=""
case ${1:-} in
    "") ;;
    --purge) purge=1 ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac

live() { [ -z "$root" ]; }
systemd_runs() { live && [ -d /run/systemd/system ]; }
if live && [ "$(id -u)" != 0 ]; then echo "uninstall.sh: run it as root, or with DESTDIR" >&2; exit 1; fi

if systemd_runs; then
    for unit in triggerbot-backup.timer triggerbot-backup.service triggerbot.service $(systemctl list-units --all --plain --no-legend 'triggerbot@*.service' | cut -d' ' -f1); do
        systemctl disable --now "$unit" 2>/dev/null || true
    done
fi
rm -f "$root"/etc/systemd/system/triggerbot{.service,@.service,-backup.service,-backup.timer}
if systemd_runs; then systemctl daemon-reload; fi
rm -rf "$root/opt/triggerbot"
rm -f "$root/usr/local/bin/triggerbot" "$root/etc/sysusers.d/triggerbot.conf"

if [ -n "$purge" ]; then
    rm -rf "$root/etc/triggerbot" "$root/var/lib/triggerbot"
    if live && id triggerbot >/dev/null 2>&1; then userdel triggerbot; fi
else
    echo "kept: $root/etc/triggerbot and $root/var/lib/triggerbot (--purge takes them away, too)"
fi
