"""Say which step of its build brought a layer, in words that can hold no secret.

A step's command line may carry what should not be repeated: of RUN only the program is told, of
COPY and ADD the paths, of anything else the instruction. The number of the step, counted as in
`docker history` from the oldest, leads to the whole line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.images.manifest import Step

_NOP: Final = regex(r"^/bin/sh -c #\(nop\)\s+")
_SHELL: Final = regex(r"^(?:/bin/)?(?:ba|da)?sh (?:-\w+ )*-\w*c ")
_ARGUMENTS: Final = regex(r"^\|(\d{1,4}) ")
_INSTRUCTION: Final = regex(r"^([A-Z]{2,12})(?=\s|\[|$)")
_FILES: Final = regex(r"^(?:file|dir|multi):[0-9a-f]+ in ")
_PROGRAM: Final = regex(r"[A-Za-z][A-Za-z0-9_.\-]{0,30}(?=[\s;|&]|$)")
_PATH: Final = regex(r"(?:--\w+=)?[\w.*/\-]{1,80}")
_COPIES: Final = frozenset({"ADD", "COPY"})
_WORDS: Final = 6


class Made(NamedTuple):
    """The step that made a layer. number: from 1, 0 where the history does not say; text: safe."""

    number: int = 0
    text: str = ""


def of_layers(history: Sequence[Step], layers: int) -> list[Made]:
    """Give the step of each layer, the lowest first; steps that changed nothing have none."""
    made = [
        Made(number, brief(step.created_by or step.comment or ""))
        for number, step in enumerate(history, 1)
        if not step.empty_layer
    ]
    return [*made, *[Made()] * layers][:layers]


def brief(created_by: str) -> str:
    """Shorten a step to what can be repeated: "RUN apt-get", "COPY app.env /etc/app.env"."""
    name, rest = instruction(created_by[:2_000])
    if name in _COPIES:
        words = _FILES.sub("", rest).removesuffix("# buildkit").split()
        shown = [word if _PATH.fullmatch(word) else "…" for word in words[:_WORDS]]
        return " ".join([name, *shown])
    program = _PROGRAM.match(_SHELL.sub("", without_arguments(rest)[1]))
    return f"{name} {program[0]}" if name == "RUN" and program else name


def instruction(created_by: str) -> tuple[str, str]:
    """Part a step of any builder into its instruction, RUN where it is bare, and the rest."""
    text = _NOP.sub("", created_by).strip()
    found = _INSTRUCTION.match(text)
    if found:
        return found[1], text[found.end() :].strip()
    return "RUN", text


def without_arguments(rest: str) -> tuple[list[str], str]:
    """Part a RUN from the values of ARG that were in force: `|2 NAME=value NAME=value command`.

    A value may hold blanks, and nothing says where it ends: it then reaches as far as there are
    as many NAME= behind it as are missing.
    """
    found = _ARGUMENTS.match(rest)
    if not found:
        return [], rest
    words = rest[found.end() :].split(" ")
    arguments: list[str] = []
    for _ in range(int(found[1])):
        if not words or "=" not in words[0]:
            break
        arguments.append(words.pop(0))
        while words and not _ends(words[0]):
            arguments[-1] += f" {words.pop(0)}"
    return arguments, " ".join(words)


def _ends(word: str) -> bool:
    """Say whether a word begins the next argument or the command's shell."""
    name, equals, _ = word.partition("=")
    return (bool(equals) and name.isidentifier()) or word.startswith("/")
