"""Errors of a run or a call, each with its exit code and its hint."""

from __future__ import annotations

import re
import signal
from enum import Enum
from typing import ClassVar


class Outcome(Enum):
    """How a Region, a secret or a run ended: the JSON document's word and the exit code.

    Where several apply, the first member wins.
    """

    BUG = ("bug", 70)
    USAGE = ("usage", 2)
    INTERRUPTED = ("interrupted", 130)
    FAILED = ("failed", 1)
    ACCESS = ("access", 4)
    PENDING = ("pending", 3)
    DRIFT = ("drift", 5)
    ACCEPTED = ("pending", 0)  # AWS took the request and --no-wait was typed
    OK = ("ok", 0)

    def __init__(self, word: str, exit_code: int) -> None:
        """Set the word and the exit code of the member, and its rank: 0 is the worst."""
        self.word = word
        self.exit_code = exit_code
        self.rank = len(type(self).__members__)  # of those before it


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; like KeyboardInterrupt, no `except Exception` catches it."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        """Set the signal's number."""
        super().__init__(number)
        self.number = number


class SmrepError(Exception):
    """An error that stops a run or a call to AWS.

    `message` says what happened, to which secret, in which Region (lower case, no full stop); `hint` says what to do
    next; `code` is AWS's, if it sent one; `request_id` is AWS's, for a support case.
    """

    outcome: ClassVar[Outcome] = Outcome.FAILED

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        code: str | None = None,
        request_id: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        """Set the message and what goes with it; `details` are the single mistakes, if there are several."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).__name__
        self.request_id = request_id
        self.details = details


class UsageError(SmrepError):
    """The command line is wrong, or nobody can answer a confirmation."""

    outcome = Outcome.USAGE


class OutputError(SmrepError):
    """The result could not be written to standard output."""


class ConfigurationError(SmrepError):
    """Credentials, profile, Region or endpoint are missing or unusable: no call can succeed."""

    outcome = Outcome.ACCESS


class AwsError(SmrepError):
    """A call to AWS failed; `words` are AWS's own."""

    default_hint: ClassVar[str | None] = None
    names_the_cause: bool = False
    """Whether the hint fixes this very error, whatever else may be wrong in that Region."""

    def __init__(
        self,
        words: str,
        subject: str = "",
        hint: str | None = None,
        *,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Join the subject (which secret, in which Region) and AWS's words to the message."""
        message = f"{subject}: {words}" if subject else words
        super().__init__(message, hint or self.default_hint, code=code, request_id=request_id)
        self.words = words

    @property
    def ends_the_run(self) -> bool:
        """Whether further calls fail in every Region."""
        return False

    def about(self, subject: str) -> None:
        """Replace the subject in the message."""
        self.message = f"{subject}: {self.words}"


class CredentialsError(AwsError):
    """AWS rejects these credentials; a Region that is not enabled rejects all."""

    outcome = Outcome.ACCESS

    @property
    def ends_the_run(self) -> bool:
        """Whether they have expired, which every Region sees."""
        return "Expired" in self.code


class CannotSend(CredentialsError):
    """No request can be signed or sent: the credentials are unusable, or the endpoint is not trusted."""

    @property
    def ends_the_run(self) -> bool:
        """Always true."""
        return True


class NotFound(AwsError):
    """AWS says that the secret or key does not exist in that Region: only this error means missing."""


class Refused(AwsError):
    """AWS refused the request and did nothing."""


class Unsupported(Refused):
    """The endpoint, probably an emulator, does not know the operation."""


class Denied(AwsError):
    """AWS denied the request for lack of permission, which says nothing about what exists."""

    outcome = Outcome.ACCESS

    def allowing(self, what: str) -> str:
        """Return the hint: allow `what`, or change the policy that denies it even with that permission.

        Source: IAM User Guide, 'Troubleshoot access denied error messages'.
        """
        explicit = re.search(r"explicit deny(?: in an? ([\w -]*?(?:policy|boundary))\b)?", self.words, re.ASCII)
        if explicit:
            policy = explicit[1] or "policy (of the caller, the organization, the endpoint or the resource)"
            article = "an" if policy.startswith("identity") else "a"
            return f"{article} {policy} denies it, which no Allow overrides; change it to permit {what}"
        implicit = re.search(r"because no ([\w -]*?(?:policy|boundary)) allows", self.words, re.ASCII)
        if implicit and implicit[1] not in ("identity-based policy", "resource-based policy"):
            return f"the {implicit[1]} does not allow it, which no IAM policy overrides; change it to allow {what}"
        return f"allow {what}"


class Throttled(AwsError):
    """AWS throttled the request and did nothing; smrep may send it again."""

    outcome = Outcome.PENDING
    default_hint = "AWS throttles requests of this account; try again later"


class PlanIsStale(SmrepError):
    """AWS changed since the plan was saved; smrep applies nothing of it."""


class ChangedMeanwhile(SmrepError):
    """A secret changed since smrep showed what it would destroy; smrep skips it."""


class AllDenied(SmrepError):
    """AWS denied every request in an account, so smrep sends no more there."""

    outcome = Outcome.ACCESS


class Partial(SmrepError):
    """Part of the result is missing; the cause decides the outcome."""

    def __init__(self, message: str, hint: str | None, outcome: Outcome, details: tuple[str, ...] = ()) -> None:
        """Set the message about all, and `details` about the single causes."""
        super().__init__(message, hint, details=details)
        self.outcome = outcome  # type: ignore[misc]  # a class variable elsewhere


class Unchecked(ChangedMeanwhile):
    """smrep could not check a secret again before destroying it, and skipped it; the cause decides the outcome."""

    def __init__(self, message: str, hint: str | None, outcome: Outcome) -> None:
        """Set the outcome of the check."""
        super().__init__(message, hint, code="unchecked")
        self.outcome = outcome  # type: ignore[misc]  # a class variable elsewhere


class SomeAccountsLost(Partial):
    """Some accounts failed; the outcome is the worst of theirs."""


class NotWhole(Partial):
    """smrep could not read something that the result needs."""


class StillOpen(SmrepError):
    """The wait ended while something was in progress."""

    outcome = Outcome.PENDING


class NotSent(SmrepError):
    """smrep did not send a request because the deadline had passed."""

    outcome = Outcome.PENDING


class Unanswered(AwsError):
    """No usable answer came (connection, timeout, a 5xx, garbage): AWS may have acted or not."""

    default_hint = "try again; AWS's status page: https://health.aws.amazon.com"
