"""An image is scanned layer by layer, and each finding says where in it it is."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import imaging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Hygiene
    from tests.imaging import Made

FORMS = {
    "oci": imaging.documents,
    "docker old": imaging.docker_old,
    "docker new": imaging.docker_new,
}
LARGE = b"word " * 1000 + b"\n"


@pytest.fixture
def image(make_password: Callable[[str], str]) -> Made:
    """Three layers: a base, one that brings a file and a large one, one that deletes the file."""
    base = imaging.layer(("etc/base.env", f"DB_PASSWORD={make_password('base')}\n".encode()))
    large = LARGE * 2500 + f"API_PASSWORD={make_password('large')}\n".encode()
    brings = imaging.layer(
        ("app/.env", f"API_PASSWORD={make_password('app')}\n".encode()),
        ("app/large.conf", large),
        imaging.member("app/hard", type=b"1", linkname="app/.env"),
        imaging.member("dev/null", type=b"3"),
        imaging.member("run/fifo", type=b"6"),
    )
    deletes = imaging.layer(("app/.wh..env", b""))
    return imaging.made(
        base,
        brings,
        deletes,
        steps=["ADD rootfs /", "COPY .env large.conf /app/", "RUN /bin/sh -c rm /app/.env"],
        Env=["PATH=/bin", f"DB_PASSWORD={make_password('env')}"],
        Cmd=["sh", "-c", f"mysql -u root -p{make_password('cmd')} shop"],
        Labels={"api_key": make_password("label")},
    )


def _write(made: Made, path: Path, form: str = "oci") -> Path:
    return imaging.archive(FORMS[form](made), path)


def _places(report: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(one["path"], one["line"], one["key_path"]) for one in report["findings"]]


PLACES = [
    ("/app/.env", 1, "API_PASSWORD"),
    ("/app/large.conf", 2501, "API_PASSWORD"),
    ("/etc/base.env", 1, "DB_PASSWORD"),
    ("image config", 0, "Cmd.mysql.p"),
    ("image config", 0, "Env[1].DB_PASSWORD"),
    ("image config", 0, "Labels.api_key"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compression", imaging.COMPRESS)
def test_every_form_gives_the_same(
    hygiene: Hygiene, image: Made, folder: Path, form: str, compression: str
) -> None:
    """Form and compression make no difference to what is found and counted."""
    made = image._replace(compression=compression)
    status, report = hygiene.report("--image", _write(made, folder / "image.tar", form))
    assert status == 1
    assert _places(report) == PLACES
    assert report["inconclusive"] == []
    assert report["summary"]["files"] == 3
    assert report["summary"]["not_applicable"] == {"device": 1, "fifo": 1, "hard link": 1}


def test_a_finding_says_where_it_came_from(hygiene: Hygiene, image: Made, folder: Path) -> None:
    """Layer, build step, what became of it and whether it is the base's are told of each."""
    path = _write(image, folder / "image.tar")
    base = _write(imaging.made(image.layers[0]), folder / "base.tar")
    _, report = hygiene.report("--image", path, "--base", base)
    origins = {one["path"]: one["origin"] for one in report["findings"]}
    assert origins["image config"] is None
    digests = [imaging.sha(one) for one in image.layers]
    assert origins["/app/.env"] == {
        "layer": 2,
        "layers": 3,
        "digest": digests[1],
        "step": 2,
        "built": "COPY .env large.conf /app/",
        "fate": "deleted",
        "by": 3,
        "base": False,
    }
    assert (origins["/etc/base.env"]["base"], origins["/etc/base.env"]["fate"]) == (True, "")
    text = hygiene("scan", "--image", path, "--base", base).stdout
    assert f"/app/.env  layer 2 of 3, {digests[1][:19]}" in text
    said = "still in the image though deleted by layer 3: anyone with the image can read it"
    assert said in re.sub(r"\s+", " ", text)


def test_the_base_can_be_set_apart(hygiene: Hygiene, image: Made, folder: Path) -> None:
    """What the base has is listed and does not count; what is new does."""
    path = _write(image, folder / "image.tar")
    base = _write(imaging.made(image.layers[0]), folder / "base.tar")
    _, report = hygiene.report("--image", path, "--base", base, "--ignore-base")
    assert [one["path"] for one in report["suppressed"]] == ["/etc/base.env"]
    assert report["suppressed"][0]["suppression"]["kind"] == "base"
    assert len(report["findings"]) == len(PLACES) - 1
    status, _ = hygiene.report("--image", base, "--base", base, "--ignore-base")
    assert status == 0
    status, _ = hygiene.report("--image", base, "--base", path)
    assert status == 1


def test_a_layer_that_is_not_what_it_says_is_no_base(
    hygiene: Hygiene, image: Made, folder: Path
) -> None:
    """Somebody who names the base's digests for other layers hides nothing."""
    base = _write(imaging.made(image.layers[0]), folder / "base.tar")
    other = imaging.made(image.layers[1])
    files = imaging.docker_old(other)
    saved = json.loads(files["manifest.json"])[0]
    config = json.loads(files.pop(saved["Config"]))
    config["rootfs"]["diff_ids"] = [imaging.sha(image.layers[0])]
    data = json.dumps(config).encode()
    saved["Config"] = f"{imaging.sha(data)[7:]}.json"
    files |= {saved["Config"]: data, "manifest.json": json.dumps([saved]).encode()}
    path = imaging.archive(files, folder / "image.tar")
    status, report = hygiene.report("--image", path, "--base", base, "--ignore-base")
    assert status == 1
    assert report["findings"][0]["origin"]["base"] is False
    assert [one["reason"] for one in report["inconclusive"]] == ["digest does not match"]


def test_history_and_arguments_are_looked_at(hygiene: Hygiene, folder: Path, password: str) -> None:
    """A value of ARG that was baked into a step is found, and the step is not repeated."""
    step = f"RUN |1 DB_PASSWORD={password} /bin/sh -c make install # buildkit"
    made = imaging.made(imaging.layer(("a", b"b")), steps=[step])
    path = _write(made, folder / "image.tar")
    status, report = hygiene.report("--image", path)
    assert (status, _places(report)) == (1, [("image history", 0, "step[1].ARG.DB_PASSWORD")])
    for form in ("text", "json", "sarif", "html", "jsonl"):
        assert password not in hygiene("scan", "--image", path, "--format", form).stdout
    clean = step.replace(password, "$DB_PASSWORD")
    path = _write(imaging.made(imaging.layer(("a", b"b")), steps=[clean]), folder / "image.tar")
    assert hygiene.report("--image", path)[0] == 0


def test_baseline_policy_and_waivers_apply(hygiene: Hygiene, image: Made, folder: Path) -> None:
    """What was accepted, excluded or waived by its path in the image does not count."""
    path = _write(image, folder / "image.tar")
    accepted = folder / "sub" / "accepted.json"
    accepted.parent.mkdir()
    done = hygiene("baseline", "--image", path, "-o", accepted)
    assert done.returncode == 0, done.stderr
    status, report = hygiene.report("--image", path, "--baseline", accepted)
    assert (status, report["findings"]) == (0, [])
    assert len(report["suppressed"]) == len(PLACES)
    policy = folder / "policy.yaml"
    policy.write_text(
        "version: 1\nname: test\nfiles: {exclude: [/app/*]}\nwaivers:\n"
        "  - {check: '*', path: 'image *', owner: me, reason: known, until: 2999-01-01}\n"
    )
    _, report = hygiene.report("--image", path, "--policy", policy)
    assert [one["path"] for one in report["findings"]] == ["/etc/base.env"]
    assert len(report["suppressed"]) == 3
    assert report["summary"]["not_applicable"]["excluded path"] == 2


def test_sarif_names_the_layer(hygiene: Hygiene, image: Made, folder: Path) -> None:
    """A result has its layer as a logical location and a path relative to the image's root."""
    done = hygiene("scan", "--image", _write(image, folder / "image.tar"), "--format", "sarif")
    run = json.loads(done.stdout)["runs"][0]
    first = next(one for one in run["results"] if one["properties"].get("origin"))
    place = first["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "app/.env"
    assert place["logicalLocations"][-1]["kind"] == "layer"
    assert place["logicalLocations"][-1]["fullyQualifiedName"].startswith("layer 2 of 3, sha256:")
    assert first["properties"]["origin"]["fate"] == "deleted"


def _key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


DPKG = b"Package: libc6\nVersion: 2.36\n\nPackage: libssl3\nStatus: ok\nVersion: 3.0.11-1\n\n"
NGINX = b"""events {}
http { server { listen 443 ssl; server_name a.example; ssl_protocols TLSv1 TLSv1.2;
ssl_certificate /etc/ssl/a.pem; ssl_certificate_key /etc/ssl/a.key; } }
"""


def _server(key: bytes) -> dict[str, tuple[bytes, int]]:
    return {
        "var/lib/dpkg/status": (DPKG, 0o644),
        "etc/os-release": (b"ID=debian\n", 0o644),
        "etc/nginx/nginx.conf": (NGINX, 0o644),
        "etc/ssl/a.key": (key, 0o644),
        "etc/ssl/copy.key": (key, 0o600),
    }


def _checks(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["check"], one["path"]) for one in report["findings"]}


@pytest.mark.parametrize("compression", imaging.COMPRESS)
def test_servers_and_keys_of_the_whole_root(
    hygiene: Hygiene, folder: Path, compression: str
) -> None:
    """Configuration and keys are judged as they are when all layers are in place."""
    files = _server(_key())
    lower = imaging.layer(
        *(imaging.member(name, data, mode=mode) for name, (data, mode) in files.items())
    )
    upper = imaging.layer(("etc/nginx/.wh.nginx.conf", b""), ("etc/ssl/.wh.copy.key", b""))
    weak = imaging.made(
        imaging.layer(("a", b"b")), lower, steps=["one", "COPY etc /etc"], compression=compression
    )
    _, report = hygiene.report("--image", _write(weak, folder / "image.tar"))
    found = _checks(report)
    assert ("key-shared", "/etc/ssl/a.key") in found
    configured = [one for one in report["findings"] if one["path"] == "/etc/nginx/nginx.conf"]
    assert configured
    assert {one["origin"]["layer"] for one in configured} == {2}
    mended = weak._replace(layers=(*weak.layers, upper))
    _, report = hygiene.report("--image", _write(mended, folder / "image.tar"))
    assert ("key-shared", "/etc/ssl/a.key") not in _checks(report)
    assert not [one for one in report["findings"] if one["path"] == "/etc/nginx/nginx.conf"]


def test_an_unpacked_root_is_seen_from_inside(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """Paths, exclusions and server configuration are those of the root, not of this host."""
    root = folder / "rootfs"
    for name, (data, mode) in _server(_key()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    (root / "etc/app.env").write_text(f"DB_PASSWORD={password}\n")
    (root / "etc/out.env").symlink_to("/etc/passwd")
    status, report = hygiene.report("--root", root)
    assert status == 1
    found = _checks(report)
    assert ("embedded-password", "/etc/app.env") in found
    assert ("key-shared", "/etc/ssl/a.key") in found
    assert "/etc/nginx/nginx.conf" in {path for _, path in found}
    policy = folder / "policy.yaml"
    policy.write_text("version: 1\nname: test\nfiles: {exclude: [/etc/app.env]}\n")
    _, report = hygiene.report("--root", root, "--policy", policy)
    assert ("embedded-password", "/etc/app.env") not in _checks(report)


def test_wrong_use_is_told(hygiene: Hygiene, folder: Path, image: Made) -> None:
    """Options that do not go together, a base that is none, and a missing platform end with 2."""
    path = _write(image, folder / "image.tar")
    (folder / "rubbish").write_bytes(b"rubbish")
    for words, why in (
        ((), "expected PATHS, --image or --root"),
        (("--image", path, "/etc"), "expected PATHS, --image or --root"),
        (("--platform", "linux/arm64", "/etc"), "go with --image"),
        (("--image", path, "--ignore-base"), "goes with --base"),
        (("--image", path, "--base", folder / "none"), "no such file"),
        (("--image", path, "--base", folder / "rubbish"), "not an image archive"),
        (("--image", path, "--platform", "linux/arm64"), "no image for linux/arm64"),
    ):
        done = hygiene("scan", *words)
        assert done.returncode == 2
        assert why in done.stderr


@pytest.mark.parametrize("compression", imaging.COMPRESS)
@pytest.mark.parametrize("jobs", ["1", "5"])
def test_large_files_and_archives_of_a_layer(
    hygiene: Hygiene, folder: Path, password: str, compression: str, jobs: str
) -> None:
    """Archives and texts larger than a buffer lose nothing, and memory stays bounded."""
    setting = f"DB_PASSWORD={password}\n".encode()
    noise = random.Random(1).randbytes(9_000_000)
    inner = imaging.layer(("noise", noise), ("inner.env", setting))
    text = b"".join(b"%07d some text\n" % number for number in range(1_500_000))
    many = [
        (f"srv/{number}.env", setting + noise[:100_000].hex().encode()) for number in range(300)
    ]
    layer = imaging.layer(
        ("data/large.tar", inner), ("data/large.conf", text + setting), *many, ("last.env", setting)
    )
    path = _write(imaging.made(layer, compression=compression), folder / "image.tar")
    took = hygiene.measured("scan", "--format", "json", "--jobs", jobs, "--image", path)
    report = json.loads(took.done.stdout)
    places = {(path, line) for path, line, _ in _places(report)}
    assert ("/data/large.tar!/inner.env", 1) in places
    assert ("/data/large.conf", 1_500_001) in places
    assert ("/last.env", 1) in places
    assert len(places) == 303
    assert report["summary"]["files"] == 303
    assert report["inconclusive"] == []
    assert took.peak < 400_000_000


def test_an_archive_over_the_limit_in_a_compressed_layer(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """An archive over the limit for one file is told, and what follows it is looked at."""
    inner = imaging.layer(("noise", random.Random(1).randbytes(9_000_000)))
    layer = imaging.layer(("large.tar", inner), ("last.env", f"DB_PASSWORD={password}\n".encode()))
    path = _write(imaging.made(layer, compression="gzip"), folder / "image.tar")
    policy = folder / "policy.yaml"
    policy.write_text("version: 1\nname: small\narchives: {member_mib: 8}\n")
    status, report = hygiene.report("--image", path, "--policy", policy)
    assert (status, _places(report)) == (1, [("/last.env", 1, "DB_PASSWORD")])
    assert [one["path"] for one in report["inconclusive"]] == ["/large.tar"]
