"""Name every way in which looking or judging can fail."""


class HygieneError(Exception):
    """Base of all errors this program raises on purpose; its text never repeats what was read."""


class PolicyError(HygieneError):
    """A policy, waiver or baseline file that cannot be believed; names the key path."""


class RuleError(HygieneError):
    """A rule file that is malformed or does not prove itself; names the file and the rule."""


class FormatError(HygieneError):
    """A text that is not what its format promises, with the line where reading stopped.

    The reader goes on in line mode.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        """Keep the reason (which never quotes the text) and the 1-based line, 0 when unknown."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


class LimitError(HygieneError):
    """A limit on depth, ratio, count, size or time was reached; the reason names the limit."""


class ImageError(HygieneError):
    """A container image that is none, or is none that can be read; says what is wrong with it."""


class AttestationError(HygieneError):
    """An attestation that is not believed, or a key that none can be checked with."""
