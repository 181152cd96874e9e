"""A layer's build step is told in words that can hold no secret."""

from __future__ import annotations

import pytest

from checks.images import steps
from checks.images.manifest import Step
from checks.images.steps import Made


@pytest.mark.parametrize(
    ("created_by", "told"),
    [
        ("/bin/sh -c #(nop) ADD file:0a1b2c in / ", "ADD /"),
        ("/bin/sh -c #(nop) COPY file:0a1b in /etc/app.env ", "COPY /etc/app.env"),
        ("COPY app.env /etc/app.env # buildkit", "COPY app.env /etc/app.env"),
        ("COPY --chown=app:app . /srv # buildkit", "COPY … . /srv"),
        ("ADD https://user:pass@example.org/x / # buildkit", "ADD … /"),
        ("/bin/sh -c apt-get update && apt-get install -y curl", "RUN apt-get"),
        ("RUN /bin/sh -c apk add curl # buildkit", "RUN apk"),
        ("RUN |1 TOKEN=abc /bin/sh -c npm ci # buildkit", "RUN npm"),
        ("|2 A=b C=d e f /bin/sh -c make install", "RUN make"),
        ("RUN |1 TOKEN=two words /bin/sh -c make", "RUN make"),
        ("ENV TOKEN=abc", "ENV"),
        ("/bin/sh -c #(nop)  ENV TOKEN=abc", "ENV"),
        ("LABEL key=value", "LABEL"),
        ('CMD ["sh" "-c" "mysql -psecret"]', "CMD"),
        ("RUN /bin/sh -c PASSWORD=abc make", "RUN"),
        ("", "RUN"),
    ],
)
def test_what_may_be_repeated(created_by: str, told: str) -> None:
    """Paths of COPY and the program of RUN are told, values and arguments never."""
    assert steps.brief(created_by) == told


@pytest.mark.parametrize(
    ("rest", "arguments", "command"),
    [
        ("|1 A=b /bin/sh -c x", ["A=b"], "/bin/sh -c x"),
        ("|2 A=b c D=e /bin/sh -c x", ["A=b c", "D=e"], "/bin/sh -c x"),
        ("/bin/sh -c x", [], "/bin/sh -c x"),
        ("|9 A=b /bin/sh -c C=d x", ["A=b"], "/bin/sh -c C=d x"),
        ("|9999 ", [], ""),
    ],
)
def test_arguments_are_parted_from_the_command(
    rest: str, arguments: list[str], command: str
) -> None:
    """The values of ARG that were in force stand before the command, as many as it says."""
    assert steps.without_arguments(rest) == (arguments, command)


def test_only_steps_that_changed_files_have_layers() -> None:
    """The n-th step that is not empty made the n-th layer; what is missing is not told."""
    history = [Step("COPY a /"), Step("ENV A=b", empty_layer=True), Step("RUN make")]
    assert steps.of_layers(history, 3) == [Made(1, "COPY a /"), Made(3, "RUN make"), Made()]
    assert steps.of_layers(history, 1) == [Made(1, "COPY a /")]
