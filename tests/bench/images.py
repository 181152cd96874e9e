"""Measure `hygiene-agent scan --image` beside a scan of the same layers unpacked, and others.

    python tests/bench/images.py [--runs 5] [--kingfisher FILE] [--print]

The image is made from this machine's own files, 1 GB in 40 layers, once plain and once with gzip;
the trees hold the same files. Runs are paired: each tool once in every round. The result is
printed, and put into results-images.md but with --print.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from paired import Ran, peak, table, timed, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAM: Final = str(Path(sys.executable).parent / "hygiene-agent")
RESULTS: Final = Path(__file__).parent / "results-images.md"
ROOTS: Final = ("/etc", "/usr/share", "/usr/lib")
LAYERS: Final = 40
OTHER: Final = "kingfisher"
REFUSED: Final = 1
"""Its exit status where it could not scan; with findings it is 200 or 205."""
SIZE: Final = 1_000_000_000
LARGEST: Final = 40_000_000
TIMES, MEMORY = 1.2, 250
"""The aim: so many times the wall time of the trees, in so many MB."""


class Image(NamedTuple):
    """The same files in each form, and how many they are. old: as Docker saved before 25."""

    trees: Path
    plain: Path
    packed: Path
    old: Path
    files: int
    size: int


# Making


def chosen() -> Iterator[list[Path]]:
    """Give the files of each layer: a sample of the machine's, the same one every time."""
    known = sorted(path for root in ROOTS for path in _files(root))
    random.Random(40).shuffle(known)
    at = iter(known)
    for _ in range(LAYERS):
        found, size = [], 0
        for path in at:
            found.append(path)
            size += path.stat().st_size
            if size >= SIZE // LAYERS:
                break
        yield found


def _files(root: str) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
                yield path


def make(place: Path) -> Image:
    """Write the trees and both images below PLACE."""
    blobs: dict[str, list[tuple[str, int]]] = {"plain": [], "gzip": []}
    ids, count, size = [], 0, 0
    for number, paths in enumerate(chosen()):
        archive = place / "layer.tar"
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as made:
            for path in paths:
                made.add(path, str(path)[1:], recursive=False)
                copy = place / "trees" / str(number) / str(path)[1:]
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        count, size = count + len(paths), size + archive.stat().st_size
        packed = archive.with_suffix(".gz")
        with archive.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target)
        ids.append(_kept(place / "plain", archive, blobs["plain"]))
        _kept(place / "gzip", packed, blobs["gzip"])
    old = _old(place, blobs["plain"])
    images = [_layout(place, kind, layers, ids) for kind, layers in blobs.items()]
    return Image(place / "trees", images[0], images[1], old, count, size)


def _kept(folder: Path, file: Path, layers: list[tuple[str, int]]) -> str:
    """Move a blob to its name; give its digest."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    layers.append((digest, file.stat().st_size))
    file.rename(folder / "blobs/sha256" / digest)
    return digest


def _layout(place: Path, kind: str, layers: Sequence[tuple[str, int]], ids: list[str]) -> Path:
    """Write the documents of an image, and all of it as one archive as `docker save` leaves it."""
    folder = place / kind
    history = [{"created_by": f"COPY part{n} / # buildkit"} for n in range(len(ids))]
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{one}" for one in ids]}
    told = {"architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": history}
    config = _document(folder, {**told, "config": {"Env": ["PATH=/usr/bin"]}})
    named = [{"digest": f"sha256:{digest}", "size": size} for digest, size in layers]
    manifest = _document(folder, {"schemaVersion": 2, "config": config, "layers": named})
    index = {"schemaVersion": 2, "manifests": [manifest]}
    paths = [f"blobs/sha256/{digest}" for digest, _ in layers]
    saved = [{"Config": _blob(config), "RepoTags": ["bench:1"], "Layers": paths}]
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "manifest.json").write_text(json.dumps(saved))
    target = place / f"{kind}.tar"
    with tarfile.open(target, "w") as made:
        for path in sorted(folder.rglob("*")):
            made.add(path, str(path.relative_to(folder)), recursive=False)
    shutil.rmtree(folder)
    return target


def _old(place: Path, layers: Sequence[tuple[str, int]]) -> Path:
    """Write the plain layers as `docker save` did before version 25."""
    ids = [f"sha256:{digest}" for digest, _ in layers]
    told = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}}
    config = json.dumps({**told, "config": {}}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    names = [f"{digest}/layer.tar" for digest, _ in layers]
    saved = json.dumps([{"Config": name, "RepoTags": ["bench:1"], "Layers": names}]).encode()
    target = place / "old.tar"
    with tarfile.open(target, "w") as made:
        for (digest, _), path in zip(layers, names, strict=True):
            made.add(place / "plain/blobs/sha256" / digest, path)
        for path, data in ((name, config), ("manifest.json", saved)):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return target


def _document(folder: Path, content: object) -> dict[str, object]:
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def _blob(named: dict[str, object]) -> str:
    return f"blobs/{str(named['digest']).replace(':', '/')}"


# Measuring


def commands(image: Image, kingfisher: str) -> dict[str, list[str]]:
    """Give what is compared, by name."""
    scan = [PROGRAM, "scan", "--quiet"]
    found = {
        "trees": [*scan, *map(str, sorted(image.trees.iterdir()))],
        "image, plain": [*scan, "--image", str(image.plain)],
        "image, gzip": [*scan, "--image", str(image.packed)],
        "image, old form": [*scan, "--image", str(image.old)],
    }
    if kingfisher:
        king = [kingfisher, "scan", "docker", "--no-validate", "--no-update-check", "--archive"]
        forms = {"old form": image.old, "plain": image.plain, "gzip": image.packed}
        found |= {f"{OTHER}, {name}": [*king, str(path)] for name, path in forms.items()}
    return found


def accepted(told: dict[str, list[str]]) -> dict[str, list[str]]:
    """Leave out what another tool refuses: the time of an error says nothing."""
    return {
        name: command
        for name, command in told.items()
        if OTHER not in name
        or subprocess.run(command, check=False, capture_output=True).returncode != REFUSED
    }


def measured(told: dict[str, list[str]], runs: int) -> dict[str, list[Ran]]:
    """Run everything in turn, once for nothing and then RUNS times; others once, they take long."""
    found: dict[str, list[Ran]] = {name: [] for name in told}
    for turn in range(runs + 1):
        for name, command in told.items():
            if turn == 1 or OTHER not in name:
                found[name].append(timed(command))
    return {name: ran if OTHER in name else ran[1:] for name, ran in found.items()}


def written(
    image: Image, found: dict[str, list[Ran]], peaks: dict[str, float], refused: list[str]
) -> str:
    """Write the table, and what refused its archive."""
    base = found["trees"]
    rows = []
    for name, ran in found.items():
        seconds = statistics.median(one.seconds for one in ran)
        times = statistics.median(
            one.seconds / tree.seconds for one, tree in zip(ran, base, strict=False)
        )
        processor = statistics.median(one.processor for one in ran)
        rows.append(
            [name, f"{seconds:.2f}", f"{times:.2f}", f"{processor:.2f}", _shown(peaks.get(name))]
        )
    times, memory = float(rows[1][2]), max(peaks["image, plain"], peaks["image, gzip"])
    kept = "kept" if times <= TIMES and memory < MEMORY else "not kept"
    lines = [
        f"{image.files:,} files of this machine's {', '.join(ROOTS)}, {image.size / 1e6:,.0f} MB in"
        f" {LAYERS} layers; {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before), Python"
        f" {platform.python_version()}, {datetime.datetime.now(datetime.UTC).date()}; medians of"
        f" {len(base)} paired runs (1 of {OTHER}).",
        "",
        *table(["scan of", "seconds", "of the trees'", "processor seconds", "memory, MB"], rows),
        "",
        f"The aim, {TIMES} times the trees' time for the plain image in less than {MEMORY} MB:"
        f" {kept}. Memory is the resident memory of all processes, what they share counted for"
        " each; buffers of at most 48 MiB for compressed layers come on top.",
    ]
    if refused:
        lines += ["", f"Refused with an error, and so not measured: {'; '.join(refused)}."]
    return "\n".join(lines) + "\n"


def _shown(memory: float | None) -> str:
    return "" if memory is None else f"{memory:.0f}"


def main() -> None:
    """Make, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kingfisher", default="")
    parser.add_argument("--print", action="store_true", dest="only_print")
    parser.add_argument("--into", type=Path, help="Keep the images in this folder.")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hygiene-images-") as temporary:
        image = make(told.into or Path(temporary))
        everything = commands(image, told.kingfisher)
        wanted = accepted(everything)
        refused = [name for name in everything if name not in wanted]
        found = measured(wanted, told.runs)
        peaks = {name: peak(command) for name, command in wanted.items() if OTHER not in name}
        text = written(image, found, peaks, refused)
    if told.only_print:
        print(text)
    else:
        write(RESULTS, "Scanning images", text, mark="bench-images")


if __name__ == "__main__":
    main()
