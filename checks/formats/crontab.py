"""Crontabs: variables and command lines; with a user field in /etc, without in the spool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("crontab"), "*.crontab", "*.cron", "cron.d/*", "spool/cron/*", "anacrontab",
    "spool/cron/crontabs/*", "spool/cron/tabs/*", "etc/crontabs/*", "crontabs/*", "*-crontab",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_VARIABLE: Final = regex(r"""\s*(["']?)([A-Za-z_][\w.\-]*+)\1\s*=\s*(.*)\Z""", re.DOTALL)
_FIELD: Final = r"(?:\*|[0-9]|[a-z]{3}\b)[0-9a-z*,/\-~#?l]*+"
_JOB: Final = regex(
    rf"\s*(?:@[a-z]++|(?:{_FIELD}[ \t]++){{4}}{_FIELD})[ \t]++(.*)\Z", re.IGNORECASE | re.DOTALL
)
_ANACRON: Final = regex(r"\s*(?:\d+|@\w+)[ \t]++\d+[ \t]++([\w.\-]++)[ \t]++(\S.*)\Z")
_USER: Final = regex(r"([A-Za-z_][\w.\-]*+\$?)[ \t]++(?![\-|<>&;=])(\S.*)\Z", re.DOTALL)
_PERCENT: Final = regex(r"\\%|%")
_TOOLS: Final = frozenset({
    "bash", "sh", "zsh", "ksh", "csh", "dash", "env", "nice", "ionice", "flock", "timeout",
    "chronic", "sudo", "su", "cd", "test", "python", "python2", "python3", "perl", "php",
    "ruby", "node", "curl", "wget", "mysql", "mysqldump", "mariadb", "mariadb-dump", "pg_dump",
    "psql", "find", "rm", "cp", "mv", "echo", "printf", "cat", "tar", "rsync", "ssh", "scp",
    "docker", "podman", "kubectl", "aws", "gsutil", "certbot", "logger", "export", "if", "for",
    "while", "source", "exec", "time", "setlock", "solo", "run-parts", "systemctl", "service",
    "lftp", "redis-cli", "mongodump", "restic", "borg", "rclone", "java", "make", "git", "svn",
    "sshpass",
})  # fmt: skip


def parse(text: str) -> Iterator[Entry]:
    """Give variables under (name,) and each job under ("job",) or ("job", user), role COMMAND.

    Which files have a user field is not to be seen in the text: a first word is taken for a user
    unless it has a slash, is a common tool, or is followed by an option.
    """
    for line in payload(numbered(text)):
        job = _JOB.match(line.text)
        if job:
            user, command = _user(job[1].strip())
            keys = ("job", user) if user else ("job",)
            yield Entry(keys, _percent(command), line.number, Role.COMMAND, subject=user)
            continue
        anacron = _ANACRON.match(line.text)
        if anacron:
            yield Entry(("job", anacron[1]), anacron[2].strip(), line.number, Role.COMMAND)
            continue
        variable = _VARIABLE.match(line.text)
        if variable:
            word = quoting.unquote(variable[3].strip())
            value = word.text if word else variable[3].strip()
            yield Entry((variable[2],), value, line.number, quoted=word is not None)


def _user(command: str) -> tuple[str, str]:
    found = _USER.match(command)
    if found is None or found[1] in _TOOLS:
        return "", command
    return found[1], found[2]


def _percent(command: str) -> str:
    """Turn a bare % into a line end: it ends the command, what follows is its input."""
    return _PERCENT.sub(lambda found: "%" if found[0] == "\\%" else "\n", command)
