"""The mender: puts managed files back to what policy approved, where the host allows it. EDGE.

It writes below the folders of the bootstrap file and nowhere else, reads nothing beyond them, and
reaches no network. What has to be tested, reloaded and looked at others do, by name.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Final

from agent import marks, snapshot
from agent.findings import Look
from agent.ledger import LedgerError
from agent.marks import Marks
from agent.mending import course, plan
from agent.mending.course import Helpers, Wish
from agent.mending.hands import Asking
from agent.mending.kept import Keeping, Published
from agent.mending.returns import Returns
from agent.mending.thing import MendError
from agent.policy.inforce import InForce
from agent.requests import Restore, Undo
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from checks.managed import deviations, seen
from checks.managed.advice import NOT_RESTORED
from checks.model import Inconclusive
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.daemon import Life
    from agent.mending.plan import Plan
    from agent.requests import Request
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from checks.managed.wanted import Managed

NAME: Final = "mender"
KEPT: Final = "kept"
"""The name of the snapshot that lists what can be undone."""
_TURN: Final = 0.1
_PRUNE: Final = 3600.0
_RETRY: Final = 10.0
_NAMED: Final = 5
"""Paths that an answer names."""


def run(settings: Settings, life: Life, walls: Walls | None = None) -> None:
    """Mend until told to stop. walls: how this process is confined, None where it is not."""
    base = Base(NAME, settings, walls)
    base.listen()
    base.lead(_Loop(base, life), life)


class _Loop:
    """The mender's loop."""

    def __init__(self, base: Base, life: Life) -> None:
        self._base, self._settings = base, base.settings.mend
        self._keeping = Keeping(base.folder)
        self._helpers = Helpers(Asking(base.settings, life.beat), self._keeping)
        self._returns = Returns(base.ledger)
        self._inforce = InForce(base, lambda one: plan.plan(one.policy.managed, self._settings))
        self._plan = self._inforce.first()
        self._marks = Marks(self._plan.mine)
        self._next_prune = 0.0
        self._restored = 0
        base.answering.does |= {"undo": self._undo, "restore": self._again}

    def start(self) -> None:
        """Clear away what a run that was killed left; what it began is due at the first turn."""
        for path, told in self._plan.mine.items():
            with contextlib.suppress(MendError):
                course.recover(path, told, self._keeping)

    def turn(self) -> None:
        """Look at what changed, and put back what has to be."""
        if (made := self._inforce.turn()) is not None:
            self._take(made)
        now = time.monotonic()
        changed = self._marks.turn(now)
        try:
            self._mend(changed)
            self._base.faults.pop("state", None)
        except LedgerError as error:
            self._base.faults["state"] = str(error)
            for path in changed:
                self._marks.again(path, now + _RETRY)
        if now >= self._next_prune:
            self._publish()
        self._base.care({"managed": len(self._plan.mine), "restored": self._restored})
        time.sleep(_TURN)

    def stop(self) -> None:
        """Nothing goes on between two turns."""

    def _take(self, made: Plan) -> None:
        """Work by another policy: what it wants otherwise is begun anew."""
        before, self._plan, self._marks = self._plan.mine, made, Marks(made.mine)
        try:
            for path in before.keys() - made.mine.keys():
                self._tell(path, "")
            changed = [path for path in before if before[path] != made.mine.get(path)]
            self._returns.forget(changed)
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    # What has to be put back

    def _mend(self, changed: Iterable[str]) -> None:
        """Put back what of the changed paths differs from what policy approved; may raise."""
        for group in plan.groups(self._due({path: self._plan.mine[path] for path in changed})):
            self._restore(group, time.time())

    def _due(self, paths: Mapping[str, Managed]) -> dict[str, Managed]:
        return {path: told for path, told in paths.items() if self._is_due(path)}

    def _is_due(self, path: str) -> bool:
        """Say whether a path has to be put back, and tell why it is not though it differs."""
        why = self._differs(path)
        if why is None:
            if path in self._returns.unproven():  # a run that was ended put it back
                return not self._settings.dry_run
            self._returns.proven([path])
            self._tell(path, "")
            return False
        why = why or self._withheld(path, time.time())
        if why:
            self._tell(path, why)
        return not why

    def _differs(self, path: str) -> str | None:
        """Give None for what is as approved, and why it cannot be seen, "" if it can."""
        looked = seen.look(path)
        if isinstance(looked, Inconclusive):
            return f"{looked.reason} {looked.detail}".rstrip()
        differs = deviations.judge(path, self._plan.mine[path], looked, self._plan.managed)
        return "" if differs else None

    def _withheld(self, path: str, now: float) -> str:
        """Say why a path that differs is only reported, "" where it is put back."""
        if self._settings.dry_run:
            return "would be put back, but the bootstrap file says mend.dry_run"
        if why := self._returns.given_up(path, self._mark(path), now):
            return why
        if path in self._returns.unproven():
            return ""
        if (until := self._returns.many(path, now)) is None:
            return ""
        self._marks.again(path, time.monotonic() + max(until - now, 1.0))
        return "put back twice within an hour and changed again: something writes it anew"

    def _mark(self, path: str) -> str:
        """Give what tells one state of a path, and one wish of policy, from another."""
        return f"{marks.of(path)} {plan.digest(self._plan.mine[path])}"

    def _restore(self, group: Mapping[str, Managed], now: float) -> None:
        """Put paths back together; where that fails leave them alone until they change."""
        tried = dict(group)
        told = next(iter(group.values()))

        def more() -> Mapping[str, Managed]:
            found = self._due(self._plan.companions(told, tried))
            self._returns.begin(found, now)
            tried.update(found)
            return found

        unproven = self._returns.unproven()
        begun = {path: unproven[path] for path in group.keys() & unproven}
        self._returns.begin(group, now)
        try:
            done, failed = course.restore(
                Wish(group, self._plan.managed, begun, more), self._helpers
            )
        except MendError as error:
            done, failed = {}, dict.fromkeys(tried, str(error))
        self._returns.proven(tried.keys() - failed)
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
        self._returns.give_up(path, self._mark(path), why, now + _RETRY if first else math.inf)
        if first:
            self._marks.again(path, time.monotonic() + _RETRY)

    def _publish(self) -> None:
        """Forget what is too old, and let commands know what is kept."""
        self._next_prune = time.monotonic() + _PRUNE
        self._keeping.prune(self._settings.days, time.time())
        try:
            snapshot.write(self._base.published / KEPT, Published(self._keeping.listed()))
            self._base.faults.pop("publish", None)
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)

    def _say(self, act: str, path: str, result: str) -> None:
        """Put on record, and report, what was done."""
        self._base.diary.note(act, path, result)
        self._base.tell(act, printable(f"{path}: {result}"))

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
            owner = self._plan.owner(kept.path)
            if not owner:
                return f"{kept.path}: not a path that this host lets policy have put back", False
            now, why = course.undo(self._plan.mine[owner], kept, self._helpers)
            self._returns.give_up(owner, self._mark(owner), "undone by a person")
        except (MendError, LedgerError) as error:
            return str(error), False
        self._publish()
        self._say("undone", kept.path, f"from {now.before} to {now.after}, kept as {now.id}")
        taken = f"not taken up: {why}" if why else "as it was"
        return f"{kept.path}: {taken}; what was there is kept as {now.id}", True

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
        left = [path for path in paths if self._differs(path) is not None]
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        return (
            f"still differ: {', '.join(left[:_NAMED])}{more}" if left else "as approved"
        ), not left
