"""What a command is fed is read as lines or as pairs."""

from __future__ import annotations

import pytest

from checks import shellwords
from checks.model import Role
from checks.secrets.stdin import standard_input


@pytest.mark.parametrize(
    ("text", "pairs", "expected"),
    [
        ("echo x | f", False, ["x"]),
        ("echo -e 'x\\nz' | f", False, ["x", "z"]),
        ("echo 'x\\ny' | f", False, ["x\\ny"]),
        ("printf 'x\\n' | f", False, ["x"]),
        ("printf '%s\\n%s\\n' x z | f", False, ["x", "z"]),
        ("printf '%q\\n' x | f", False, ["x"]),
        ("f <<< x", False, ["x"]),
        ("f <<E\na:x\nb:z\nE\n", True, ["x", "z"]),
        ("echo a:x:y | f", True, ["x:y"]),
        ("echo x | f", True, []),
        ("echo yes | f", False, []),
        ("printf | f", False, []),
        ("cat g | f", False, []),
        ("f < g", False, []),
    ],
)
def test_the_fed_text_is_read(text: str, pairs: bool, expected: list[str]) -> None:  # noqa: FBT001 - a table's column
    """Escapes count where the feeding command resolves them; answers are no secrets."""
    command = list(shellwords.commands(text))[-1]
    entries = list(standard_input(command, "f", Role.SECRET, pairs=pairs))
    assert [entry.value for entry in entries] == expected
