#!/bin/sh
# Run systemd as process 1 of a small system of its own, until it is killed; needs root.
#
# systemd.sh PLACE UNITS PYTHON PACKAGES SOURCE, or systemd.sh PLACE --tree TREE
#   PLACE     an empty folder; afterwards it is empty again
#   UNITS     the folder of our units
#   PYTHON    the interpreter's installation, as sys.base_prefix; PACKAGES its site-packages
#   SOURCE    the folder that holds agent/ and checks/
#   TREE      a whole Debian, of which the system sees a copy
#
# systemd empties /tmp, sets the host name, and moves processes between control groups. So nothing
# of the host can be written from inside: the root is a new tmpfs, which sees the host's libraries
# read-only, and processes, host name, network, IPC, mounts and control groups are its own.
set -eu

stage=outside
case ${1:-} in --mounts | --system) stage=${1#--} && shift ;; esac
place=$1 units=$2 python=$3 packages=${4:-} source=${5:-}

# Whoever started this may die of anything: then all of it dies.
if [ "$stage" = outside ]; then
    exec setpriv --pdeathsig KILL unshare --mount --propagation private sh "$0" --mounts "$@"
fi

if [ "$stage" = mounts ]; then
    mkdir "$place/groups" "$place/root"
    mount -t cgroup2 hygiene "$place/groups"
    group=$place/groups/hygiene-test-$$
    trap 'kill -KILL "$child"' TERM INT
    # It is in its group before it has a namespace of them: systemd takes all in there for its own.
    mkdir "$group"
    sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
        setpriv --pdeathsig KILL unshare --fork --kill-child \
        --mount --pid --ipc --uts --net --cgroup sh "$0" --system "$@" &
    child=$!
    while kill -0 "$child" 2>/dev/null; do wait "$child" || status=$?; done
    for _ in $(seq 100); do # processes take a moment to be gone
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        [ -d "$group" ] || break
        sleep 0.1
    done
    umount "$place/groups"
    rmdir "$place/groups" "$place/root"
    exit "${status:-0}"
fi

[ $$ -eq 1 ] || { echo "not process 1 of a namespace" >&2; exit 1; }

root=$place/root
umask 022
mount -t tmpfs -o mode=0755,size=1g hygiene "$root"
if [ "$units" = --tree ]; then
    mkdir "$root/upper" "$root/work"
    mount -t overlay -o "lowerdir=$python,upperdir=$root/upper,workdir=$root/work" hygiene "$root"
else
    . "$(dirname "$0")/systemd-small.sh"
fi

mount -t tmpfs -o mode=0755 hygiene "$root/run"
mount -t tmpfs -o mode=0755 hygiene "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for name in full null random tty urandom zero; do
    : >"$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 hygiene "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 hygiene "$root/dev/shm"
# What in these is not of a namespace is the host's: it can be read, and not be set.
mount -t proc hygiene "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro hygiene "$root/sys"
mount -t cgroup2 hygiene "$root/sys/fs/cgroup"

cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
mount --make-rshared / # as a booted system has it: what systemd mounts for a unit is seen by it
for path in /tmp/* /var/tmp/*; do
    [ ! -e "$path" ] || { echo "$path: not what it should be" >&2; exit 1; }
done
# "container" keeps systemd from what only the first system of a machine may do.
exec env -i PATH=/usr/sbin:/usr/bin container=hygiene-test \
    /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=journal
