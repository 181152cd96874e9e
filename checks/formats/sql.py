"""Read passwords out of SQL: accounts, logins, links, and columns named like a credential."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
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

_STRING: Final = regex(
    r"(?:[NE]?'(?P<single>[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+)'"
    r'|"(?P<double>[^"\\]*+(?:(?:""|\\.)[^"\\]*+)*+)"'
    r"|\$\$(?P<dollar>[^$]{1,200}+)\$\$|(?P<binary>0x[0-9A-F]{20,400}+))",
    re.IGNORECASE | re.DOTALL,
)
_BARE: Final = regex(r"([A-Za-z_][\w$#]{2,60}+)(?=\s{0,20}(?:;|\Z|[A-Z]))")
_NAME: Final = (
    r"(?:'[^']{1,64}'|\"[^\"]{1,64}\"|`[^`]{1,64}`|\[[^\]]{1,64}\]|(?:[\w.$\-]|\\.){1,64})"
)
_TOKEN: Final = regex(
    rf"""
      (?P<comment>--(?=\s|-)[^\n]*+|/\*(?![!+])(?:(?>[^*]|\*(?!/))){{0,20000}}+(?:\*/)?
        |^[ \t]*+\#[^\n]*+)
    | (?P<end>;|^GO[ \t]*$)
    | \bIDENTIFIED\s+(?:WITH\s+{_NAME}\s+)?(?P<how>BY\s+VALUES|BY\s+PASSWORD|BY|AS)\s+
    | \b(?P<link>(?:EN|DE)CRYPTION\s+BY\s+PASSWORD)\s*=\s*
    | \b(?P<key>[A-Z_]{{0,40}}(?:PASSWORD|PASSWD|SECRET)|@?\w{{0,20}}rmtpassword)
        (?P<op>\s+TO\s+|\s*(?:=>|:=|=)\s*|\s*\(\s*|\s+)(?P<call>(?:OLD_)?PASSWORD\s*\(\s*)?
        (?=[NE]?['"$]|0x)
    | \b(?P<connection>CONNECTION)\s+
    | \bsp_(?:addlogin|password)\s+(?:@\w+\s*=\s*)?N?'(?P<login>[^']{{0,80}}+)'\s*,\s*
        (?:@\w+\s*=\s*)?
    | \b(?:USER|(?:CREATE|ALTER)\s+(?:ROLE|LOGIN)|PASSWORD\s+FOR|TO)\s+
        (?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<subject>{_NAME})
    | \bINSERT\s+INTO\s+{_NAME}(?:\.{_NAME})?\s*\((?P<columns>[^()]{{1,4000}})\)\s*VALUES?\s*(?=\()
    | (?P<literal>'[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'?)
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_HASH: Final = regex(
    r"md5[0-9a-f]{32}\Z|SCRAM-SHA-256\$|\*[0-9A-F]{40}\Z|0x0[12]00[0-9A-F]|\$(?:2[abxy]?|5|6|A|argon2)"
    r"|S:[0-9A-F]{60}|sha(?:256|512):",
    re.IGNORECASE,
)
_DIGEST: Final = regex(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64})\Z")
"""A bare digest: what a table of accounts has in place of a password."""
_PASSWORD: Final = regex(r"pass|pwd", re.IGNORECASE)
_INSIDE: Final = regex(r"\bpassword=|://[^\s/@]{1,100}@")
"""A connection string."""
_CREDENTIAL: Final = regex(r"pass|pwd|secret|token|api_?key|private_?key", re.IGNORECASE)
_ITEM: Final = regex(
    r"\s*(?:[NE]?'(?P<text>[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+)'"
    r"|[^,()'\"]*+(?:\([^()']{0,200}+\))?[^,()'\"]*+)\s*(?P<end>[,)])",
    re.IGNORECASE | re.DOTALL,
)
_SETTINGS: Final = frozenset(
    "name key k setting option option_name param parameter variable config_name config_key"
    " setting_name setting_key meta_key path".split()
)
_VALUES: Final = regex(r"v|val|(?:\w{0,20}_)?value")
"""The columns of a table that holds settings: the name of one, and what it is set to."""
_NEXT_ROW: Final = regex(r"\s*,?\s*\(")
_KEYWORDS: Final = frozenset(
    {"current_user", "encrypted", "for", "identified", "if", "mapping", "null", "password", "set"}
    | {"the", "with"}
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
            if found["end"]:
                self.subject = ""
            elif found["subject"]:
                position = self._account(found)
            elif found["columns"]:
                rows = _Rows(self.text, position, found["columns"])
                for key, value, offset in rows.run():
                    yield Entry((key,), value, self._line(offset), quoted=True)
                position = rows.end
            elif found["literal"] and _INSIDE.search(found["literal"]):
                body = _plain(found["literal"].strip("'"), "'")
                yield Entry(("string",), body, self._line(found.start()), quoted=True)
            elif not found["comment"] and not found["literal"]:
                literal = _STRING.match(self.text, position)
                if literal is None and found["how"]:
                    literal = _BARE.match(self.text, position)
                if literal:
                    position = literal.end()
                    yield from self._statement(found, literal)

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

    def _statement(self, found: re.Match[str], literal: re.Match[str]) -> Iterator[Entry]:
        value = _value(literal)
        if not value:
            return
        line = self._line(literal.start())
        if found["connection"]:
            yield Entry(("connection",), value, line, quoted=True)
        elif found["key"]:
            yield from self._keyed(found, value, line)
        else:
            stored = (found["how"] or "").upper().endswith(("VALUES", "AS", "PASSWORD"))
            role = Role.HASH if stored or _HASH.match(value) else Role.SECRET
            user = found["login"] or self.subject
            yield Entry(("password",), value, line, role, quoted=True, subject=user)

    def _keyed(self, found: re.Match[str], value: str, line: int) -> Iterator[Entry]:
        key, operator = found["key"], found["op"].strip()
        if operator == "(" and not self.subject:
            return
        by_grammar = found["call"] is not None or not key.upper().endswith("SECRET")
        role = Role.SECRET if by_grammar and operator != "=>" else Role.NAMED
        if _HASH.match(value):
            role = Role.HASH
        yield Entry((key,), value, line, role, quoted=True, subject=self.subject)


def _value(literal: re.Match[str]) -> str:
    """Give the text of a literal, or a bare word as it is."""
    for name, quote in (("single", "'"), ("double", '"')):
        body = literal.groupdict().get(name)
        if body is not None:
            return _plain(body, quote)
    return next(text for text in literal.groups() if text is not None)


def _plain(body: str, quote: str) -> str:
    """Undo doubled quotes and backslash escapes of quotes and backslashes."""
    body = body.replace(quote * 2, quote)
    return re.sub(r"\\(['\"\\])", r"\1", body) if "\\" in body else body


class _Rows:
    """The rows behind VALUES: the items of columns named like a credential."""

    def __init__(self, text: str, start: int, columns: str) -> None:
        self.text = text
        self.end = start
        names = [name.strip().strip("'\"`[]") for name in columns.split(",")]
        self.wanted = {i: name for i, name in enumerate(names) if _CREDENTIAL.search(name)}
        lower = [name.lower() for name in names]
        self.setting = next((i for i, name in enumerate(lower) if name in _SETTINGS), -1)
        self.value = next((i for i, name in enumerate(lower) if _VALUES.fullmatch(name)), -1)
        self.named = ""

    def _name(self, column: int, text: str) -> str:
        """Give what a text stands for if that is wanted and the text no digest of a password.

        In a table of settings the name stands in a column in front; mere letters are a label there.
        """
        if column == self.setting:
            self.named = text if _CREDENTIAL.search(text) else ""
        name = self.wanted.get(column, "")
        if column == self.value and not text.isalpha():
            name, self.named = self.named, ""
        return "" if _PASSWORD.search(name) and _DIGEST.match(text) else name

    def run(self) -> Iterator[tuple[str, str, int]]:
        settings = -1 < self.setting < self.value
        while (self.wanted or settings) and (opening := _NEXT_ROW.match(self.text, self.end)):
            self.end = opening.end()
            self.named, column = "", 0
            while item := _ITEM.match(self.text, self.end):
                self.end = item.end()
                if item["text"] and (name := self._name(column, item["text"])):
                    yield name, _plain(item["text"], "'"), item.start("text")
                column += 1
                if item["end"] == ")":
                    break
            else:
                return
