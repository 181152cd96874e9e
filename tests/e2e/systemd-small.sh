# Read by systemd.sh: makes a small system in $root of the host's libraries and systemd, with our units.

seen() { # a folder of the host, read-only, at a place of the new root
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro,nosuid "$root$2"
}

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
for name in echo env journalctl kill mount nsenter openssl rm sh sleep systemctl systemd-sysusers \
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

cp "$units"/*.path "$units"/*.service "$units"/*.target "$root$system/"
cp "$units/hygiene-agent.sysusers" "$root/usr/lib/sysusers.d/hygiene-agent.conf"
cp "$units/hygiene-agent.tmpfiles" "$root/usr/lib/tmpfiles.d/hygiene-agent.conf"
seen "$python" /opt/hygiene-agent/python
seen "$packages" /opt/hygiene-agent/packages
seen "$source/agent" /opt/hygiene-agent/source/agent
seen "$source/checks" /opt/hygiene-agent/source/checks
cat >"$root/opt/hygiene-agent/start.py" <<'END'
import sys

sys.path[:0] = ["/opt/hygiene-agent/source", "/opt/hygiene-agent/packages"]
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
