#!/bin/sh
# Run systemd as process 1 of a small system of its own, until it is killed; needs root.
#
# systemd.sh PLACE UNITS PYTHON PACKAGES SOURCE
#   PLACE     an empty folder; afterwards it is empty again
#   UNITS     the folder of our units
#   PYTHON    the interpreter's installation, as sys.base_prefix; PACKAGES its site-packages
#   SOURCE    the folder that holds agent/ and checks/
#
# systemd empties /tmp, sets the host name, and moves processes between control groups. So nothing
# of the host can be written from inside: the root is a new tmpfs, which sees the host's libraries
# read-only, and processes, host name, network, IPC, mounts and control groups are its own.
set -eu

stage=outside
case ${1:-} in --mounts | --system) stage=${1#--} && shift ;; esac
place=$1 units=$2 python=$3 packages=$4 source=$5

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
seen() { # a folder of the host, read-only, at a place of the new root
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro,nosuid "$root$2"
}

umask 022
mount -t tmpfs -o mode=0755,size=1g hygiene "$root"
for name in dev etc etc/hygiene-agent home mnt opt proc run srv sys usr usr/bin usr/sbin \
    var var/lib var/log; do
    mkdir "$root/$name"
done
ln -s ../run "$root/var/run"
mkdir -m 0700 "$root/root"
mkdir -m 1777 "$root/tmp" "$root/var/tmp"

# Libraries and systemd are the host's; of its programs and units only what is needed.
for name in lib lib32 lib64 libx32 share; do
    [ ! -d "/usr/$name" ] || seen "/usr/$name" "/usr/$name"
done
for name in bin sbin lib lib32 lib64 libx32; do
    [ ! -e "/usr/$name" ] || ln -s "usr/$name" "$root/$name"
done
for name in env journalctl kill mount nsenter openssl sh systemctl systemd-sysusers \
    systemd-tmpfiles umount; do
    cp -L "/usr/bin/$name" "$root/usr/bin/"
done
system=/usr/lib/systemd/system
for folder in "$system" "$system-generators" "$system-environment-generators" \
    /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/lib/environment.d; do
    [ ! -d "$folder" ] || mount -t tmpfs -o mode=0755 hygiene "$root$folder"
done
for name in basic local-fs-pre local-fs multi-user network-online network nss-lookup paths \
    shutdown slices sockets swap sysinit timers umount; do
    cp "$system/$name.target" "$root$system/"
done
cp "$system/systemd-journald-dev-log.socket" "$system/systemd-journald.service" \
    "$system/systemd-journald.socket" "$system/systemd-sysusers.service" \
    "$system/systemd-tmpfiles-setup.service" "$root$system/"
mkdir "$root$system/sysinit.target.wants" "$root$system/sockets.target.wants"
for name in systemd-journald.service systemd-sysusers.service systemd-tmpfiles-setup.service; do
    ln -s "../$name" "$root$system/sysinit.target.wants/"
done
for name in systemd-journald.socket systemd-journald-dev-log.socket; do
    ln -s "../$name" "$root$system/sockets.target.wants/"
done

cp "$units"/*.service "$units"/*.target "$root$system/"
cp "$units/hygiene-agent.sysusers" "$root/usr/lib/sysusers.d/hygiene-agent.conf"
cp "$units/hygiene-agent.tmpfiles" "$root/usr/lib/tmpfiles.d/hygiene-agent.conf"
seen "$python" /opt/hygiene-agent/python
seen "$packages" /opt/hygiene-agent/packages
seen "$source/agent" /opt/hygiene-agent/source/agent
seen "$source/checks" /opt/hygiene-agent/source/checks
cat >"$root/opt/hygiene-agent/start.py" <<'END'
import sys

sys.path += ["/opt/hygiene-agent/source", "/opt/hygiene-agent/packages"]
from agent.cli import main

main()
END
cat >"$root/usr/bin/hygiene-agent" <<'END'
#!/bin/sh
LD_LIBRARY_PATH=/opt/hygiene-agent/python/lib
export LD_LIBRARY_PATH
exec /opt/hygiene-agent/python/bin/python3 -I /opt/hygiene-agent/start.py "$@"
END
chmod 0755 "$root/usr/bin/hygiene-agent"

cp /etc/ld.so.cache "$root/etc/"
printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
printf '%s\n' root:x:0: systemd-journal:x:999: nogroup:x:65534: >"$root/etc/group"
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files' >"$root/etc/nsswitch.conf"
printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$root/etc/hosts"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
: >"$root/etc/os-release"

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
