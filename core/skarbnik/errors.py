"""What can go wrong, in the few kinds callers treat differently. `web` and `api` turn them into HTTP in one place.

Messages carry ids, never names, PESEL or account numbers.
"""

from __future__ import annotations


class SkarbnikError(Exception):
    """Something the product expected to be possible went wrong."""


class NotFound(SkarbnikError):
    """There is no such thing, or it is not yours: the two are never told apart."""


class Conflict(SkarbnikError):
    """What was asked for no longer fits the state of things; look again and decide again."""


class Forbidden(SkarbnikError):
    """The caller is known and may not do this."""


class Invalid(SkarbnikError):
    """What was given cannot be right. `problems` maps a field to a reason."""

    def __init__(self, message: str, problems: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


class ForbiddenTransition(Conflict):
    """A state cannot follow the present one."""


class ExternalSystemError(SkarbnikError):
    """An outside system answered with an error, or could not be asked. What was asked did not happen."""


class OutcomeUnknown(ExternalSystemError):
    """The call may or may not have had its effect: it timed out or was cut. Never a failure; ask again."""


class Nonsense(ExternalSystemError):
    """An outside system answered with something that cannot be what it says it is. Nothing of it was used."""


class NotKnown(ExternalSystemError):
    """The outside system answered, and surely does not have what it was asked about."""


class Refused(ExternalSystemError):
    """The outside system understood and said no; asking again the same way is useless."""


class Misconfigured(ExternalSystemError):
    """The outside system does not accept our keys or settings; an official has to look."""


class Forged(SkarbnikError):
    """A message does not carry the signature of the one it claims to come from."""


class BrokenFile(SkarbnikError):
    """A file cannot be used. `problems` says where and why, in words a clerk can act on."""

    def __init__(self, message: str, problems: list[FileProblem] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


class FileProblem:
    """One reason against one place of a file."""

    __slots__ = ("code", "line", "message")

    def __init__(self, line: int | None, code: str, message: str) -> None:
        self.line = line
        self.code = code
        self.message = message

    def __repr__(self) -> str:
        return f"FileProblem({self.line!r}, {self.code!r}, {self.message!r})"
