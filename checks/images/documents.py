"""Turn an image's configuration and history into texts whose formats are known.

`Env` becomes name and value, command lines become lines of a shell, each step of the history the
line of a Dockerfile, with the values of ARG that were in force as lines of their own.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checks.images import manifest, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG: Final = "image config"
HISTORY: Final = "image history"
_FOLDER: Final = "/image/settings"
"""Where the texts are as if: a place of settings, whose names say their formats."""
_APART: Final = frozenset({"config", "container_config", "history", "rootfs"})
_STEPS: Final = 10_000

_Object = dict[str, Any]


class Document(NamedTuple):
    """A text. path: whose ending says its format; shown, key: what to call the place instead."""

    path: str
    shown: str
    key: str
    data: bytes

    def __repr__(self) -> str:
        """Leave the data out."""
        return f"<Document {self.shown} {self.key}>"


def each(document: bytes) -> Iterator[Document]:
    """Give the texts of an image's configuration; raises ImageError."""
    whole = manifest.plain(document, CONFIG)
    config, past = (_object(whole.get(key)) for key in ("config", "container_config"))
    told = {key: value for key, value in whole.items() if key not in _APART} | _settings(config)
    if differs := {key: value for key, value in past.items() if value != config.get(key)}:
        told["container_config"] = _settings(differs)
    text = json.dumps(told, indent=1).encode("utf-8", "surrogatepass")
    yield Document(f"{_FOLDER}/image.json", CONFIG, "", text)
    for number, trigger in enumerate(_strings(config.get("OnBuild"))):
        yield _step(CONFIG, f"OnBuild[{number}]", trigger)
    history = whole.get("history")
    for number, one in enumerate(history if isinstance(history, list) else [], 1):
        line = _object(one).get("created_by")
        if isinstance(line, str) and line:
            yield _step(HISTORY, f"step[{number}]", line)
        if number == _STEPS:
            return


def _settings(config: _Object) -> _Object:
    """Name each variable by its place and name; write each command as a line."""
    told: _Object = {}
    for key, value in config.items():
        if key == "Env":
            told |= {f"Env[{at}]": _pair(one) for at, one in enumerate(_strings(value))}
        elif key == "Healthcheck":
            told[key] = {name: _line(part) for name, part in _object(value).items()}
        else:
            told[key] = _line(value)
    return told


def _pair(variable: str) -> _Object | str:
    name, equals, value = variable.partition("=")
    return {name: value} if equals else variable


def _line(value: object) -> object:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value[0] if len(value) == 1 else shlex.join(value)
    return value


def _step(shown: str, key: str, created_by: str) -> Document:
    name, rest = steps.instruction(created_by)
    arguments, command = steps.without_arguments(rest)
    if "\n" in command:  # a here-document
        lines = [*(_assignment(one) for one in arguments), command]
        return Document(f"{_FOLDER}/run.sh", shown, key, _encoded(lines))
    lines = [*(f"ARG {_assignment(one)}" for one in arguments), f"{name} {command}"]
    return Document(f"{_FOLDER}/Dockerfile", shown, key, _encoded(lines))


def _assignment(argument: str) -> str:
    name, _, value = argument.partition("=")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{quoted}"'


def _encoded(lines: list[str]) -> bytes:
    return "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
