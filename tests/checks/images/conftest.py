"""Images on the disk, in every form that builders leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import imaging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.imaging import Made

FORMS = ("oci folder", "oci archive", "docker old", "docker new")


@pytest.fixture
def write(folder: Path) -> Callable[[Made, str], Path]:
    """Write an image in one of the forms."""

    def written(image: Made, form: str) -> Path:
        if form == "oci folder":
            return imaging.folder(imaging.documents(image), folder / "image")
        make = {
            "oci archive": imaging.documents,
            "docker old": imaging.docker_old,
            "docker new": imaging.docker_new,
        }[form]
        return imaging.archive(make(image), folder / "image.tar")

    return written
