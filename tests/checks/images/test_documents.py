"""The configuration of an image becomes texts in which every setting has its name and place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from checks.errors import ImageError
from checks.images import documents

if TYPE_CHECKING:
    from checks.images.documents import Document


def _each(**told: object) -> list[Document]:
    return list(documents.each(json.dumps(told).encode()))


def test_variables_have_place_and_name() -> None:
    """A variable's key says which of the list it is and how it is called."""
    first = _each(config={"Env": ["PATH=/bin", "A=b=c", "odd"]})[0]
    assert json.loads(first.data) == {
        "Env[0]": {"PATH": "/bin"},
        "Env[1]": {"A": "b=c"},
        "Env[2]": "odd",
    }
    assert first.shown == "image config"


def test_commands_are_lines() -> None:
    """Lists of words become what one would type, labels stay what they are."""
    config = {
        "Cmd": ["sh", "-c", "mysql -px"],
        "Entrypoint": None,
        "Healthcheck": {"Test": ["CMD-SHELL", "curl x"], "Interval": 3},
        "Labels": {"a": "b"},
    }
    assert json.loads(_each(config=config)[0].data) == {
        "Cmd": "sh -c 'mysql -px'",
        "Entrypoint": None,
        "Healthcheck": {"Test": "CMD-SHELL 'curl x'", "Interval": 3},
        "Labels": {"a": "b"},
    }


def test_what_was_at_build_time_counts_where_it_differs() -> None:
    """The builder's own configuration is looked at, but not twice what is in the image's."""
    told = json.loads(_each(config={"Env": ["A=b"]}, container_config={"Env": ["A=b"]})[0].data)
    assert told == {"Env[0]": {"A": "b"}}
    told = json.loads(_each(config={}, container_config={"Env": ["A=b"]}, author="me")[0].data)
    assert told == {"author": "me", "container_config": {"Env[0]": {"A": "b"}}}


@pytest.mark.parametrize(
    ("created_by", "path", "data"),
    [
        ("ENV A=b", "Dockerfile", "ENV A=b\n"),
        ("/bin/sh -c #(nop)  ENV A=b", "Dockerfile", "ENV A=b\n"),
        (
            "RUN |1 A=b /bin/sh -c make # buildkit",
            "Dockerfile",
            'ARG A="b"\nRUN /bin/sh -c make # buildkit\n',
        ),
        ("/bin/sh -c make", "Dockerfile", "RUN /bin/sh -c make\n"),
        ("RUN /bin/sh -c <<EOF\nmake\nEOF", "run.sh", "/bin/sh -c <<EOF\nmake\nEOF\n"),
        ('|1 A=b"c /bin/sh -c x', "Dockerfile", 'ARG A="b\\"c"\nRUN /bin/sh -c x\n'),
    ],
)
def test_a_step_is_a_line_of_a_dockerfile(created_by: str, path: str, data: str) -> None:
    """What any builder writes into the history is read as the instruction it was."""
    step = _each(history=[{"created_by": created_by}])[1]
    assert (step.shown, step.key) == ("image history", "step[1]")
    assert step.path.endswith(f"/{path}")
    assert step.data.decode() == data


def test_a_trigger_is_a_step() -> None:
    """What a child's build will run is looked at as part of the configuration."""
    step = _each(config={"OnBuild": ["RUN make"]})[1]
    assert (step.shown, step.key, step.data) == ("image config", "OnBuild[0]", b"RUN make\n")


@pytest.mark.parametrize(
    "told",
    [
        {"config": [], "history": 7},
        {"config": {"Env": 7, "OnBuild": {}, "Healthcheck": []}, "history": [7, {"created_by": 7}]},
    ],
)
def test_wrong_types_are_passed_by(told: dict[str, object]) -> None:
    """Whatever stands where a list or an object should, one text comes out."""
    assert len(_each(**told)) == 1


def test_a_document_shows_nothing() -> None:
    """What a text holds is not in its repr."""
    assert "hidden" not in repr(_each(config={"Env": ["A=hidden"]}))


def test_what_is_no_object() -> None:
    """A configuration that is a list is refused."""
    with pytest.raises(ImageError):
        list(documents.each(b"[]"))
