"""Who comes first to a listener is waited for, and what it saw is given to the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec

from agent.guides import Guides, Listener
from checks.tls.facts import EndpointFacts, Target
from checks.tls.numbers import Version

TARGET = Target("127.0.0.1", 443)
FACTS = EndpointFacts(
    target=TARGET,
    versions={version: version is Version.TLS12 for version in Version},
    compression=False,
)
NOTHING = frozenset({None})
NARROW = frozenset({frozenset({29})})


def test_a_listener_is_one_whatever_the_name() -> None:
    """Another port, address or protocol in front is another listener."""
    guides = Guides()
    one = guides.of(TARGET)
    assert guides.of(msgspec.structs.replace(TARGET, server_name="a.example.org")) is one
    for changed in ({"port": 444}, {"host": "::1"}, {"starttls": "smtp"}):
        assert guides.of(msgspec.structs.replace(TARGET, **changed)) is not one


def test_a_look_guides_those_whose_files_say_the_same_of_groups() -> None:
    """Where they say something else nothing is taken over, nor of a look that settled nothing."""
    listener = Listener()
    assert listener.known(NOTHING) is None
    listener.learned(msgspec.structs.replace(FACTS, unseen=("curves: no answer",)), NOTHING)
    assert listener.known(NOTHING) is None
    listener.learned(FACTS, NOTHING)
    assert listener.known(NOTHING) is FACTS
    assert listener.known(NARROW) is None


def _most_at_once(listener: Listener, facts: EndpointFacts) -> int:
    """Have six threads look at a listener and give how many did at the same time."""
    lock, count, most = threading.Lock(), 0, 0
    all_in = threading.Event()

    def look(_: int) -> None:
        nonlocal count, most
        with listener.turn():
            with lock:
                count += 1
                most = max(most, count)
                if count > 2:
                    all_in.set()
            known = listener.known(NOTHING)
            all_in.wait(5 if known else 0.05)
            listener.learned(facts, NOTHING)
            with lock:
                count -= 1
        seen.append(known is not None)

    seen: list[bool] = []
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, range(6)))
    assert len(seen) == 6
    assert seen.count(False) == (1 if not facts.unseen else 6)
    return most


def test_one_looks_alone_and_then_all() -> None:
    """The first has no guide, every other one has; they do not wait for each other."""
    assert _most_at_once(Listener(), FACTS) > 2


def test_nobody_is_waited_for_in_vain() -> None:
    """Where two saw nothing to go by the others look at the same time."""
    unsettled = msgspec.structs.replace(FACTS, unseen=("curves: no answer",))
    assert _most_at_once(Listener(), unsettled) > 1
