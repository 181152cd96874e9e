"""Files that are part of this program."""

from __future__ import annotations

import pytest

from checks import packaged


def test_a_file_of_a_package_is_read() -> None:
    """Below its folder too; one that is not there is an error."""
    assert packaged.text("checks.tls", "suites.tsv").startswith("0001\t")
    assert "id: mozilla-modern" in packaged.text("checks.tls", "profiles/mozilla-modern.yaml")
    with pytest.raises(FileNotFoundError):
        packaged.text("checks.tls", "none.tsv")
