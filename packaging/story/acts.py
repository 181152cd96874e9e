"""The acts of the story, in the order in which they are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from company import OpenBao, Receiver
from host import Host
from team import Team
from telling import act, quote, say, settled, until
from web import STRONG, WEAK, Web

if TYPE_CHECKING:
    from pathlib import Path

    from host import Finding
    from stage import Stage


class Story:
    """Who plays in it, and what was found so far. found, open: by identity."""

    def __init__(self, stage: Stage, nginx: Path) -> None:
        """Nothing runs yet."""
        self.stage = stage
        self.web, self.bao, self.receiver = Web(stage, nginx), OpenBao(stage), Receiver(stage)
        self.team, self.host = Team(stage), Host(stage, self.web)
        self.found: dict[str, Finding] = {}
        self.open: dict[str, Finding] = {}

    def look(self) -> None:
        """Show what the agent found and what closed since the last look."""
        before, self.open = self.open, settled(self.host.open)
        self.found |= self.open
        _list("found ", {one: self.open[one] for one in self.open.keys() - before.keys()})
        _list("closed", {one: before[one] for one in before.keys() - self.open.keys()})

    def shows(self, *words: str) -> bool:
        """Say whether each word is in what is open now."""
        text = " ".join(map(str, self.host.open().values()))
        return all(re.search(word, text) for word in words)


def weak_server(story: Story) -> None:
    """Start what is to be watched."""
    act("1. A web server as there are many")
    say(
        "Its private key and a database password lie in files that everyone on the host may read,"
        " and it speaks obsolete TLS."
    )
    story.web.serve()
    say(f"nginx serves https://{story.web.address} from the files in site/")


def company(story: Story) -> None:
    """Start what a team has beside its hosts."""
    act("2. What a team has: a receiver of reports, OpenBao for secrets, a store of signed policy")
    story.bao.serve()
    story.receiver.serve()
    story.team.found(story.web)


def watched(story: Story) -> None:
    """Start the agent, and show what it finds."""
    act("3. The agent starts: it pulls the policy, watches the files and asks the server")
    story.host.bootstrap(story.team, story.bao, story.receiver)
    story.host.watch()
    until(lambda: story.shows("app.env", "tls.pem", "tls-"), "findings")
    say("At medium or above it finds:")
    story.look()
    say("What one of them means and how to mend it: hygiene-agent explain tls-1.0")


def key_moves(story: Story) -> None:
    """Take the key from the disk into OpenBao, and serve it from memory."""
    act("4. The key moves into OpenBao; the agent has it delivered into memory")
    host, web = story.host, story.web
    told: tuple[object, ...] = ("keys", "import", web.pem, "--name", "web", "--to", "secret/web")
    told += ("--token-file", story.bao.token, "--deliver", host.delivered, "--action", "reload")
    told += ("--at", web.address, *host.settings)
    story.stage.hygiene(*told, "--write")
    host.watch()
    until(host.delivered.exists, "the key")
    say(f"nginx is told to read it from there, {story.stage.short(str(host.delivered))}.")
    web.configure(host.delivered, WEAK)
    web.reload()
    say("The file goes only after a handshake proved that the server serves the delivered one:")
    quote(story.stage.hygiene(*told, "--prove", "--remove"))
    until(lambda: not story.shows("tls.pem"), "the key's end")
    story.look()


def password_goes(story: Story) -> None:
    """Take the password from the disk, and say that it was changed."""
    act("5. The password leaves its file")
    story.web.forget_password()
    until(lambda: story.host.removed() and not story.shows("app.env"), "the password's end")
    say(
        "The file is clean; but whoever read the password still knows it, so it counts as a leak"
        " until somebody says that it was changed where it is used:"
    )
    for one in story.host.removed():
        quote(story.stage.hygiene("rotated", one, *story.host.settings))
    until(lambda: not story.host.removed(), "the password to be resolved")
    story.look()


def tightened(story: Story) -> None:
    """Tighten the policy, and see the host mend itself."""
    act("6. The policy tightens: Mozilla's intermediate TLS, and a configuration known to be good")
    host, web = story.host, story.web
    good = web.configuration(host.delivered, STRONG)
    story.team.tighten(web, good)
    until(lambda: web.file.read_text() == good, "the known good configuration")
    until(lambda: not (story.shows("tls-") or story.shows("managed")), "the end of weak TLS")
    say(
        "Nobody touched the host: it pulled the policy, put the approved file in its place, had"
        " nginx test and read it, and proved by handshakes that the server is no worse for it."
    )
    story.look()
    until(lambda: story.stage.quietly("restore", "list", *host.settings), "the list")
    say("What it changed is kept, with the content before and after, and can be undone:")
    quote(story.stage.hygiene("restore", "list", *host.settings))


def ending(story: Story, page: Path) -> None:
    """Say how it stands, here and at the receiver."""
    act("7. In the end")
    until(lambda: story.receiver.known() == story.host.known() != set(), "the last reports")
    say("The receiver has heard of all of it, and writes it as a page:")
    story.receiver.report(page)
    story.look()
    closed = len(story.found) - len(story.open)
    say(f"Found {len(story.found)}, closed {closed}, still open {len(story.open)}.")
    _list("open  ", story.open)
    say(
        "The certificates come from an authority that was made for this story and that no client"
        " knows; one of a public or of your own authority closes this too."
    )


def _list(what: str, findings: dict[str, Finding]) -> None:
    for one in sorted(findings.values()):
        quote(f"{what}  {one}")
