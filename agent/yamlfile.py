"""Read YAML that people write for this program: names and values of safe types, no alias.

Strict before anything is made of it: somebody may have named a file of secrets by mistake, and
later errors name the keys that they meet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from agent import given
from checks.errors import HygieneError, PolicyError

if TYPE_CHECKING:
    from pathlib import Path

_KEY: Final = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}|(?:/[A-Za-z0-9_.@+,:\-]{1,255}){1,64})"
)
"""A name, or the absolute path of a managed file."""
APPENDING: Final = re.compile(rf"{_KEY.pattern}\+?")
"""Keys of a layer of policy, where one with a plus is appended to what is below."""
_DEEPEST: Final = 64
"""Deeper nesting has no use here and would exhaust the library's stack, which is C's."""


class _RefusedError(HygieneError):
    """What makes a document unfit, with its line."""


class _Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader exists where libyaml does
    """A safe loader that refuses a key given twice and a key that is no plain name."""

    names = _KEY

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - the library's signature
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or not self.names.fullmatch(key.value):
                raise _RefusedError(f"line {line}: a key must be a plain name")
            if key.value in seen:
                raise _RefusedError(f"line {line}: key given twice")
            seen.add(key.value)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


def _guard(data: bytes) -> None:
    """Refuse what has no use in a policy and can make a small file a huge or deep value."""
    depth = 0
    for event in yaml.parse(data, Loader=_Strict):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError(f"line {line}: aliases are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _RefusedError(f"line {line}: nested deeper than {_DEEPEST}")


def load(
    path: Path, refusal: type[HygieneError] = PolicyError, names: re.Pattern[str] = _KEY
) -> dict[str, object]:
    """Decode a file; raises REFUSAL with the file's name and the line, never with its content.

    names: what a key may be.
    """
    return decode(path, given.read(path, refusal), refusal, names)


def decode(
    path: Path, data: bytes, refusal: type[HygieneError], names: re.Pattern[str] = _KEY
) -> dict[str, object]:
    """Decode the content of the file PATH, like `load`."""
    try:
        _guard(data)
        raw = yaml.load(data, Loader=type("_Named", (_Strict,), {"names": names}))  # noqa: S506 - a safe loader's subclass
    except _RefusedError as error:
        message = f"{path}: {error}"
        raise refusal(message) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or number out of range
        mark = getattr(error, "problem_mark", None)
        message = f"{path}: not YAML" + (f", line {mark.line + 1}" if mark else "")
        raise refusal(message) from error
    if not isinstance(raw, dict):
        raise refusal(f"{path}: expected names and values")
    return raw
