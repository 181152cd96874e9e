"""The HTML page: complete, self-contained, and deaf to hostile names, in a real browser too."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from agent.output import html
from agent.output.htmlparts import folder
from checks.model import Confidence, Finding, Location, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from agent.report import CheckInfo, Report

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
    "--virtual-time-budget=3000",
    "--dump-dom",
)


class _Page(HTMLParser):
    """Collects tags and attributes, and finds out whether every tag is closed."""

    void = frozenset(("meta", "input", "circle", "rect"))

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def page_of(report: Report, infos: dict[str, CheckInfo]) -> str:
    """Give the whole page."""
    return "".join(html.render(report, infos))


def browse(page: str, tmp_path: Path, fragment: str = "") -> tuple[str, list[str]]:
    """Open a page in Chromium; give the document afterwards and what the console said."""
    browser = shutil.which("chromium") or "chromium-browser"
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [
        browser,
        *FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        f"file://{file}{fragment}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def rows(dom: str) -> list[str]:
    """Give the paths of the rows that can be seen, in order."""
    starts = re.findall(r"<tr (data-rank=[^>]*)>", dom)
    return [re.findall(r'data-path="([^"]*)"', one)[0] for one in starts if "hidden" not in one]


def test_the_page_is_well_formed_and_whole(report: Report, infos: dict[str, CheckInfo]) -> None:
    """Every tag is closed, every finding is a row, every chart is drawn."""
    page = _Page(page_of(report, infos))
    assert page.open == []
    assert page.count("tr") == 1 + 5 + 1 + 3
    assert page.count("section") == 4
    assert page.count("script") == 1


def test_hostile_names_are_text(report: Report, infos: dict[str, CheckInfo]) -> None:
    """A file name that is markup stands escaped in elements and attributes."""
    written = page_of(report, infos)
    assert "<script>document" not in written
    assert written.count("&lt;script&gt;document.title=&#x27;owned&#x27;&lt;/script&gt;") >= 2
    assert r"\x1b[2J" in written
    written.encode("utf-8")


def test_nothing_is_loaded(report: Report, infos: dict[str, CheckInfo]) -> None:
    """No element refers to anything outside but links, and the page forbids the rest to itself."""
    page = _Page(page_of(report, infos))
    assert not [tag for tag, attrs in page.tags if "src" in attrs or "style" in attrs]
    assert {tag for tag, attrs in page.tags if "href" in attrs} == {"a"}
    [policy] = [a["content"] for _, a in page.tags if "Security" in (a.get("http-equiv") or "")]
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[^']{44}'; script-src 'sha256-[^']{44}';"
        r" base-uri 'none'; form-action 'none'",
        policy,
    )


def test_only_web_references_become_links(report: Report, infos: dict[str, CheckInfo]) -> None:
    """A reference that is no web address, such as javascript:, stays text."""
    page = _Page(page_of(report, infos))
    targets = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert targets == {"https://example.org/why"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/app/config/a.yml", "/srv/app/"),
        ("/srv/a.yml", "/srv/"),
        ("/srv/a.zip!/x/y", "/srv/"),
        ("/etc/passwd", "/etc/"),
        ("src/x/a.py", "src/"),
        ("a.py", "a.py"),
    ],
)
def test_folder(path: str, expected: str) -> None:
    """A finding counts for the folder right below the root that it is in."""
    one = Finding("c", Severity.LOW, Confidence.LOW, Location(path), "m", "f")
    assert folder(one, ("/srv", "/srv/other")) == expected


def test_the_browser_shows_it_without_complaint(
    report: Report, infos: dict[str, CheckInfo], tmp_path: Path
) -> None:
    """The script runs under the page's own policy, and no file name does anything."""
    dom, console = browse(page_of(report, infos), tmp_path)
    assert console == []
    assert "5 of 5 shown" in dom
    assert "<title>hygiene-agent: 5 findings" in dom
    assert rows(dom)[0] == "/srv/app/a.yml"


def test_the_browser_would_tell(tmp_path: Path) -> None:
    """Control: a page that does not escape is caught by the same look."""
    spoiled = "<title>x</title><p><script>document.title='owned';console.error('no')</script>"
    dom, console = browse(spoiled, tmp_path)
    assert "<title>owned</title>" in dom
    assert len(console) == 1


def test_an_unescaped_script_would_not_run(
    report: Report, infos: dict[str, CheckInfo], tmp_path: Path
) -> None:
    """Even with the escaping gone, the page's policy keeps a foreign script and handler still."""
    attack = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    dom, console = browse(page_of(report, infos).replace("<main>", f"<main>{attack}"), tmp_path)
    assert "<title>owned" not in dom
    assert any("Content Security Policy" in line for line in console)


def test_filters_and_order_work(
    report: Report, infos: dict[str, CheckInfo], tmp_path: Path
) -> None:
    """Words, severities and the order are taken from the address, and applied."""
    page = page_of(report, infos)
    dom, _ = browse(page, tmp_path, "#q=srv+app&without=low")
    assert rows(dom) == ["/srv/app/a.yml", "/srv/app/key.pem"]
    assert "2 of 5 shown" in dom
    dom, _ = browse(page, tmp_path, "#sort=path,descending&check=clear-text-password")
    assert rows(dom)[0].startswith("/var/b")
    assert len(rows(dom)) == 4


def test_a_clean_report_is_a_page_too(clean: Report, tmp_path: Path) -> None:
    """Nothing found makes a page without table that says so."""
    dom, console = browse(page_of(clean, {}), tmp_path)
    assert console == []
    assert "<h1>No findings.</h1>" in dom
    assert "<table" not in dom
