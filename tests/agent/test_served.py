"""What servers show is kept and published as it was seen last, also over a restart."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from agent import served, snapshot
from agent.served import Served, Serving
from checks.tls.facts import Chain, EndpointFacts, Target
from tests.agent.vault.authority import Issued, issue

if TYPE_CHECKING:
    from pathlib import Path


def facts(*leaves: Issued, port: int = 443) -> EndpointFacts:
    chains = tuple(Chain((one.certificate.public_bytes(Encoding.DER),)) for one in leaves)
    return EndpointFacts(target=Target("127.0.0.1", port), versions={}, chains=chains, seconds=2.0)


def published(folder: Path) -> Served | None:
    return snapshot.read(folder / served.FILE, Served)


def test_what_was_shown_last_is_published(tmp_path: Path) -> None:
    """With the time that it was certainly shown after; a restart knows it, what is gone is not."""
    base = sqlite3.connect(tmp_path / "base", isolation_level=None)
    old, new = issue("a", names=["a"]), issue("b", names=["b"])
    serving = Serving(base)
    serving.take("one", facts(old), 100.0)
    serving.take("two", facts(old, new, port=444), 100.0)
    serving.take("one", facts(new, new), 200.0)
    serving.publish(tmp_path)
    told = published(tmp_path)
    assert told is not None
    assert [one.place for one in told.certificates] == [
        "tls://127.0.0.1:443",
        *["tls://127.0.0.1:444"] * 2,
    ]
    first, second, third = told.certificates
    assert first.at < 198.0
    assert (first.sha256, first.spki) == (third.sha256, third.spki)
    assert second.sha256 != third.sha256
    again = Serving(base)
    again.forget("two")
    again.publish(tmp_path)
    told = published(tmp_path)
    assert told is not None
    assert told.certificates == (first,)
    base.close()


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    """A turn of the loop costs no write."""
    base = sqlite3.connect(tmp_path / "base", isolation_level=None)
    serving = Serving(base)
    serving.publish(tmp_path)
    mark = snapshot.mark(tmp_path / served.FILE)
    serving.publish(tmp_path)
    assert snapshot.mark(tmp_path / served.FILE) == mark
    base.close()
