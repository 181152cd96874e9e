"""An inventory as JSON: stable keys, every table, any name."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from agent.joining import joined
from agent.output import inventoryjson

if TYPE_CHECKING:
    from agent.inventory import Gathered


def test_the_object_holds_everything(gathered: Gathered) -> None:
    """Schema, run and all tables; what was not looked at makes it incomplete."""
    text = "".join(inventoryjson.render(joined(gathered)))
    assert text.isascii()
    got = json.loads(text)
    assert (got["schema"], got["tool"]) == ("hygiene-agent/inventory/1", "hygiene-agent")
    assert (got["host"], got["taken"]) == ("web1", "2026-06-01T12:00:00+00:00")
    assert (got["below"], got["seconds"], got["complete"]) == (["/etc"], 1.5, False)
    lists = ("listeners", "endpoints", "suites", "certificates", "keys", "absent", "inconclusive")
    assert [len(got[name]) for name in lists] == [5, 2, 3, 3, 4, 1, 2]


def test_rows_of_a_table_have_the_same_keys(gathered: Gathered) -> None:
    """What is not known is null or "", never left out; a certificate is flat."""
    got = json.loads("".join(inventoryjson.render(joined(gathered))))
    for rows in (got["listeners"], got["suites"], got["certificates"], got["keys"]):
        assert len({tuple(row) for row in rows}) == 1
    certificate = got["certificates"][1]
    assert (certificate["subject"], certificate["days_left"]) == ("CN=a.example", 60)
    assert certificate["keys"] == [{"path": "/etc/copy/a.key"}, {"path": "/etc/ssl/a.key"}]
    file = next(row for row in got["keys"] if len(row["files"]) == 2)["files"][1]
    assert (file["path"], file["access"]["mode"]) == ("/etc/ssl/a.key", "0640")
    assert (file["access"]["readers"], file["proved"]) == ("group", True)


def test_a_name_that_is_no_text_is_whole_in_base64(gathered: Gathered) -> None:
    """Its odd bytes are escaped in the text beside it."""
    got = json.loads("".join(inventoryjson.render(joined(gathered))))
    (file,) = [f for row in got["keys"] for f in row["files"] if "calc" in f["path"]]
    assert b"\xff\xe2\x80\xae.key" in base64.b64decode(file["path_base64"])
    assert "\\xff" in file["path"]


def test_nothing_found_is_still_whole(gathered: Gathered) -> None:
    """Empty tables are there, and nothing was missed."""
    empty = joined(gathered._replace(heard=(), held=(), keys=(), uses=(), missing=(), unseen=()))
    bare = type(empty)(
        version="1", host="", root="/srv/image", taken=empty.taken, seconds=0.1, below=()
    )
    got = json.loads("".join(inventoryjson.render(bare)))
    assert (got["complete"], got["root"], got["keys"]) == (True, "/srv/image", [])
    assert got.keys() == json.loads("".join(inventoryjson.render(empty))).keys()
