"""The numbers of the system calls that are refused, by processor.

From asm/unistd_64.h (x86-64) and asm-generic/unistd.h (aarch64) of Linux 6.18; -1 for none.
"""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
accept 43 202
accept4 288 242
acct 163 89
add_key 248 217
bind 49 200
bpf 321 280
chroot 161 51
clock_settime 227 112
clone 56 220
clone3 435 435
connect 42 203
delete_module 176 106
execve 59 221
execveat 322 281
finit_module 313 273
fork 57 -1
fsconfig 431 431
fsmount 432 432
fsopen 430 430
fspick 433 433
init_module 175 105
io_uring_enter 426 426
io_uring_register 427 427
io_uring_setup 425 425
ioctl 16 29
ioperm 173 -1
iopl 172 -1
kcmp 312 272
kexec_file_load 320 294
kexec_load 246 104
keyctl 250 219
listen 50 201
lookup_dcookie 212 18
mknod 133 -1
mknodat 259 33
modify_ldt 154 -1
mount 165 40
mount_setattr 442 442
move_mount 429 429
nfsservctl 180 42
open_by_handle_at 304 265
open_tree 428 428
open_tree_attr 467 467
perf_event_open 298 241
personality 135 92
pidfd_getfd 438 438
pivot_root 155 41
process_madvise 440 440
process_vm_readv 310 270
process_vm_writev 311 271
ptrace 101 117
quotactl 179 60
quotactl_fd 443 443
reboot 169 142
request_key 249 218
sendto 44 206
setdomainname 171 162
sethostname 170 161
setns 308 268
settimeofday 164 170
socket 41 198
socketpair 53 199
swapoff 168 225
swapon 167 224
syslog 103 116
umount2 166 39
unshare 272 97
uselib 134 -1
userfaultfd 323 282
vfork 58 -1
vhangup 153 58
"""

NUMBERS: Final = {
    name: (int(x86), int(arm))
    for name, x86, arm in (line.split() for line in _TABLE.strip().splitlines())
}
"""By name: x86-64, aarch64."""
