"""Read string literals that source code assigns to, or passes for, a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import callables
from checks.formats.lines import CREDENTIAL
from checks.formats.literals import Literal, is_whole, literals
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE: Final = True

_ENDINGS: Final = """
    asp aspx bas c cc cjs clj cljs coffee cpp cr cs csx cts cxx d dart eex elm erl ex exs fs fsx go
    gradle groovy gvy h hh hpp hrl hs hxx inc java jl js jsp jsx kt kts lua m mjs ml mm mts nim pas
    php php3 php4 php5 phps phtml pl pm pod pp proto ps1 psd1 psm1 py pyi pyw pyx r rake rb rs sbt
    scala sol svelte swift t tcl ts tsx v vala vb vbs vue zig
"""
_FILES: Final = """
    berksfile brewfile capfile cheffile fastfile gemfile guardfile podfile puppetfile rakefile
    sconscript sconstruct snakefile thorfile tiltfile wscript
"""
NAMES: Final = (*(f"*.{ending}" for ending in _ENDINGS.split()), *_FILES.split())

_INTERPRETER: Final = regex(
    r"#![^\n]{0,80}?[/ ](?:perl|python|pypy|ruby|jruby|node|nodejs|deno|bun|php|lua|luajit|pwsh"
    r"|powershell|groovy|Rscript|tclsh|wish|scala|kotlin|julia|elixir|escript|guile|raku"
    r"|osascript)[\d.\-]*(?=[\s]|\Z)"
)
_WINDOW: Final = 160
"""Of the text between two literals, this much in front of the second is looked at."""
_WRAPPER: Final = regex(
    r"(?:new[ ]+)?(?<![\w$.])(?:\[\]byte|String|SecretStr|SecureString|GuardedString|Secret"
    r"|Sensitive|str|bytes|Some|Optional\.of|SecretValue\.unsafePlainText|pulumi\.String|aws\.String)\(\Z"
)
_OPERATOR: Final = regex(
    r"(?:=>|->|<-|:=|\|\|=|\?\?=|\|\||\?\?|\?:|(?<![=!<>~])[?+]?=|(?<!:):|\(|,|\bor)\Z"
)
_CHAIN: Final = regex(
    r"([$@%:\-]{0,2})((?<!\w)[A-Za-z_][\w$]*+(?:(?>(?:\.|->|::|[?!]\.)\#?[\w$]++))*+)"
    r"(?:(?>\[\w{0,20}\]|[\]})\\\"'?!]))*+\Z"
)
_TYPE: Final = regex(
    r"[ \t]*(?:(?<!:):(?![:=])[^=:,;(){}\"]*(?:::[^=:,;(){}\"]*)*|[ \t]\*?string"
    r"|[ \t]\[\]byte)\Z"
)
_SCOPED: Final = regex(r"\$(?i:env|global|local|private|script|using):\w+\Z")
"""A variable of PowerShell with its scope, which is no type."""
_CLOSERS: Final = " \t[]})\\\"'?!"
_TERNARY: Final = regex(r"\?[ \t]*[\w$.]+\Z")
_ATOM: Final = regex(
    r"(?:\{[ \t]*|\b(?:set|default|property|attribute|option|put|store|write)[ \t]*[ (]:)"
    r"([a-z_]\w{0,80})\Z"
)
"""The first of two arguments that are a name and its value: Erlang's `{password, "x"}` and, of
Ruby, `set :password, "x"`."""
_MACRO: Final = regex(r"[ \t]*#[ \t]*define[ \t]++(\w++)\Z")
_SECURE: Final = regex(
    r"ConvertTo-SecureString(?:[ ]+-(?:String|AsPlainText|Force))*\Z", re.IGNORECASE
)
_SECURED: Final = regex(r"[ )]*\|[ ]*ConvertTo-SecureString", re.IGNORECASE)
_SPLIT: Final = regex(r"\.|->|::|[?!]\.")
_NAME: Final = regex(r"(?:--?)?([A-Za-z_@$][\w.\-/:$@]{0,100}+)")
_SETTER: Final = regex(r"(?:set|with|add|put|use)_?(?=[A-Z_a-z])(\w+)")
_READER: Final = regex(
    r"from|get|is|has|find|load|read|fetch|check|verify|validate|match|test|print"
)
_COMMANDED: Final = regex(r"(?<![\w.])(?:set|(?:system)?[Pp]roperty)\Z")
"""Of Groovy and Ruby, a setter whose arguments stand without brackets."""
_GETTER: Final = regex(r"(?i)(?<![a-z])(?:get|is|has|find|load|read|fetch)\w*[ \t]*\([ \t]*\Z")
"""A call whose second word may be as well the name of a member as a default."""
_PLACEHOLDER: Final = regex(r"\$\{([A-Za-z_][\w.\-]{0,100}+):-?([^${}]{1,200}+)\}")
_INSIDE: Final = regex(
    r"://[^\s/@]{1,100}@|[Pp]ass(?:word|wd)[ ]?=[^=]|(?:[Pp]w|PW)[Dd][ ]?=[^=]|[Tt]oken=[^=]"
    r"|AccountKey=|(?:\A|_)(?:KEY|TOKEN|SECRET|PASS)=[^=]|IDENTIFIED BY |identified by |Bearer "
    r"|Basic |@(?:tcp|unix)\("
)
_FALLBACKS: Final = frozenset({"||", "??", "?:", "or"})
_ASSIGNED: Final = regex(
    r"(?<!\w)(\w*(?:pass(?:w(?:or)?d)?|pwd|secret|token)\w{0,8})[\"']?[ \t]*+"
    r"[:=](?!=)[^=]{0,80}\Z",
    re.IGNORECASE,
)
"""The credential that is given the value looked up, or what stands behind it."""
_GIVEN: Final = regex(
    r"(?<!\w)(\w*(?:pass(?:w(?:or)?d)?|pwd|secret|token)\w{0,8})(?:[ \t]*:[^=]{0,40})?[ \t]*=(?!=)"
    r"[^=]{0,80}\Z",
    re.IGNORECASE,
)
_SYMBOL: Final = regex(r"\[:([a-z_]\w{0,80})\]\Z")
"""The last index of a setting of Chef: `default[:redis][:requirepass]`."""
_MEMBER: Final = regex(
    r"\[[:\"'](?:password|passwd)s?[\"']?\]\[[:\"']([a-z][\w.\-]{0,40})[\"']?\][ \t]*\Z"
)
"""The password of one account in a setting of Chef: `default["postgresql"]["password"]["app"]`."""
_ABOUT_MEMBER: Final = regex(
    r"(?:\w*_)?(?:algorithm|attribute|case|characters?|class|column|count|encryption|expir\w*|field"
    r"|file|format|hash\w*|history|id|key|label|length|lifetime|lock\w*|max\w*|method|min\w*|name"
    r"|path|policy|prompt|require\w*|rounds|salt\w*|scheme|source|strength|style|type|url|user"
    r"|username|valid\w*|warn\w*)"
)
"""Members of a password's settings that say how it is to be."""
_DEFAULTS: Final = frozenset({"default", "default_value", "defaultvalue", "fallback"})


def sniff(head: str) -> bool:
    """Recognise a script of a language by its interpreter."""
    return _INTERPRETER.match(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of every line; never fails."""
    for number, line in enumerate(text.split("\n"), 1):
        yield from parse_line(line, number)


def parse_line(line: str, number: int) -> Iterator[Entry]:
    """Give the string literals on one line that stand for a name, and those with a secret inside.

    The keys are the parts of the name (`config.db.password`); of a lookup with a default the name
    looked up; of a setter its name without "set". A comment or a comparison gives nothing, nor
    does a string that is interpolated or glued to others.
    """
    if '"' not in line and "'" not in line and "`" not in line:
        return
    before: list[Literal] = []
    secure = "SecureString" in line and "asplaintext" in line.lower()
    for literal in literals(line):
        if literal.body:
            if secure and is_whole(line, literal) and _secure(line, literal):
                yield Entry(
                    (callables.SECURE_STRING,), literal.value, number, Role.SECRET, quoted=True
                )
            else:
                yield from _entry(line, literal, before, number)
        before.append(literal)
    if before and ("(" in line or "basic_auth " in line):
        yield from callables.credentials(line, before, number)


def _entry(line: str, literal: Literal, before: list[Literal], number: int) -> Iterator[Entry]:
    if is_whole(line, literal):
        keys = _keys(line, literal, before)
        if not keys and _INSIDE.search(literal.body):
            keys = ("string",)
        if keys:
            yield Entry(keys, literal.value, number, Role.NAMED, quoted=True)
    elif "${" in literal.body:
        for found in _PLACEHOLDER.finditer(literal.body):
            yield Entry((found[1],), found[2], number, Role.NAMED, quoted=True)


def _secure(line: str, literal: Literal) -> bool:
    """Say whether PowerShell turns this literal into a SecureString."""
    before = line[max(0, literal.start - _WINDOW) : literal.start].rstrip()
    return bool(_SECURE.search(before) or _SECURED.match(line, literal.end))


def _keys(line: str, literal: Literal, before: list[Literal]) -> tuple[str, ...]:
    """Name what a literal stands for; empty when it stands for nothing."""
    start = before[-1].end if before else 0
    near = literal.start - start <= _WINDOW
    gap = line[start if near else literal.start - _WINDOW : literal.start].rstrip()
    if gap.endswith("(") and (wrapper := _WRAPPER.search(gap[-40:])):
        gap = gap[: wrapper.start() - len(wrapper.string)].rstrip()
    found = _OPERATOR.search(gap, len(gap) - 3 if len(gap) > 3 else 0)
    if found is None:
        return _unmarked(line, literal, gap, before)
    operator, left = found[0], gap[: found.start()].rstrip()
    if operator == "=" and left.endswith("]"):
        member = _MEMBER.search(
            line[max(0, literal.start - _WINDOW) : literal.start].rstrip(" \t=")
        )
        if member:
            return () if _ABOUT_MEMBER.fullmatch(member[1]) else (member[1], "password")
    if before and near and not left.strip(_CLOSERS):
        return _linked(line, literal, before[-1], operator)
    if operator == ",":
        atom = _ATOM.search(left)
        return (atom[1],) if atom else ()
    return _named(line, left, operator, before)


def _linked(line: str, literal: Literal, key: Literal, operator: str) -> tuple[str, ...]:
    """Take the literal in front as the name: `"password": "x"`, `put("password", "x")`."""
    name = _NAME.fullmatch(key.body)
    if name is None or operator == "(":
        return ()
    if operator in _FALLBACKS and (assigned := _ASSIGNED.search(line[: key.start][-_WINDOW:])):
        return (name[1], assigned[1])
    if operator == "," and not _is_pair(line, key, literal):
        return ()
    return (name[1],)


def _is_pair(line: str, key: Literal, literal: Literal) -> bool:
    """Say whether two literals are the first two arguments of a call, and no list of words."""
    lead = line[max(0, key.start - 24) : key.start].rstrip()
    if key.body[:1] == "-" or not (lead.endswith("(") or _COMMANDED.search(lead)):
        return False
    if (
        literal.body.isalpha()
        and not key.body.isupper()
        and _GETTER.search(line[: key.start][-80:])
    ):
        return False
    after = line[literal.end : literal.end + 8]
    more = "," in after and after.lstrip(" \t,")[:1] in {'"', "'"}
    return not more or lead.endswith("EnvironmentVariable(")


def _named(line: str, left: str, operator: str, before: list[Literal]) -> tuple[str, ...]:
    if operator == "=" and (symbol := _SYMBOL.search(left[-_WINDOW:])):
        return (symbol[1],)
    if operator == "=" and not _SCOPED.search(left) and (typed := _TYPE.search(left)):
        left = left[: typed.start()] or left
    found = _CHAIN.search(_last_word(left))
    if found is None or (operator == ":" and _TERNARY.search(left)):
        return ()
    chain = tuple(_SPLIT.split(found[2].replace("#", "")))
    if operator == "(":
        return _called(line, left, found, chain)
    if chain[-1].lower() in _DEFAULTS:
        return _looked_up(before) or _given(left) or chain
    return chain


def _given(left: str) -> tuple[str, ...]:
    """`password: str = Field(default="x")`: the default is of what is given the call's result."""
    given = _GIVEN.search(left[-_WINDOW:])
    return (given[1],) if given else ()


def _last_word(left: str) -> str:
    return left.rsplit(None, 1)[-1][-100:] if left else ""


def _unmarked(line: str, literal: Literal, gap: str, before: list[Literal]) -> tuple[str, ...]:
    """`-Password "x"` of PowerShell, `:password "x"` of Clojure, `password "x"` on its own."""
    if not gap or line[literal.start - 1] not in " \t":
        return ()
    if macro := _MACRO.match(gap):
        return (macro[1],)
    found = _CHAIN.search(_last_word(gap))
    if found is None:
        return ()
    alone = not before and found[0] == gap.strip()
    chain = tuple(_SPLIT.split(found[2]))
    marked = found[1].startswith(("-", ":"))
    return chain if (alone or marked) and CREDENTIAL.search(chain[-1].lower()) else ()


def _looked_up(before: list[Literal]) -> tuple[str, ...]:
    """`option("--password", default="x")`: the default is of the name in front."""
    names = [one.body for one in before[-4:]]
    long = [name for name in names if name.startswith("--")] or names[-1:]
    name = _NAME.fullmatch(long[0]) if long else None
    return (name[1],) if name else ()


def _called(line: str, left: str, found: re.Match[str], chain: tuple[str, ...]) -> tuple[str, ...]:
    """`setPassword("x")`, `.password("x")`: a method that is named for what it is given."""
    name = chain[-1]
    if not CREDENTIAL.search(name.lower()):
        return ()
    if setter := _SETTER.fullmatch(name):
        plain = setter[1].lstrip("_")
        return (plain[:1].lower() + plain[1:],)
    dotted = len(chain) > 1 or left[: -len(found[0])][-1:] in {".", ">"}
    first = line.lstrip().startswith(found[0])
    return (name,) if (dotted or first) and not _READER.match(name.lower()) else ()
