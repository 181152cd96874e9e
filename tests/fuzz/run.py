#!/usr/bin/env python3
"""Fuzz one target: `tests/fuzz/run.py TARGET [--seconds N] [--corpus FOLDER]`.

What goes wrong is written to `found/` beside the corpus as the bytes that the target got; a kept
case is that file, copied to `cases/TARGET-NAME.bin`.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import atheris  # noqa: E402 - the path comes first, and it must be imported before what it watches

with atheris.instrument_imports(include=["checks"]):
    import seeds
    import targets

    targets.load()

_SLOWED = 6.0
"""Watching each branch makes Python about so much slower."""


class SlowError(Exception):
    """A target took longer than it may."""


def _dictionary(folder: Path) -> Path:
    """Write the words that the formats know, so that the fuzzer need not guess them."""
    words = {
        "password", "secret", "token", "apiVersion", "kind", "Secret", "data", "://", "-----BEGIN",
        "-----END", "PRIVATE KEY-----", "RSA ", "EC ", "OPENSSH ", "LS0tLS1CRUdJTi", "$6$", "$2y$",
        "$argon2id$", "pbkdf2_sha256$", "{SSHA}", "SCRAM-SHA-256$", "mysql -u", "curl -u ", "<<EOF",
        "ENV ", "RUN ", "FROM ", "identified by '", "[[", "{{", "${", "$(", "'''", "<![CDATA[",
        "name:", "value:", "env:", "user:pass@", "basic ", "authorization: ", "\\u0000",
    }  # fmt: skip
    path = folder / "words.dict"
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(words))
    path.write_text("".join(f'"{word}"\n' for word in escaped), encoding="utf-8")
    return path


def main() -> None:
    """Read the arguments and hand over to libFuzzer, which ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    given = parser.parse_args()
    folder = given.corpus or Path(tempfile.mkdtemp(prefix="fuzz-"))
    corpus, found = folder / given.target, folder / "found"
    for one in (corpus, found):
        one.mkdir(parents=True, exist_ok=True)
    kinds: set[str] = set()

    def one_input(data: bytes) -> None:
        grown = targets.amplified(data)
        started = time.process_time()
        try:
            targets.run(given.target, grown)
            _in_time(time.process_time() - started, len(grown))
        except Exception as error:  # noqa: BLE001 - the fuzzer's purpose
            _keep(error, grown, given.target, found, kinds)

    arguments = [
        sys.argv[0], f"-max_total_time={given.seconds}", "-max_len=2048", "-rss_limit_mb=4096",
        "-timeout=120", f"-dict={_dictionary(folder)}", f"-artifact_prefix={found}/", str(corpus),
    ]  # fmt: skip
    for number, case in enumerate(sorted((HERE / "cases").glob(f"{given.target}-*.bin"))):
        (corpus / f"case-{number}").write_bytes(b"\1" + case.read_bytes())
    variants = targets.variants(given.target)
    for number, seed in enumerate(seeds.of(given.target)):
        for variant in {0, number % variants, (number * 37) % variants}:
            (corpus / f"seed-{number}-{variant}").write_bytes(bytes((1, variant)) + seed)
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()


def _in_time(took: float, size: int) -> None:
    if took > targets.SECONDS * _SLOWED:
        raise SlowError(f"{took:.0f} s for {size} bytes")


def _keep(error: Exception, data: bytes, target: str, found: Path, kinds: set[str]) -> None:
    """Write an input down once for each place that an error comes from, and go on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    kind = f"{type(error).__name__} at {where}"
    if kind in kinds:
        return
    kinds.add(kind)
    name = f"{target}-{hashlib.sha256(data).hexdigest()[:8]}.bin"
    (found / name).write_bytes(data)
    print(
        f"FOUND {kind} ({error if isinstance(error, SlowError) else ''}) {found / name}", flush=True
    )


if __name__ == "__main__":
    main()
