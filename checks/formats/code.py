"""Read string literals that source code assigns to, or passes for, a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import callables
from checks.formats.quoting import c_unescape
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE: Final = True

NAMES: Final = tuple(
    f"*.{ending}"
    for ending in (
        "asp aspx bas c cc cjs clj cljs coffee cpp cr cs csx cts cxx d dart eex elm erl ex exs f90 fs fsx"
        " go gradle groovy gvy h hh hpp hrl hs hx hxx inc ipynb java jl js jsp jsx kt kts lua m mjs ml mm"
        " mts nim pas php php3 php4 php5 phps phtml pl pm pod pp prisma proto ps1 psd1 psm1 py pyi pyw pyx r"
        " rake rb rs sbt scala sol svelte swift t tcl ts tsx v vala vb vbs vue zig"
    ).split()
) + (
    "berksfile", "brewfile", "capfile", "cheffile", "fastfile", "gemfile", "guardfile", "jenkinsfile",
    "jenkinsfile.*", "podfile", "puppetfile", "rakefile", "sconscript", "sconstruct", "snakefile",
    "thorfile", "tiltfile", "vagrantfile", "wscript",
)  # fmt: skip

_STRING: Final = (
    r'(?:"""(?P<triple{0}>[^"\\]*+(?:(?:\\.|"{{1,2}}(?!"))[^"\\]*+)*+)"""'
    r'|"(?P<double{0}>[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
    r"|'(?P<single{0}>[^'\\\n]*+(?:\\.[^'\\\n]*+)*+)'"
    r"|`(?P<tick{0}>[^`\\]*+(?:\\.[^`\\]*+)*+)`)"
)
_PREFIX: Final = r"(?P<prefix{0}>[fFrRbBuULN@$]{{0,3}}+)"
_CHAIN: Final = r"[A-Za-z_][\w$]{0,80}+(?:(?:\.|->|::|\?\.)[\w$]{1,80}+){0,8}+"
_TYPE: Final = (
    r"(?:[ \t]*:(?!:)[ \t]*[&*]?(?:'static[ ])?[A-Za-z_][\w.<>|?&\[\] ]{0,60}?(?=[ \t]*=)"
    r"|[ \t]+(?:\*?\w{0,20}string|\[\]byte)(?=[ \t]*=)|\[\w{0,20}\](?=[ \t]*=))?"
)
_WRAPPERS: Final = (
    r"(?:(?:new[ ]+)?(?:\[\]byte|String|std::string|SecretStr|SecureString|GuardedString|str|bytes"
    r"|StringValue|to_string|Secret|Sensitive|Some|Optional\.of|SecretValue\.unsafePlainText"
    r"|pulumi\.String|aws\.String|config\.String)\([ \t]*)?"
)
_TOKEN: Final = re.compile(
    rf"""
      (?P<comment>(?<![^\s;}}])(?:\#(?!define|\w+[ ]*=[^=])|//|/\*)|^[ \t]*(?:--(?!\[)|\*(?=[\s/])|%%?(?=\s)|;;))
    | \#define[ \t]+(?P<macro>\w{{1,80}})[ \t]+{_STRING.format(0)}
    | (?P<q>["'`])(?P<name>[A-Za-z_@$][\w.\-/:$@]{{0,80}}+)(?P=q)
        (?P<close>[\])}}]{{0,2}}) [ \t]*
        (?P<op>=>|->|:(?!:)|=(?![=~>])|\|\||\?\?|\?:|,|\.?or[ ]|:=) [ \t]*
        {_WRAPPERS}{_PREFIX.format(1)}{_STRING.format(1)}
    | (?P<ternary>\?[ \t]*)?(?P<at>[$@%:]{{0,2}}|-)(?P<chain>(?<![\w$]){_CHAIN})
        (?:[\]}}"'])?{_TYPE}
        (?: [ \t]*(?P<op2>=>|<-|:=|\|\|=|\?\?=|\|\||\?\?|[?+]?=(?![=~>])|:(?!:)|\() | (?P<blank>[ \t]{{1,8}}) | (?<=:)(?P<kw>[ \t]) )
        [ \t]*{_WRAPPERS}{_PREFIX.format(2)}{_STRING.format(2)}
    | {_PREFIX.format(3)}{_STRING.format(3)}
    | (?P<skip>[A-Za-z_$][\w$]*+)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMPOSED: Final = re.compile(r"[ \t]*(?:\+(?!\+)|%[ \t]*[\w({]|\.\.|\.[ \t]*[$'\"]|\.format\(|\.replace\(|<>|&[ \t]*\w|~)")
_INTERPOLATED: Final = re.compile(r"\$\{|#\{|\\\(|\{\$")
_BRACES: Final = re.compile(r"\{[^{}]")
_WORD: Final = re.compile(r"pass|pwd|secret|token|key|psk|cred|auth|salt|pw", re.IGNORECASE)
_INSIDE: Final = re.compile(r"://[^\s/@]{0,100}@|(?:password|passwd|pwd|token|AccountKey)[ ]?=[^=]", re.IGNORECASE)
_SPLIT: Final = re.compile(r"\.|->|::|\?\.")


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of every line; never fails."""
    for number, line in enumerate(text.split("\n"), 1):
        yield from parse_line(line, number)


def parse_line(line: str, number: int) -> Iterator[Entry]:
    """Give the string literals on one line that stand for a name, and those with a secret inside.

    The keys are the parts of the name (`config.db.password`), of a lookup with a default the
    looked-up name, of a setter the name without "set". A comment, a comparison, a string that is
    interpolated or glued to others gives nothing.
    """
    if '"' not in line and "'" not in line and "`" not in line:
        return
    last = ""
    at = 0
    while found := _TOKEN.search(line, at):
        at = found.end()
        kind = found.lastgroup
        if found["skip"]:
            last = found["skip"]
            continue
        if found["comment"] is not None:
            return
        yield from _entries(line, found, last, number)
