"""Render the corpus: templates under positive/ and clean/ become files, and labels say where.

A template lies at FOLDER/FORMAT/PATH.tmpl and is rendered to DIR/hNNN/PATH, one numbered host a
FORMAT, so that the scanner learns nothing from FORMAT. `_git/` stands for `.git/`. Other endings:
`.tmpl-utf16` and `.tmpl-latin1` (encoding), `.tmpl-crlf` (line ends).

Placeholders, `{{LETTER:KIND}}` or `{{LETTER:KIND@NAME}}` (the same NAME in a file, the same value):
S a secret, its line is expected (kind `weak`: as a weak password)  T the same, by checks' templates
D a decoy, random too, but no secret                                O may be reported or not
Everything else in double braces stays as it is (Jinja, Go templates).

Run:  python tests/corpus/generate.py --into DIR [--seed N]     prints the labels as JSON lines
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
from pathlib import Path
from typing import NamedTuple

import values

HERE = Path(__file__).parent
_PLACEHOLDER = re.compile(r"\{\{([STDO]):([^{}@]+)(?:@(\w+))?\}\}")
_ENDING = re.compile(r"\.tmpl(?:-(utf16|latin1|crlf))?$")
_ENCODINGS = {"utf16": "utf-16", "latin1": "latin-1"}


class Template(NamedTuple):
    """One template: its file, its format (a folder), where it is rendered to, its variant."""

    file: Path
    format: str
    path: str
    variant: str
    positive: bool

    @property
    def held_out(self) -> bool:
        """True for the third that is never shown while tuning; stable, by its name."""
        name = self.file.relative_to(HERE).as_posix().encode()
        return hashlib.sha256(name).digest()[0] % 3 == 0


class Label(NamedTuple):
    """An expected place: lines FIRST to LAST of PATH; `optional` ones may be missed.

    value: what was planted there.
    """

    path: str
    first: int
    last: int
    kind: str
    optional: bool = False
    value: str = ""

    @property
    def weak(self) -> bool:
        """True where a weak-password finding is the right one."""
        return self.kind.split()[-1] == "weak"


def templates() -> list[Template]:
    """List every template, sorted; the host numbers follow the order of the formats' hashes."""
    found = [file for file in sorted(HERE.glob("*/*/**/*")) if _ENDING.search(file.name)]
    formats = sorted(
        {file.relative_to(HERE).parts[:2] for file in found},
        key=lambda parts: hashlib.sha256("/".join(parts).encode()).digest(),
    )
    hosts = {parts: f"h{number:03}" for number, parts in enumerate(formats)}
    return [_template(file, hosts) for file in found]


def _template(file: Path, hosts: dict[tuple[str, ...], str]) -> Template:
    kind, name, *inner = file.relative_to(HERE).parts
    ending = _ENDING.search(file.name)
    path = _ENDING.sub("", "/".join(inner)).replace("_git/", ".git/")
    variant = (ending and ending.group(1)) or ""
    return Template(file, name, f"{hosts[kind, name]}/{path}", variant, kind == "positive")


def render(template: Template, seed: str) -> tuple[bytes, list[Label]]:
    """Give the rendered bytes of TEMPLATE and its labels."""
    name = template.file.relative_to(HERE).as_posix()
    rng = random.Random(f"{seed}:{name}")
    text, made, labels = template.file.read_text(), dict[str, str](), list[Label]()
    out, line, end = [], 1, 0
    for found in _PLACEHOLDER.finditer(text):
        letter, kind, name = found.groups()
        before = text[end : found.start()]
        value = made.get(name) or values.make(f"T {kind}" if letter == "T" else kind, rng)
        if name:
            made[name] = value
        out += [before, value := _indented(value, text, found.start())]
        line += before.count("\n")
        last = line + value.count("\n")
        if letter != "D":
            labels.append(Label(template.path, line, last, kind, letter == "O", value))
        line, end = last, found.end()
    out.append(text[end:])
    return _encoded("".join(out), template.variant), labels


def _indented(value: str, text: str, at: int) -> str:
    """Indent the further lines of a value like its first, if only blanks stand before that."""
    head = text[text.rfind("\n", 0, at) + 1 : at]
    return value if head.strip() else value.replace("\n", "\n" + head)


def _encoded(text: str, variant: str) -> bytes:
    if variant == "crlf":
        text = text.replace("\n", "\r\n")
    return text.encode(_ENCODINGS.get(variant, "utf-8"))


def write(into: Path, seed: str) -> tuple[list[Template], list[Label]]:
    """Render everything below INTO, which must exist; raises OSError."""
    every, labels = templates(), list[Label]()
    for template in every:
        content, found = render(template, seed)
        if bool(found) != template.positive:
            message = f"{template.file}: a positive template has secrets, a clean one has none"
            raise ValueError(message)
        target = into / template.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        labels += found
    return every, labels


def main() -> None:
    """Render into --into and print the labels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    for label in write(options.into, options.seed)[1]:
        sys.stdout.write(json.dumps(label._asdict()) + "\n")


if __name__ == "__main__":
    main()
