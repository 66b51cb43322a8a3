#!/usr/bin/env bash
# Runs the daemon of an image as a container would, without a Docker engine: as the first process of a namespace of its
# own, as user 10001, on a read-only root file system, and reports whether all of that works.
#
#   deploy/try-image.sh [NAME]        an image in buildah's storage (triggerbot); needs root
set -euo pipefail

image=${1:-triggerbot}
work=$(mktemp -d)
container=$(buildah from --pull-never "$image")
init=""
finish() {
    [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
    buildah rm "$container" >/dev/null
    rm -rf "$work"
}
trap finish EXIT
root=$(buildah mount "$container")

mkdir "$work/root" "$work/config"
cat >"$work/config/triggerbot.yml" <<'YML'
dry_run: true
store: sqlite:/data/state.db
listen: 127.0.0.1:8080
systems:
  ci: {type: generic, url: "http://127.0.0.1:9", webhook_secret: file:/etc/triggerbot/secret, sweep: off}
rules:
  - projects: [try]
YML
head -c 32 /dev/urandom | base64 >"$work/config/secret"
chmod -R a+rX "$work"

# The command, user and environment come from the image itself.
image_says() { buildah inspect --type image --format "{{range .Docker.Config.$1}}{{println .}}{{end}}" "$image" | sed '/^$/d'; }
mapfile -t environment < <(image_says Env)
mapfile -t command < <(image_says Entrypoint; image_says Cmd)
mapfile -t health < <(image_says Healthcheck.Test | tail -n +2)
user=$(buildah inspect --type image --format '{{.Docker.Config.User}}' "$image")

cat >"$work/start" <<'SH'
set -euo pipefail
work=$1 root=$2 user=$3
shift 3
ip link set lo up
mount --bind "$root" "$work/root"
mount -o remount,bind,ro "$work/root"
mount -t tmpfs -o "uid=${user%:*},gid=${user#*:},mode=0700" tmpfs "$work/root/data"
mount --bind -o ro "$work/config" "$work/root/etc/triggerbot"
mount -t proc -o nosuid,nodev,noexec proc "$work/root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$work/root/dev"
for one in null zero urandom; do
    : >"$work/root/dev/$one"
    mount --bind "/dev/$one" "$work/root/dev/$one"
done
exec chroot --userspec="$user" --groups= "$work/root" /usr/bin/env -i -C /data "$@"
SH
unshare --mount --pid --net --fork --kill-child bash "$work/start" "$work" "$root" "$user" \
    "${environment[@]}" "${command[@]}" 2>"$work/log" &
outer=$!

inside() {
    nsenter --target "$init" --mount --pid --net --root --wd -- \
        setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups /usr/bin/env -i -C /data "${environment[@]}" "$@"
}
for _ in $(seq 100); do
    init=$(pgrep -P "$outer" || true)
    if [ -n "$init" ] && inside "${health[@]}" >"$work/health" 2>&1; then break; fi
    kill -0 "$outer" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.2
done

failed=0
check() {
    if "${@:2}"; then echo "ok      $1"; else echo "FAILED  $1"; failed=1; fi
}
cannot_write() { ! inside touch "$1" 2>/dev/null; }
no_programs() { ! find "$root"/{bin,sbin,usr,opt,app} -xdev -executable ! -type d | grep -E "/($1)(-[0-9.]+)?$"; }
healthy() { inside "${health[@]}" >"$work/health"; }
check "the health check passes" healthy
sed 's/^/        /' "$work/health"
check "the daemon is process 1" grep -q "^NSpid:.*[[:space:]]1$" "/proc/$init/status"
check "and triggerbot itself, no shell" grep -qaE "bin/triggerbot" "/proc/$init/cmdline"
check "its user is $user" grep -qE "^Uid:[[:space:]]${user%:*}[[:space:]]${user%:*}[[:space:]]" "/proc/$init/status"
for place in / /app /etc/triggerbot /opt/triggerbot /tmp /var/tmp; do
    check "$place cannot be written to" cannot_write "$place/probe"
done
check "the store is in /data" inside test -s /data/state.db
check "no compiler, no linker, no make, no pip" no_programs "gcc|g\+\+|cc|c\+\+|clang|ld|as|make|pip3?"
check "the version file is served" inside python -c "
import json, urllib.request
served = json.load(urllib.request.urlopen('http://127.0.0.1:8080/__version__'))
assert served == json.load(open('/app/version.json')), served
print('       ', served)"
kill -TERM "$init"
code=0
wait "$outer" || code=$?
init=""
check "it ends on SIGTERM in good order (exit code $code)" test "$code" = 0
check "and says so" grep -q '"daemon.stopped"' "$work/log"
[ "$failed" = 0 ] || cat "$work/log" >&2
exit "$failed"
