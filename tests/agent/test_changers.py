"""Who changed a file, by made-up logs of a host."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from agent.changers import Changers

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/etc/nginx/nginx.conf"
AT = 1_800_000_000.0


def _event(at: float, number: int, name: str, *, user: int = 0, cwd: str = "/root") -> str:
    stamp = f"msg=audit({at:.3f}:{number})"
    return (
        f"type=SYSCALL {stamp}: arch=c000003e syscall=257 success=yes auid={user} uid=0 "
        f'comm="vim" exe="/usr/bin/vim.basic" key=(null)\n'
        f'type=CWD {stamp}: cwd="{cwd}"\n'
        f"type=PATH {stamp}: item=1 name={name} inode=1 nametype=NORMAL\n"
    )


def _who(root: Path, log: str, path: str = PATH) -> str:
    (root / "var/log/audit").mkdir(parents=True, exist_ok=True)
    (root / "var/log/audit/audit.log").write_text(log)
    return Changers(str(root)).who(path, AT)


@pytest.mark.parametrize(
    ("name", "cwd"),
    [
        (f'"{PATH}"', "/root"),
        ('"nginx.conf"', "/etc/nginx"),
        ('"./nginx.conf"', "/etc/nginx"),
        (PATH.encode().hex().upper(), "/root"),
    ],
)
def test_the_audit_trail_names_who_logged_in(tmp_path: Path, name: str, cwd: str) -> None:
    """However the program named the file."""
    said = _who(tmp_path, _event(AT + 0.1, 7, name, cwd=cwd))
    assert said == "by root (login user id 0) with vim.basic"


@pytest.mark.parametrize(
    "event",
    [
        _event(AT + 60, 7, f'"{PATH}"'),
        _event(AT, 7, '"/etc/nginx/other.conf"'),
        _event(AT, 7, '"nginx.conf"', cwd="/home/x"),
        _event(AT, 7, f'"/mnt{PATH}"'),
        "type=PATH msg=audit(x:7): name=" + f'"{PATH}"\n',
        f'type=PATH msg=audit({AT:.3f}:7): name="{PATH}"\n',
        "\0\xff" * 1000,
        "",
    ],
)
def test_another_time_or_path_tells_nothing(tmp_path: Path, event: str) -> None:
    """Nor does a trail that is damaged, or was cut before the system call."""
    assert _who(tmp_path, event) == ""


def test_of_several_the_nearest_counts(tmp_path: Path) -> None:
    """A service has no login user; an unknown one has no name."""
    log = _event(AT + 0.01, 7, f'"{PATH}"', user=4_294_967_295) + _event(AT + 3, 8, f'"{PATH}"')
    assert _who(tmp_path, log) == "by a service with vim.basic"
    log = _event(AT, 7, f'"{PATH}"', user=3_999_999_999)
    assert _who(tmp_path, log) == "by a user (login user id 3999999999) with vim.basic"


def test_only_the_end_of_a_long_trail_is_read(tmp_path: Path) -> None:
    """It takes no longer than that."""
    long = 'type=PATH msg=audit(1.000:1): item=0 name="/x/nginx.conf"\n' * 150_000
    assert "root" in _who(tmp_path, long + _event(AT, 7, f'"{PATH}"'))
    assert _who(tmp_path, _event(AT, 7, f'"{PATH}"') + long) == ""


def test_a_link_in_place_of_the_trail_is_not_followed(tmp_path: Path) -> None:
    """Nor is a pipe waited for."""
    folder = tmp_path / "var/log/audit"
    folder.mkdir(parents=True)
    (tmp_path / "trail").write_text(_event(AT, 7, f'"{PATH}"'))
    (folder / "audit.log").symlink_to(tmp_path / "trail")
    assert Changers(str(tmp_path)).who(PATH, AT) == ""
    (folder / "audit.log").unlink()
    os.mkfifo(folder / "audit.log")
    assert Changers(str(tmp_path)).who(PATH, AT) == ""


def _packaged(root: Path, at: float, listed: str = PATH, name: str = "nginx-common") -> str:
    (root / "var/lib/dpkg/info").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/info" / f"{name}.conffiles").write_text(listed + "\n")
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    (root / "var/log").mkdir(parents=True, exist_ok=True)
    (root / "var/log/dpkg.log").write_text(
        f"{moment} status half-configured nginx-common:all 1.24-2\n"
        f"{moment} status installed nginx-common:all 1.24-2\nrubbish\n"
        "9999-99-99 99:99:99 status installed nginx-common:all 1\n"
    )
    return Changers(str(root)).who(PATH, AT)


def test_a_package_that_brought_the_file_then_is_named(tmp_path: Path) -> None:
    """By name and version."""
    assert _packaged(tmp_path, AT + 2) == "by the package manager, with nginx-common 1.24-2"


def test_another_package_or_time_is_not(tmp_path: Path) -> None:
    """A package has to have that file, and to be installed just then."""
    assert _packaged(tmp_path, AT - 600) == ""
    assert _packaged(tmp_path, AT, listed="/etc/other") == ""
    (tmp_path / "var/lib/dpkg/info/nginx-common.conffiles").unlink()
    assert _packaged(tmp_path, AT, name="nginx-common-more") == ""
