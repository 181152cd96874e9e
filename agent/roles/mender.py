"""The mender: puts managed files back to what policy approved, where the host allows it. EDGE.

It writes below the folders of the bootstrap file and nowhere else, reads nothing beyond them, and
reaches no network. What has to be tested, reloaded and looked at others do, by name.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import marks, snapshot
from agent.findings import Look
from agent.ledger import LedgerError
from agent.marks import Marks
from agent.mending import course, place
from agent.mending.course import Helpers
from agent.mending.hands import Asking
from agent.mending.kept import Keeping
from agent.mending.returns import Returns
from agent.mending.thing import MendError
from agent.policy.inforce import InForce
from agent.requests import Restore, Undo
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from checks.managed import deviations, seen
from checks.managed.advice import NOT_RESTORED
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from agent.daemon import Life
    from agent.policyfile import Holding
    from agent.requests import Request
    from agent.roles.walls import Walls
    from agent.settings import MendSettings, Settings
    from checks.managed.wanted import Managed

NAME: Final = "mender"
KEPT: Final = "kept"
"""The name of the snapshot that lists what can be undone."""
_TURN: Final = 0.1
_PRUNE: Final = 3600.0
_RETRY: Final = 10.0


def run(settings: Settings, life: Life, walls: Walls | None = None) -> None:
    """Mend until told to stop. walls: how this process is confined, None where it is not."""
    base = Base(NAME, settings, walls)
    base.listen()
    base.lead(_Loop(base), life)


class Plan(NamedTuple):
    """What of a policy is this role's: paths below its folders that policy wants put back.

    managed: all managed paths, below its folders or not.
    """

    mine: Mapping[str, Managed]
    managed: Mapping[str, Managed]


def plan(managed: Mapping[str, Managed], settings: MendSettings) -> Plan:
    """Give what this host lets a policy have put back."""
    mine = {
        path: told
        for path, told in managed.items()
        if told.answer != "report" and any(_is_below(path, one) for one in settings.folders)
    }
    return Plan(mine, managed)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


class _Loop:
    """The mender's loop."""

    def __init__(self, base: Base) -> None:
        self._base, self._settings = base, base.settings.mend
        self._keeping = Keeping(base.folder)
        self._helpers = Helpers(Asking(base.settings), self._keeping)
        self._returns = Returns(base.ledger)
        self._inforce = InForce(base, lambda holding: _plan(holding, base.settings.mend))
        self._plan = self._inforce.first()
        self._marks = Marks(self._plan.mine)
        self._next_prune = 0.0
        self._restored = 0
        base.answering.does |= {"undo": self._undo, "restore": self._again}

    def start(self) -> None:
        """Bring to an end what a run that was killed had begun."""
        for path, since in self._returns.unproven().items():
            told = self._plan.mine.get(path)
            try:
                if told is not None:
                    self._finish(path, told, since)
                self._returns.proven([path])
            except LedgerError as error:
                self._base.faults["state"] = str(error)

    def turn(self) -> None:
        """Look at what changed, and put back what has to be."""
        if (made := self._inforce.turn()) is not None:
            self._take(made)
        now = time.monotonic()
        try:
            changed = self._marks.turn(now)
            if changed:
                self._mend(changed)
            self._base.faults.pop("state", None)
        except LedgerError as error:
            self._base.faults["state"] = str(error)
        if now >= self._next_prune:
            self._next_prune = now + _PRUNE
            self._keeping.prune(self._settings.days, time.time())
            self._publish()
        self._base.care({"managed": len(self._plan.mine), "restored": self._restored})
        time.sleep(_TURN)

    def stop(self) -> None:
        """Nothing goes on between two turns."""

    def _take(self, made: Plan) -> None:
        """Work by another policy: what was given up is tried again."""
        for path in self._plan.mine.keys() - made.mine.keys():
            self._tell(path, "")
        self._plan, self._marks = made, Marks(made.mine)
        self._returns.forget()

    # What has to be put back

    def _mend(self, changed: Iterable[str]) -> None:
        """Put back what of the changed paths differs from what policy approved; may raise."""
        due = {path: self._plan.mine[path] for path in changed if self._is_due(path)}
        for group in _groups(due):
            self._restore(group, time.time())

    def _more(self, now: float, among: Collection[str]) -> dict[str, Managed]:
        """Give what differs by now beside some paths with the same test and action."""
        told = next(self._plan.mine[path] for path in among if path in self._plan.mine)
        more = {
            path: one
            for path, one in self._plan.mine.items()
            if path not in among and _service(one) == _service(told) and self._is_due(path)
        }
        self._returns.begin(more, now)
        return more

    def _is_due(self, path: str) -> bool:
        """Say whether a path has to be put back, and tell why it is not though it differs."""
        looked = seen.look(path)
        if isinstance(looked, Inconclusive):
            self._tell(path, f"{looked.reason} {looked.detail}")
            return False
        if not deviations.judge(path, self._plan.mine[path], looked, self._plan.managed):
            self._returns.proven([path])
            self._tell(path, "")
            return False
        if why := self._withheld(path, time.time()):
            self._tell(path, why)
        return not why

    def _differs(self, path: str) -> bool:
        looked = seen.look(path)
        return isinstance(looked, Inconclusive) or bool(
            deviations.judge(path, self._plan.mine[path], looked, self._plan.managed)
        )

    def _withheld(self, path: str, now: float) -> str:
        """Say why a path that differs is only reported, "" where it is put back."""
        if self._settings.dry_run:
            return "would be put back, but the bootstrap file says mend.dry_run"
        if why := self._returns.given_up(path, marks.of(path), now):
            return why
        if (until := self._returns.many(path, now)) is None:
            return ""
        self._marks.again(path, time.monotonic() + max(until - now, 1.0))
        return "put back twice within an hour and changed again: something writes it anew"

    def _restore(self, group: Mapping[str, Managed], now: float) -> None:
        """Put paths back together; where that fails leave them alone until they change."""
        self._returns.begin(group, now)
        try:
            more = partial(self._more, now)
            done, failed = course.restore(group, more, self._plan.managed, self._helpers)
        except MendError as error:
            done, failed = {}, dict.fromkeys(self._returns.unproven(), str(error))
        self._returns.proven([*group.keys() - failed, *done.keys() - failed])
        self._publish()
        for path, kept in done.items():
            self._restored += 1
            self._tell(path, "")
            self._say("restored", path, f"from {kept.before} to {kept.after}, kept as {kept.id}")
        for path, why in failed.items():
            self._leave(path, why, now)

    def _leave(self, path: str, why: str, now: float) -> None:
        """Try once more before long: what stood in the way may go; then leave it as it is."""
        self._tell(path, why)
        self._base.diary.note("not restored", path, why)
        first = self._returns.many(path, now) is None
        self._returns.give_up(path, marks.of(path), why, now + _RETRY if first else math.inf)
        if first:
            self._marks.again(path, time.monotonic() + _RETRY)

    def _finish(self, path: str, told: Managed, since: float) -> None:
        """Have taken up what a run that was killed had put in place; or the next turn begins."""
        try:
            place.recover(path, lambda left: self._keeping.add(path, left, "", ""))
            if self._differs(path):
                return
            kept = next(one for one in self._keeping.all() if one.path == path and one.at >= since)
            course.finish(path, told, kept, self._helpers.hands)
        except (MendError, StopIteration) as error:
            self._base.diary.note("not finished", path, str(error))
        else:
            self._say("restored", path, "begun before a restart")

    def _publish(self) -> None:
        """Let commands know what is kept."""
        try:
            snapshot.write(self._base.published / KEPT, self._keeping.listed())
            self._base.faults.pop("publish", None)
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)

    def _say(self, act: str, path: str, result: str) -> None:
        """Put on record, and report, what was done."""
        self._base.diary.note(act, path, result)
        self._base.tell(act, f"{path}: {result}")

    def _tell(self, path: str, why: str) -> None:
        """Have it known why a path stays other than approved, "" where it does not."""
        told = [deviations.Deviation(NOT_RESTORED, path, why)] if why else []
        look = Look(tuple(map(deviations.finding, told)))
        self._base.ledger.observe(f"mend {path}", look, time.time())

    # What a person asks for

    def _undo(self, asked: Request) -> tuple[str, bool]:
        """Have what stood at a path before once more, and leave it alone as it is then."""
        assert isinstance(asked, Undo)
        try:
            kept = self._keeping.get(asked.kept)
            if kept.path not in self._plan.mine:
                return f"{kept.path}: not a path that this host lets policy have put back", False
            now = course.put(kept.path, kept.thing, self._keeping)
        except MendError as error:
            return str(error), False
        self._returns.give_up(kept.path, marks.of(kept.path), "undone by a person")
        self._publish()
        self._say("undone", kept.path, f"from {now.before} to {now.after}, kept as {now.id}")
        return f"{kept.path}: as it was; what was there is kept as {now.id}", True

    def _again(self, asked: Request) -> tuple[str, bool]:
        """Try once more what was given up."""
        assert isinstance(asked, Restore)
        paths = [path for path in asked.paths or self._plan.mine if path in self._plan.mine]
        if not paths:
            return "no such path that this host lets policy have put back", False
        try:
            self._returns.forget(paths)
            self._mend(paths)
        except LedgerError as error:
            return str(error), False
        left = [path for path in paths if self._differs(path)]
        return (f"still differ: {', '.join(left)}", False) if left else ("as approved", True)


def _plan(holding: Holding, settings: MendSettings) -> Plan:
    return plan(holding.policy.managed, settings)


def _service(told: Managed) -> tuple[str, str]:
    return told.test, told.action


def _groups(due: Mapping[str, Managed]) -> Iterator[dict[str, Managed]]:
    """Give together what one service reads: paths with the same test and action."""
    for service in dict.fromkeys(map(_service, due.values())):
        same = {path: told for path, told in due.items() if _service(told) == service}
        if any(service):
            yield same
        else:
            yield from ({path: told} for path, told in same.items())
