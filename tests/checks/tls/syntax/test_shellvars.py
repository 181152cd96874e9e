"""Variables of shell files that are not run."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from checks.tls.syntax.shellvars import variables

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """# a comment: Z=1
A=1
export B="two words" # behind
C='$A "raw"'
D=$A/${B}-$NONE
  E=x; F=y
A=3
G=`date`
H="$(date)"
if true; then
  I=yes
fi
"""


def test_the_last_assignments_count() -> None:
    """Quotes are taken off, variables put in, and what a program would say is left out."""
    assert variables(TEXT, {"J": "given"}) == {
        "A": "3",
        "B": "two words",
        "C": '$A "raw"',
        "D": "1/two words-",
        "E": "x",
        "I": "yes",
        "J": "given",
    }


def test_a_shell_says_the_same(tmp_path: Path) -> None:
    """What is told of a file is what sourcing it sets."""
    (tmp_path / "file").write_text(TEXT)
    said = variables(TEXT, {})
    echoed = "".join(f"printf '%s\\0' \"${name}\";" for name in said)
    shell = subprocess.run(
        ["sh", "-c", f". ./file; {echoed}"], check=True, capture_output=True, cwd=tmp_path
    )
    assert shell.stdout.decode().split("\0")[:-1] == list(said.values())


def test_values_do_not_grow_without_end() -> None:
    """Doubling again and again ends at the longest value."""
    text = "A=xxxxxxxx\n" + 'A="$A$A$A$A"\n' * 10_000
    assert len(variables(text, {})["A"]) == 4_096
