#!/usr/bin/env bash
# Builds the image without a Docker engine, with buildah, and on a locally built base where no registry can be reached.
#
#   deploy/build-image.sh [--tag NAME] [--base IMAGE | --debootstrap SUITE] [--pip-conf FILE] [--ca FILE]
#
#   --tag NAME           what to call it (triggerbot)
#   --base IMAGE         the base image (what the Dockerfile says)
#   --debootstrap SUITE  make the base from the Debian mirror that apt uses here, say bookworm
#   --pip-conf FILE      a pip.conf for the build; neither this nor the next gets into the image
#   --ca FILE            certificates (PEM) that pip.conf may name: cert = /etc/pip-ca.pem
#
# Needs root and buildah (and debootstrap): apt-get install buildah debootstrap. The image is in buildah's own storage then;
# `buildah push NAME docker-archive:FILE` writes it where a Docker engine can load it.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=triggerbot base="" suite="" arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --tag) tag=$2 ;;
        --base) base=$2 ;;
        --debootstrap) suite=$2 ;;
        --pip-conf) arguments+=(--secret "id=pip,src=$2") ;;
        --ca) arguments+=(--secret "id=ca,src=$2") ;;
        *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
    esac
    shift 2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The mirror of the main archive, in either form of apt's sources.
mirror() {
    cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
        awk '$1 == "URIs:" {print $2; exit} $1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}'
}

if [ -n "$suite" ]; then
    debootstrap --variant=minbase "$suite" "$work/base" "$(mirror)" >"$work/debootstrap.log" ||
        { tail -5 "$work/debootstrap.log" >&2; exit 1; }
    # This machine's source of security updates, and how to reach it.
    cp /etc/apt/sources.list.d/debian.sources "$work/base/etc/apt/sources.list.d/" 2>/dev/null &&
        : >"$work/base/etc/apt/sources.list"
    grep -lsE '^Acquire' /etc/apt/apt.conf.d/* | xargs -rI{} cp {} "$work/base/etc/apt/apt.conf.d/"
    chroot "$work/base" env -u TMPDIR apt-get update -qq
    chroot "$work/base" env -u TMPDIR DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -qq
    rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/*
    base=localhost/triggerbot-base:$suite
    container=$(buildah from scratch)
    buildah add -q "$container" "$work/base" / >/dev/null
    buildah config --cmd /bin/bash "$container"
    buildah commit -q --rm "$container" "$base" >/dev/null
fi
[ -z "$base" ] || arguments+=(--build-arg "BASE=$base")

# HEALTHCHECK is Docker's own; the OCI's format has none. In chroot isolation nothing but root is needed.
buildah bud --isolation chroot --format docker \
    --build-arg "COMMIT=$(git rev-parse HEAD 2>/dev/null || true)" \
    --build-arg "SOURCE=${SOURCE:-}" --build-arg "BUILD=${BUILD:-}" \
    "${arguments[@]}" -t "$tag" .
buildah images "$tag"
