"""Read YAML that people write for this program: safe types only, no key twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import yaml

from checks.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 4 * 1024 * 1024


class _Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader exists where libyaml does
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - the library's signature
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                message = f"line {key.start_mark.line + 1}: key given twice"
                raise PolicyError(message)
            seen.add(key.value)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


def _refuse_aliases(data: bytes) -> None:
    """Refuse what has no use in a policy and can make a small file a huge value."""
    for event in yaml.parse(data, Loader=_Strict):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise PolicyError(f"line {line}: aliases are not allowed")


def _refuse(message: str) -> NoReturn:
    raise PolicyError(message)


def load(path: Path) -> object:
    """Decode a file; raises PolicyError with the file's name and the line."""
    try:
        data = path.read_bytes()[: _LIMIT + 1]
        if len(data) > _LIMIT:
            return _refuse(f"{path}: larger than {_LIMIT} bytes")
        _refuse_aliases(data)
        return yaml.load(data, Loader=_Strict)  # noqa: S506 - a safe loader's subclass
    except OSError as error:
        message = f"{path}: {error.strerror or 'cannot be read'}"
        raise PolicyError(message) from error
    except PolicyError as error:
        message = f"{path}: {error}"
        raise PolicyError(message) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        message = f"{path}: not YAML" + (f", line {mark.line + 1}" if mark else "")
        raise PolicyError(message) from error
