"""The whole of it in a minute, on one machine: told by `packaging/try`, act by act.

    python -I packaging/story FOLDER NGINX PAGE [--keep]

A web server with its key on a disk, a password in a file and a weak set-up; an agent that watches
it, a receiver that it reports to, a store of signed policy, and OpenBao. Then the key moves into
OpenBao, the policy tightens, and the deviations close. All of it lives in FOLDER, in memory and on
loopback, and is stopped and removed in the end, after Ctrl-C or a failure too; PAGE stays, which
the receiver writes, and after a failure the log beside it. --keep leaves FOLDER.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import acts
from stage import Stage
from telling import say


def tell(story: acts.Story, page: Path) -> None:
    """Tell it from the beginning to the end."""
    stage = story.stage
    say(
        "The story of one web server, told on this machine. Its files are in"
        f" {stage.folder}/, where paths begin; memory/ stands for {stage.memory}/, for what must"
        " be on no disk.",
        "",
    )
    acts.weak_server(story)
    acts.company(story)
    acts.watched(story)
    acts.key_moves(story)
    acts.password_goes(story)
    acts.tightened(story)
    acts.ending(story, page)


def main() -> None:
    """Tell the story; exit status 0, 1 where it cannot go on, 130 where it was interrupted."""
    folder, nginx, page = (Path(one).resolve() for one in sys.argv[1:4])
    log = page.with_suffix(".log")
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.default_int_handler)
    try:
        with Stage(folder, log, keep="--keep" in sys.argv) as stage:
            tell(acts.Story(stage, nginx), page)
    except KeyboardInterrupt:
        print("\nstory: interrupted; all of it was stopped and removed", file=sys.stderr)
        raise SystemExit(130) from None
    except SystemExit as error:
        raise SystemExit(f"{error}\n{_left(log)}") from None
    except Exception as error:
        raise SystemExit(f"story: {error}\n{_left(log)}") from error
    print()
    say("All that ran was stopped, and everything removed but this page:", "")
    say(str(page))


def _left(log: Path) -> str:
    return f"story: all of it was stopped, and removed but for its log: {log}"


if __name__ == "__main__":
    main()
