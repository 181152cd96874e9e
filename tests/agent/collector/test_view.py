"""What is shown: one image's fault once, ages, trends, who is silent; nothing hostile acts."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.collector import (
    columns,
    contexts,
    digests,
    hostlines,
    page,
    pageparts,
    place,
    view,
    wire,
)
from agent.collector.batch import Batch, Numbered
from agent.collector.contexts import ContextError
from agent.collector.digests import Live
from agent.collector.hosts import Speaker
from agent.collector.store import Limits, Store
from agent.events import Digest, Kind
from agent.findings import Status, digest
from agent.output.charts import Part
from tests.agent.collector.world import Authority, Role, fault, host, leak

if TYPE_CHECKING:
    from pathlib import Path

    from agent.collector.shape import View
    from agent.events import Event

NOW = time.time()
DAY = 86_400.0


class Fleet:
    """Hosts that report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder, Limits())

    def take(self, name: str, *events: Event, image: str = "", now: float = NOW) -> None:
        numbered = []
        for event in events:
            stream, _, number = event.id.rpartition("-")
            numbered.append(Numbered(stream, int(number), event))
        batch = Batch(host(name, image=image), tuple(numbered), 0)
        with self.store.together():
            self.store.take(batch, Speaker(name, bound=False), now)

    def view(self, most: int = 100, now: float = NOW) -> View:
        return view.view(self.folder, now, DAY / 2, most)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "collector")


def since(event: Event, seconds: float) -> Event:
    return msgspec.structs.replace(event, first_seen=NOW - seconds)


def test_an_images_fault_is_one_line_however_many_hosts_have_it(fleet: Fleet) -> None:
    """Identities and addresses differ from host to host; another image or place is another line."""
    for number in range(100):
        role = Role()
        endpoint = fault(f"{number:031x}e", f"tls://10.0.0.{number}:443/a.example")
        found = role.opened(leak(f"{number:032x}"), endpoint)
        fleet.take(f"host{number}", *found, image="base:7")
    fleet.take("other", *Role().opened(leak("a" * 32)), image="base:8")
    images = fleet.view().images
    assert [(one.image, one.check, one.place, one.hosts) for one in images] == [
        ("base:7", "embedded-password", "/etc/app.yml", 100),
        ("base:8", "embedded-password", "/etc/app.yml", 1),
        ("base:7", "key-permissions", "tls://*:443/a.example", 100),
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("tls://10.0.0.1:443/a", "tls://*:443/a"),
        ("smtp+tls://[::1]:25", "smtp+tls://*:25"),
        ("tls://[fe80::1%eth0]:443/x", "tls://*:443/x"),
        ("/etc/app.yml", "/etc/app.yml"),
        ("/srv/tls://10.0.0.1:443", "/srv/tls://10.0.0.1:443"),
    ],
)
def test_an_endpoints_address_does_not_count(path: str, shown: str) -> None:
    """Only of an endpoint, and only its address."""
    assert place.shown(path) == shown


def test_open_deviations_are_counted_by_age(fleet: Fleet) -> None:
    """By when they were first seen; a clock that is ahead makes nothing younger than today."""
    role = Role()
    ages = (3600, 2 * DAY, 3 * DAY, 8 * DAY, 40 * DAY, -5 * DAY)
    fleet.take(
        "web1",
        *(
            since(event, age)
            for event, age in zip(
                role.opened(*(leak(f"{n:032x}") for n in range(6))), ages, strict=True
            )
        ),
    )
    [row] = fleet.view().checks
    assert (row.day, row.week, row.month, row.older, row.hosts) == (2, 2, 1, 1, 1)


def test_leaks_that_were_removed_stay_until_they_were_rotated(fleet: Fleet) -> None:
    """They are listed with their mask; a resolved one is not."""
    role = Role()
    gone = [role.about(Kind.REMOVED, leak(one * 32)) for one in "ab"]
    fleet.take("web1", *gone, role.about(Kind.RESOLVED, leak("b" * 32)))
    [row] = fleet.view().removed
    assert (row.host, row.place, row.preview) == ("web1", "/etc/app.yml", "••••••••")


def test_the_trend_says_what_is_not_known(fleet: Fleet) -> None:
    """Days without a count are marked; opened and ended are counted on their day, once."""
    role = Role()
    opened = role.opened(leak("a" * 32), leak("b" * 32))
    fleet.take("web1", *opened, now=NOW - 3 * DAY)
    fleet.store.count(NOW - 3 * DAY)
    fleet.take("web1", *opened, role.about(Kind.RESOLVED, leak("a" * 32)))
    fleet.take("web1", *role.opened(leak("b" * 32)))
    fleet.store.count(NOW)
    trend = fleet.view().trend
    assert len(trend) == 30
    assert [one.day for one in trend] == sorted(one.day for one in trend)
    told = {place: (one.opened, one.ended, one.open["high"]) for place, one in enumerate(trend)}
    assert told[29] == (0, 1, 1)
    assert told[26] == (2, 0, 2)
    assert [place for place, one in enumerate(trend) if one.counted] == [26, 29]


def test_silent_hosts_are_named_and_lists_are_cut_with_their_counts(fleet: Fleet) -> None:
    """Silence is a matter of when; what is cut is counted."""
    for number in range(20):
        fleet.take(f"host{number:02}", *Role().opened(leak(f"{number:032x}")), image=f"i{number}")
    fleet.take("quiet", *Role().opened(leak("a" * 32)), now=NOW - DAY)
    shown = fleet.view(most=5)
    assert (shown.counts.silent, shown.counts.hosts) == (1, 21)
    assert shown.hosts[0].id == "quiet"
    assert shown.left_out == {"hosts": 16, "images": 16}
    assert fleet.view().left_out == {}
    text = "\n".join(hostlines.lines(list(shown.hosts), NOW))
    assert re.search(r"quiet .* 24 h  silent", text)
    assert "16 more" in "".join(page.render(shown))


class Elements(HTMLParser):
    """Collects the elements of a page, and checks that they are closed."""

    VOID = ("meta", "br", "circle", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize(
    "name", ["web1", "<img src=x onerror=alert(1)>", "\"'><svg/onload=x>&amp;"]
)
def test_the_page_is_sound_and_has_no_element_of_a_hosts(fleet: Fleet, name: str) -> None:
    """Whatever hosts are called, the page has the same elements and nothing that acts."""
    role = Role()
    bad = msgspec.structs.replace(leak("a" * 32, f"/{name}"), message=name)
    fleet.take(name, *role.opened(bad), role.about(Kind.REMOVED, leak("b" * 32, name)), image=name)
    text = "".join(page.render(fleet.view()))
    elements = Elements()
    elements.feed(text)
    assert elements.open == []
    assert not elements.seen & {"script", "img", "iframe", "form", "link", "object", "a"}
    assert not any(one.startswith("on") for one in elements.attributes)
    assert {"html", "table", "svg"} <= elements.seen


def test_an_empty_receiver_says_so(fleet: Fleet) -> None:
    """Nothing reported is not nothing found."""
    shown = fleet.view()
    assert pageparts.verdict(shown) == "No host has reported yet."
    assert "No host has reported yet." in "".join(page.render(shown))


def test_columns_are_on_one_scale() -> None:
    """The highest day fills the height; a day of which nothing is known is no zero."""
    drawn = columns.columns(
        "t",
        [
            columns.Column("a", (Part("high", 1, "high"), Part("low", 3, "low"))),
            columns.Column("b", None),
            columns.Column("c", ()),
        ],
    )
    assert 'height="25.00"' in drawn
    assert 'height="75.00"' in drawn
    assert drawn.count('class="unknown"') == 1
    assert columns.columns("t", []).count("<rect") == 0


def test_a_digest_is_compared_by_status_too() -> None:
    """Right for exactly what it was made from; what came before its newest is over."""
    live = [Live(n, letter, Status.OPEN) for n, letter in enumerate("abc", 1)]

    def told(*known: tuple[str, Status]) -> Digest:
        states = [status for _, status in known]
        return Digest(
            open=states.count(Status.OPEN),
            removed=states.count(Status.REMOVED),
            sha256=digest(known),
        )

    opened = [(one, Status.OPEN) for one in "abc"]
    assert digests.compare(live, told(*opened)) == (True, ())
    assert digests.compare(live, told(*opened[1:])) == (True, ("a",))
    assert digests.compare(live, told()) == (True, ("c", "b", "a"))
    assert not digests.compare(live, told(*opened[:2])).right
    assert not digests.compare(live, told(*opened, ("d", Status.OPEN))).right
    assert not digests.compare(live, told(*opened[:2], ("c", Status.REMOVED))).right


def test_names_of_a_certificate() -> None:
    """Common names, then DNS names and URIs, each once; nothing else."""
    shown = {
        "subject": ((("commonName", "web1"),), (("organizationName", "o"),)),
        "subjectAltName": (("DNS", "web1"), ("URI", "spiffe://x/y"), ("IP Address", "10.0.0.1")),
    }
    assert wire.names(shown) == ("web1", "spiffe://x/y")
    assert wire.names({}) == ()


def test_only_sound_files_make_a_context(tmp_path: Path) -> None:
    """A missing file, one that is not PEM, a key of another certificate: each is told by name."""
    authority = Authority(tmp_path, "ca")
    files, other = authority.issue("a"), authority.issue("b")
    own = contexts.Own(*files)
    assert contexts.make(own, authority.file)
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    nonsense.chmod(0o600)
    for wrong in (
        lambda: contexts.make(own, tmp_path / "nothing"),
        lambda: contexts.make(own, nonsense),
        lambda: contexts.make(contexts.Own(files.certificate, other.key), authority.file),
        lambda: contexts.make(contexts.Own(files.certificate, nonsense), authority.file),
        lambda: contexts.make(own, authority.file, nonsense),
    ):
        with pytest.raises(ContextError, match=str(tmp_path)):
            wrong()
