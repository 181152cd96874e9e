"""The story that packaging/try tells comes to its end, and however it ends, leaves nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.packaging.conftest import PACKAGING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 300
_ENDED = "story: all of it was stopped, and removed but for its log: "


class _Telling(NamedTuple):
    """A story that is being told. said: what it printed; errors: that too, to the other stream."""

    process: subprocess.Popen[bytes]
    folder: Path
    page: Path
    said: Path
    errors: Path

    def until_it_says(self, text: str) -> str:
        """Wait for what it has to say; give all that it said."""
        end = time.monotonic() + _PATIENCE
        while text not in (said := self.said.read_text()):
            assert self.process.poll() is None, self.errors.read_text()
            assert time.monotonic() < end, said
            time.sleep(0.1)
        return said

    def left(self) -> list[str]:
        """Give what is left of it: its folders, and the processes that work in them."""
        memory = re.findall(r"/dev/shm/story-\w+", self.said.read_text())
        assert memory
        places = [str(self.folder), *memory]
        found = [place for place in places if os.path.exists(place)]
        for one in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = one.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if any(f"{place}/" in words for place in places):
                found.append(words)
        return found


@pytest.fixture
def told(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[_Telling]:
    """Tell the story with the web server that the test names, else with nginx."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    server = getattr(request, "param", found)
    assert server, "needed: nginx"
    folder, page = tmp_path / "story", tmp_path / "page.html"
    said, errors = tmp_path / "said", tmp_path / "errors"
    with said.open("wb") as output, errors.open("wb") as other:
        process = subprocess.Popen(
            [sys.executable, "-I", PACKAGING / "story", folder, server, page],
            stdout=output,
            stderr=other,
            start_new_session=True,
        )
    yield _Telling(process, folder, page, said, errors)
    process.send_signal(signal.SIGTERM)
    process.wait(_PATIENCE)


def test_the_story_is_told_to_its_end(told: _Telling) -> None:
    """What was found closes, the page knows the host, and nothing else is left."""
    assert told.process.wait(_PATIENCE) == 0, told.errors.read_text()
    said = told.said.read_text()
    counts = re.search(r"Found (\d+), closed (\d+), still open (\d+)\.", said)
    assert counts
    found, closed, still = map(int, counts.groups())
    assert (found - closed, still) == (1, 1)
    assert said.count("     found ") == found
    assert said.count("     closed ") == closed
    assert ">shop-1<" in told.page.read_text()
    assert str(told.page) in said.splitlines()[-1]
    assert not told.page.with_suffix(".log").exists()
    assert told.left() == []


def test_ctrl_c_leaves_nothing(told: _Telling) -> None:
    """Told to stop in the middle, twice as the impatient do, it stops all that it started."""
    told.until_it_says("\n4. ")
    assert len(told.left()) > 2
    os.killpg(told.process.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(told.process.pid, signal.SIGINT)
    assert told.process.wait(_PATIENCE) == 130
    assert "Traceback" not in told.errors.read_text()
    assert told.left() == []
    assert not told.page.with_suffix(".log").exists()


@pytest.mark.parametrize("told", [shutil.which("false")], indirect=True)
def test_a_failure_leaves_its_log_alone(told: _Telling) -> None:
    """A web server that ends at once is told, with where to read on, and the rest is removed."""
    assert told.process.wait(_PATIENCE) == 1
    log = told.page.with_suffix(".log")
    assert told.errors.read_text() == f"story: nginx ended with status 1\n{_ENDED}{log}\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert told.left() == []
    assert not told.page.exists()
