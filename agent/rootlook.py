"""Judge the servers that are configured in an image or below an unpacked root. EDGE."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from checks.model import Finding, Inconclusive

if TYPE_CHECKING:
    from agent.scanning import Job
    from checks.scanned import Result
    from checks.tls.tree import Named


def below(root: str, job: Job, total: Result) -> None:
    """Do as `judge` for an unpacked root."""
    from checks.tls.tree import RootTree

    try:
        with RootTree(root) as tree:
            judge(tree, root, job, total)
    except OSError as error:
        why = (error.strerror or "").lower()
        total.inconclusive.append(Inconclusive(root, "cannot be read", why))


def judge(tree: Named, name: str, job: Job, total: Result) -> None:
    """Add to TOTAL what is wrong with what servers in a tree would serve, and with its keys.

    name: what to call the tree where part of it was not seen. A fault of a key that the scan has
    found by itself is not told twice.
    """
    from agent import tlsscan  # heavy
    from checks.tls import judging, sites
    from checks.tls.faults import Context

    policy = job.orders.policy
    seen = sites.look_in(tree, name)
    context = Context(datetime.datetime.now(datetime.UTC), expiring=policy.tls.expiring)
    kept = judging.misconfigured(seen, context, job.profiles)
    found = [*tlsscan.sited(seen, ()), *(one for one in kept if isinstance(one, Finding))]
    known = {(one.check, one.location.path) for one in total.findings}
    new = [
        tlsscan.weighed(one, policy) for one in found if (one.check, one.location.path) not in known
    ]
    counted, disabled = tlsscan.told(new, policy)
    total.findings += counted
    total.suppressed += disabled
    total.inconclusive += seen.unseen
    total.inconclusive += [one for one in kept if isinstance(one, Inconclusive)]
