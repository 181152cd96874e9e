"""The store of git credentials gives its URLs for others to take apart."""

from __future__ import annotations

from checks.formats import gitcredentials


def test_every_line_is_a_url() -> None:
    """Blank lines and comments are left out."""
    entries = list(gitcredentials.parse("https://a\n\n# b\nhttps://c\n"))
    assert [(entry.keys, entry.value, entry.line) for entry in entries] == [
        (("url",), "https://a", 1),
        (("url",), "https://c", 4),
    ]
