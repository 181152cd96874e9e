"""Say where a decoded document is not what it should be, what was expected there, what was found.

msgspec names the place of a fault and the type; people need the key, the choices, and the value.
"""

from __future__ import annotations

import re
from typing import Any, Final

from checks import redact
from checks.lazy import regex

_STEP: Final = regex(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_FIELD: Final = regex(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_Node = dict[str, Any]
_KINDS: Final = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def explained(raw: object, error: str, schema: _Node, what: str) -> str:
    """Give one line such as "files.exclude: expected array, got int".

    error: msgspec's; schema: the JSON Schema of the type; what: what to call the whole document.
    """
    said, _, at = error.partition(" - at `")
    place, value, node = _reached(raw, at.rpartition("$")[2].rstrip("`"), schema)
    if field := _FIELD.match(said):
        inner = f"{place}.{redact.shown(field[2])}".lstrip(".")
        if field[1] == "missing required":
            return f"{inner}: expected a value, got none"
        return f"{inner}: unknown key, expected one of {', '.join(sorted(node['properties']))}"
    if at.startswith("key`"):
        return f"{place or what}: expected names as keys, got another type"
    if said.startswith("expected "):  # what a type of our own says of its value
        return f"{place or what}: {redact.shown(said)}"
    return f"{place or what}: expected {_expected(said, node)}, got {_named(value)}"


def _expected(said: str, node: _Node) -> str:
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if node.get("format") == "date":
        return "a date such as 2027-03-31"
    expected = said.removeprefix("Expected ").partition(", got ")[0]
    return expected.replace("`", "").replace(" | ", " or ")


def _reached(raw: Any, path: str, whole: _Node) -> tuple[str, Any, _Node]:  # noqa: ANN401 - any YAML
    """Follow a path such as "waivers[0].until": its spelling, the value and the schema there."""
    place, value, node = "", raw, _resolved(whole, whole, raw)
    for name, index in _STEP.findall(path):
        if name:
            step, node = name, _property(node, name)
        elif index == "...":  # some value of a mapping: the first that is not allowed
            node = node["additionalProperties"]
            step = next((key for key, one in value.items() if not _fits(one, node, whole)), "")
        else:
            step, node = int(index), node["items"]
        place += f"[{step}]" if isinstance(step, int) else f".{redact.shown(step)}"
        value = value.get(step) if isinstance(value, dict) else value[step]
        node = _resolved(whole, node, value)
    return place.lstrip("."), value, node


def _fits(value: Any, node: _Node, whole: _Node) -> bool:  # noqa: ANN401 - any YAML
    """Say whether a value may stand in a mapping, by its schema and those of its parts."""
    node = _resolved(whole, node, value)
    if "anyOf" in node:
        return any(_fits(value, one, whole) for one in node["anyOf"])
    if not isinstance(value, _KINDS.get(node.get("type", ""), object)):
        return False
    if isinstance(value, dict):
        parts = node.get("properties", {})
        other = node.get("additionalProperties", {}) or None
        inner = [(one, parts.get(key, other)) for key, one in value.items()]
        return value.keys() >= set(node.get("required", ())) and all(
            known is not None and _fits(one, known, whole) for one, known in inner
        )
    if isinstance(value, list):
        return all(_fits(one, node.get("items", {}), whole) for one in value)
    if isinstance(value, str) and not _short(value, node):
        return False
    return "enum" not in node or value in node["enum"]


def _short(value: str, node: _Node) -> bool:
    right = node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value))
    return right and re.search(node.get("pattern", ""), value) is not None


def _property(node: _Node, name: str) -> _Node:
    """Give the schema of a key; of the key that tells kinds apart, the kinds that there are."""
    told = node.get("discriminator")
    found: _Node = {"enum": sorted(told["mapping"])} if told else node["properties"][name]
    return found


def _resolved(whole: _Node, node: _Node, value: object) -> _Node:
    """Follow references, and of several kinds take the one that the value says it is."""
    if "discriminator" in node and isinstance(value, dict):
        kind = value.get(node["discriminator"]["propertyName"])
        known = node["discriminator"]["mapping"]
        node = {"$ref": known[kind]} if isinstance(kind, str) and kind in known else node
    choices = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    node = choices[0] if len(choices) == 1 else node
    reference = str(node.get("$ref", ""))
    found: _Node = whole["$defs"][reference.rpartition("/")[2]] if reference else node
    return found


def _named(value: object) -> str:
    """Name what was found: a word or a small number as it is, anything else by its type."""
    if isinstance(value, str):
        return repr(redact.shown(value[:40]))
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) < 10**12:
        return str(value)
    return {"dict": "object", "list": "array"}.get(type(value).__name__, type(value).__name__)
