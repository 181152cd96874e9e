#!/bin/sh
# A root that lies unpacked, as buildah, kaniko, debootstrap and mkosi make it: scanned where it is.
#   unpacked-root.sh FOLDER          any root
#   unpacked-root.sh --buildah NAME  a working container of buildah
set -eu
[ $# -gt 0 ] || { echo "usage: $0 FOLDER | --buildah NAME" >&2; exit 2; }
if [ "$1" = --buildah ]; then
    root=$(buildah mount "$2")
    trap 'buildah umount "$2" >/dev/null' EXIT
else
    root=$1
fi
hygiene-agent scan --root "$root" --fail-on high
