"""Read the layers of a policy as people keep them: a folder of YAML files, in git. EDGE.

    base.yaml                  for every host
    group/LABEL/VALUE.yaml     for hosts with this label
    host/NAME.yaml             for one host
    rollout.yaml               {LAYER: {share, labels, from, paused}}; who is not named: for all

LABEL, VALUE and NAME are percent-quoted where they hold what file names cannot. What a layer names
(secrets.rules, tls.profiles, managed.PATH.file) are files relative to its own, inside the folder;
they are written out in it. Each layer is put over what is below it and tried as hosts try it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from agent import given, yamlfile
from agent.policy import contents, effective, layers, rollout
from agent.policy.layers import Layer
from checks import catalog
from checks.errors import HygieneError, PolicyError
from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.policy.rollout import Rollout
    from checks.policy import Policy

ROLLOUT: Final = "rollout.yaml"
_SUFFIX: Final = ".yaml"
_LAYER_NAME: Final = regex(r"[A-Za-z0-9_.~%/\-]{1,500}")
_MOST: Final = 1 << 20
"""Bytes of one layer with all that is written out in it."""
_MOST_LAYERS: Final = 20_000
_NAMING: Final = (("secrets", "rules"), ("tls", "profiles"))


class Source(NamedTuple):
    """What a folder says: the content of each layer, and for whom its newest edition is."""

    layers: dict[str, bytes]
    rollouts: dict[str, Rollout]

    def rollout(self, layer: str) -> Rollout:
        """Give for whom a layer's newest edition is."""
        return self.rollouts.get(layer, rollout.Rollout())


def read(folder: Path) -> Source:
    """Read and try a whole folder; raises PolicyError with the file and the place in it."""
    base = _said(folder, _file(folder, layers.BASE))
    _tried(folder, layers.BASE, [base])
    found = {layers.BASE: content(base)}
    for name in _names(folder):
        said = _said(folder, _file(folder, name))._replace(name=name)
        _tried(folder, name, [base, said])
        found[name] = content(said)
    return Source(found, _rollouts(folder, found))


def content(layer: Layer) -> bytes:
    """Give the bytes of an edition: the same mapping, the same bytes."""
    text = json.dumps(layer.says, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def _file(folder: Path, layer: str) -> Path:
    return folder / f"{layer}{_SUFFIX}"


def _names(folder: Path) -> Iterator[str]:
    """Name the layers above the base, sorted; raises PolicyError for a file that is none."""
    inside = [*_listed(folder / "host"), *_listed(folder / "group", 2)]
    if len(inside) > _MOST_LAYERS:
        raise PolicyError(f"{folder}: more than {_MOST_LAYERS} layers")
    for path in inside:
        name = str(path.relative_to(folder))
        if path.suffix != _SUFFIX:
            raise PolicyError(f"{_shown(path)}: expected {_SUFFIX} files only, rules elsewhere")
        name = name.removesuffix(_SUFFIX)
        if name != (quoted := _quoted(name)):
            raise PolicyError(f"{_shown(path)}: expected the name {_shown(quoted)}{_SUFFIX}")
        yield name


def _listed(folder: Path, depth: int = 1) -> list[Path]:
    """List what lies in a folder, so many levels deep, but for hidden files; sorted."""
    try:
        inside = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PolicyError(f"{_shown(folder)}: {error.strerror}") from error
    return inside if depth == 1 else [path for one in inside for path in _listed(one, depth - 1)]


def _quoted(name: str) -> str:
    """Give the name of a layer as hosts ask for it."""
    kind, *parts = map(unquote, name.split("/"))
    labels = {parts[0]: parts[1]} if kind == "group" else {}
    try:
        return layers.names(labels, parts[-1])[1]
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return "NAME"


def _said(folder: Path, path: Path) -> Layer:
    """Read one layer with what it names written out in it."""
    says = yamlfile.load(_inside(folder, path), PolicyError, yamlfile.APPENDING)
    for section, key in _NAMING:
        part = says.get(section)
        if isinstance(part, dict):
            for told in {key, f"{key}+"} & part.keys():
                part[told] = _written_out(folder, path, (f"{section}.{told}", part[told]))
    try:
        contents.written_out(says, lambda name: _bytes(folder, path.parent / name))
    except PolicyError as error:
        raise PolicyError(f"{_shown(path)}: {error}") from error
    try:
        whole = json.loads(json.dumps(says, allow_nan=False, default=_plain))
    except (TypeError, ValueError) as error:
        raise PolicyError(f"{_shown(path)}: holds a value that JSON has no form for") from error
    layer = Layer(layers.BASE, whole)
    if len(content(layer)) > _MOST:
        raise PolicyError(f"{_shown(path)}: larger than {_MOST} bytes with the files it names")
    return layer


def _plain(value: object) -> object:
    """Turn a date of YAML into its text."""
    return msgspec.to_builtins(value)


def _written_out(folder: Path, path: Path, told: tuple[str, object]) -> object:
    """Put files in the place of their names; what else stands there is judged later."""
    where, named = told
    if not isinstance(named, list):
        return named
    return [
        _document(folder, path.parent / one, f"{_shown(path)}: {where}[{i}]")
        if isinstance(one, str) and _is_file(where, one)
        else one
        for i, one in enumerate(named)
    ]


def _is_file(where: str, name: str) -> bool:
    from checks.tls import profilefile

    return where.startswith("secrets") or name not in profilefile.names()


def _document(folder: Path, path: Path, where: str) -> dict[str, object]:
    try:
        return yamlfile.load(_inside(folder, path), PolicyError)
    except PolicyError as error:
        raise PolicyError(f"{where}: {error}") from error


def _bytes(folder: Path, path: Path) -> bytes:
    return given.read(_inside(folder, path), PolicyError)


def _inside(folder: Path, path: Path) -> Path:
    """Give a file itself; raises PolicyError where it lies outside the folder, links followed."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise PolicyError(f"{_shown(path)}: {reason}") from error
    if not real.is_relative_to(folder.resolve()):
        raise PolicyError(f"{_shown(path)}: lies outside {_shown(folder)}")
    if not real.is_file():
        raise PolicyError(f"{_shown(path)}: not a regular file")
    return path


def _tried(folder: Path, name: str, joined: list[Layer]) -> None:
    """Try what the layers say together, as hosts do and as `policy check` and `rules check` do."""
    path = _shown(_file(folder, name))
    try:
        told = effective.policy_of(effective.made(joined, {}, {}))
        said = joined[-1].says
        if "tls" in said:
            _try_profiles(told)
        if "secrets" in said:
            _try_rules(told)
    except HygieneError as error:
        raise PolicyError(f"{path}: {error}") from error


def _try_profiles(told: Policy) -> None:
    from agent import profiling

    profiling.of_policy(told, Path(os.devnull))


def _try_rules(told: Policy) -> None:
    from checks.secrets import prove
    from checks.secrets import rules as rule_files

    texts = [(f"secrets.rules[{i}]", json.dumps(one)) for i, one in enumerate(told.secrets.rules)]
    if not texts:
        return
    own = rule_files.load(texts)
    rule_files.load([*catalog.rule_files(), *texts])  # an id may be taken already
    for rule in own:
        for problem in prove.problems(rule):
            raise PolicyError(problem)


def _rollouts(folder: Path, known: Mapping[str, bytes]) -> dict[str, Rollout]:
    path = folder / ROLLOUT
    if not path.exists():
        return {}
    raw = yamlfile.load(_inside(folder, path), PolicyError, _LAYER_NAME)
    for name in raw:
        if name not in known:
            raise PolicyError(f"{_shown(path)}: {_shown(name)}: no such layer")
    return {name: _rollout(told, f"{_shown(path)}: {name}") for name, told in raw.items()}


def _rollout(told: object, where: str) -> Rollout:
    found = rollout.of(told, where)
    if found.share % 1:  # what is signed is canonical JSON, which has no fractions
        raise PolicyError(f"{where}: share: expected a whole number of percent")
    return found


def _shown(path: Path | str) -> str:
    return printable(str(path))
