"""Name templates and left-over copies of a file: `x.conf.j2`, `x.conf.bak`, `x.conf.rpmsave`."""

from __future__ import annotations

from typing import Final

SUFFIXES: Final = (
    "bak", "backup", "default", "dist", "dpkg-dist", "dpkg-new", "dpkg-old", "erb", "example",
    "ext", "in", "j2", "jinja", "jinja2", "local", "new", "old", "orig", "rpmnew", "rpmorig",
    "rpmsave", "sample", "save", "template", "tmpl", "tpl", "ucf-dist", "ucf-old",
)  # fmt: skip


def with_copies(*globs: str) -> tuple[str, ...]:
    """Give the globs, and for each suffix the glob of that copy."""
    return (*globs, *(f"{glob}.{suffix}" for glob in globs for suffix in SUFFIXES))
