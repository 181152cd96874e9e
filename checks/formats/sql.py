"""Read passwords out of SQL: accounts, logins, links, and columns named like a credential."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = (
    "*.sql",
    "*.ddl",
    "*.psql",
    "*.pgsql",
    "*.mysql",
    "*.tsql",
    "*.plsql",
    "*.cql",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
)

_STRING: Final = (
    r"(?:[NnEe]?'(?P<single{0}>[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+)'"
    r'|"(?P<double{0}>[^"\\]*+(?:(?:""|\\.)[^"\\]*+)*+)"'
    r"|\$\$(?P<dollar{0}>[^$]{{1,200}}+)\$\$)"
)
_WORD: Final = r"(?:[\w.$\-]|\\.){1,64}"
_NAME: Final = rf"(?:'[^']{{1,64}}'|\"[^\"]{{1,64}}\"|`[^`]{{1,64}}`|\[[^\]]{{1,64}}\]|{_WORD})"

_TOKEN: Final = re.compile(
    rf"""
      (?P<comment>--(?=\s|-).*+|/\*(?![!+])(?:[^*]|\*(?!/)){{0,20000}}+(?:\*/)?|^\s*+\#.*+)
    | \b(?P<end>GO)\s*$ | (?P<semicolon>;)
    | \bIDENTIFIED\s+(?:WITH\s+{_NAME}\s+)?(?P<how>BY\s+VALUES|BY\s+PASSWORD|BY|AS)\s+
        (?:{_STRING.format(1)}|(?P<bare>[A-Za-z_][\w$\#]{{2,60}}+)(?=\s*(?:;|$|\s[A-Z])))
    | \b(?P<links>ENCRYPTION|DECRYPTION)\s+BY\s+PASSWORD\s*=\s*{_STRING.format(2)}
    | \b(?P<key>[A-Za-z_]{{0,40}}(?:PASSWORD|PASSWD|SECRET)|@?\w{{0,20}}rmtpassword)
        (?P<op>\s+TO\s+|\s*(?:=|:=|=>)\s*|\s+|\s*\(\s*)(?P<call>(?:OLD_)?PASSWORD\s*\(\s*)?
        (?:{_STRING.format(3)}|(?P<binary>0x[0-9A-Fa-f]{{20,400}}+))
    | \bCONNECTION\s+{_STRING.format(4)}
    | \bsp_(?:addlogin|password)\s+(?:@\w+\s*=\s*)?N?'(?P<spuser>[^']{{0,80}}+)'\s*,\s*(?:@\w+\s*=\s*)?{_STRING.format(5)}
    | \b(?:USER|(?:CREATE|ALTER)\s+(?:ROLE|LOGIN)|PASSWORD\s+FOR|TO)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<subject>{_NAME})
    | \bINSERT\s+INTO\s+(?P<table>{_NAME}(?:\.{_NAME})?)\s*\((?P<columns>[^()]{{1,4000}})\)\s*VALUES?\s*(?=\()
    | (?P<literal>'[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'?)
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_HASH: Final = re.compile(
    r"md5[0-9a-f]{32}\Z|SCRAM-SHA-256\$|\*[0-9A-F]{40}\Z|0x0[12]00[0-9A-F]|\$(?:2[abxy]?|5|6|A|argon2)"
    r"|S:[0-9A-F]{60}|sha(?:256|512):",
    re.IGNORECASE,
)
_CREDENTIAL: Final = re.compile(r"pass|pwd|secret|token|api_?key|private_?key", re.IGNORECASE)
_ITEM: Final = re.compile(
    r"\s*(?:[NE]?'(?P<s>[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+)'|(?P<w>[^,()'\"]*+(?:\([^()']{0,200}+\))?[^,()'\"]*+))\s*(?P<e>[,)])",
    re.IGNORECASE,
)
_NEXT_ROW: Final = re.compile(r"\s*,?\s*\(")
_KEYWORDS: Final = frozenset(
    "if with identified password set the for null mapping encrypted current_user".split()
)


def parse(text: str) -> Iterator[Entry]:
    """Give passwords of accounts and of whatever else is protected by one, and named columns."""
    return _Reader(text).run()


class _Reader:
    """One pass over a text: remembers the account of the statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.subject = ""
        self.at = 0
        self.line = 1

    def run(self) -> Iterator[Entry]:
        position = 0
        while found := _TOKEN.search(self.text, position):
            position = found.end()
            if found["semicolon"] or found["end"]:
                self.subject = ""
            elif found["subject"]:
                position = self._account(found)
            elif found["columns"]:
                rows = _Rows(self.text, position, found)
                for key, value, offset in rows.run():
                    yield Entry((key,), value, self._line(offset), quoted=True)
                position = rows.end
            elif not found["comment"] and not found["literal"]:
                yield from self._statement(found)

    def _account(self, found: re.Match[str]) -> int:
        """Remember whose statement it is; give where to read on."""
        name = found["subject"].strip("'\"`[]")
        word = name.lower()
        if word in _KEYWORDS or word.startswith(("master_", "source_")):
            return found.start("subject")
        self.subject = name
        return found.end()

    def _line(self, offset: int) -> int:
        self.line += self.text.count("\n", self.at, offset)
        self.at = offset
        return self.line

    def _statement(self, found: re.Match[str]) -> Iterator[Entry]:
        value, offset = _string(found)
        if not value:
            return
        line = self._line(offset)
        if found["how"] or found["links"] or found["spuser"] is not None:
            stored = (found["how"] or "").upper().endswith(("VALUES", "AS", "BY PASSWORD"))
            role = Role.HASH if stored or _HASH.match(value) else Role.SECRET
            user = found["spuser"] or self.subject
            yield Entry(("password",), value, line, role, quoted=True, subject=user)
        elif found["key"]:
            yield from self._keyed(found, value, line)
        else:
            yield Entry(("connection",), value, line, quoted=True)

    def _keyed(self, found: re.Match[str], value: str, line: int) -> Iterator[Entry]:
        key, op = found["key"], found["op"].strip()
        account = bool(self.subject) and key.upper() == "PASSWORD"
        certain = account or found["call"] is not None or not key.upper().endswith("SECRET")
        if op == "(" and not self.subject:
            return
        role = Role.SECRET if certain and op != "=>" else Role.NAMED
        if _HASH.match(value):
            role = Role.HASH
        yield Entry((key,), value, line, role, quoted=True, subject=self.subject)


def _string(found: re.Match[str]) -> tuple[str, int]:
    """The literal of a match and where it starts."""
    for number in "12345":
        for quote, mark in (("single", "'"), ("double", '"'), ("dollar", "$")):
            body = found[quote + number]
            if body is not None:
                return _plain(body, mark), found.start(quote + number)
    for name in ("bare", "binary"):
        if found[name]:
            return found[name], found.start(name)
    return "", found.start()


def _plain(body: str, quote: str) -> str:
    """Undo doubled quotes and backslash escapes of quotes and backslashes."""
    body = body.replace(quote * 2, quote)
    return re.sub(r"\\(['\"\\])", r"\1", body) if "\\" in body else body


class _Rows:
    """The rows behind VALUES: the items of columns named like a credential."""

    def __init__(self, text: str, start: int, found: re.Match[str]) -> None:
        self.text = text
        self.end = start
        names = [name.strip().strip("'\"`[]") for name in found["columns"].split(",")]
        self.wanted = {i: name for i, name in enumerate(names) if _CREDENTIAL.search(name)}

    def run(self) -> Iterator[tuple[str, str, int]]:
        while self.wanted and (opening := _NEXT_ROW.match(self.text, self.end)):
            self.end = opening.end()
            column = 0
            while item := _ITEM.match(self.text, self.end):
                self.end = item.end()
                if column in self.wanted and item["s"]:
                    yield self.wanted[column], _plain(item["s"], "'"), item.start("s")
                column += 1
                if item["e"] == ")":
                    break
            else:
                return
