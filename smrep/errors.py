"""Every way in which a run or a call can end badly, each with its exit code and its hint."""

from __future__ import annotations

import re
import signal
from enum import Enum
from typing import ClassVar


class Outcome(Enum):
    """How a Region, a secret or a run ended: the word of the JSON document and the exit code.

    The order of the members is the order of weight: where several apply, the first one wins.
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
        """Keep the word and the code that the member was declared with."""
        self.word = word
        self.exit_code = exit_code


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; like KeyboardInterrupt it is no error, and passes every `except Exception`."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


class SmrepError(Exception):
    """A run, or a call to AWS, that can't go on.

    `message` says what happened, to which secret, in which Region (lower case, no full stop); `hint` is what to
    type next; `code` is AWS's own where there is one; `request_id` is AWS's, for a support case.
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
        """Keep the sentence, the hint and AWS's own words; `details` are the several mistakes that it is made of."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).__name__
        self.request_id = request_id
        self.details = details


class UsageError(SmrepError):
    """The command line is wrong, or a confirmation is needed and nobody can answer."""

    outcome = Outcome.USAGE


class OutputError(SmrepError):
    """The result could not be written to standard output."""


class ConfigurationError(SmrepError):
    """No usable credentials, profile, Region or endpoint: no call can succeed."""

    outcome = Outcome.ACCESS


class AwsError(SmrepError):
    """AWS was asked, and the answer was not the one hoped for; `words` are AWS's own."""

    cure: ClassVar[str | None] = None
    """The hint where nothing better is known."""
    names_the_cause: bool = False
    """Whether the hint mends just this, whatever else may be wrong in that Region."""

    def __init__(
        self,
        words: str,
        subject: str = "",
        hint: str | None = None,
        *,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Make the sentence of the subject (which secret, where) and AWS's words."""
        message = f"{subject}: {words}" if subject else words
        super().__init__(message, hint or self.cure, code=code, request_id=request_id)
        self.words = words

    @property
    def ends_the_run(self) -> bool:
        """Whether no further call can succeed, in whatever Region."""
        return False

    def about(self, subject: str) -> None:
        """Name another subject than the call's, with the same words."""
        self.message = f"{subject}: {self.words}"


class CredentialsError(AwsError):
    """AWS does not accept these credentials, or no longer; in a Region that is not enabled it accepts none."""

    outcome = Outcome.ACCESS

    @property
    def ends_the_run(self) -> bool:
        """Whether they have expired, which is so in every Region."""
        return "Expired" in self.code


class CannotSend(CredentialsError):
    """Nothing can be signed or sent from here: the credentials can't be used, or the endpoint can't be trusted."""

    @property
    def ends_the_run(self) -> bool:
        """Whether no further call can succeed: none can, in whatever Region."""
        return True


class NotFound(AwsError):
    """AWS says that the thing does not exist in that Region: the only error that means absence."""


class Refused(AwsError):
    """AWS said no, and nothing was done."""


class Unsupported(Refused):
    """The endpoint does not know the operation; AWS's own does, an emulator may not."""


class Denied(AwsError):
    """AWS said no for want of a permission; it tells nothing of what exists."""

    outcome = Outcome.ACCESS

    def allowing(self, what: str) -> str:
        """Return the hint: what to allow, or which policy says no where allowing it to the caller would not help.

        Source: IAM User Guide, 'Troubleshoot access denied error messages'.
        """
        explicit = re.search(r"explicit deny(?: in an? ([\w -]*?(?:policy|boundary))\b)?", self.words, re.ASCII)
        if explicit:
            policy = explicit[1] or "policy (of the caller, the organization, the endpoint or the resource)"
            article = "an" if policy.startswith("identity") else "a"
            return f"a Deny in {article} {policy} says no, which no Allow beats; have it let through {what}"
        implicit = re.search(r"because no ([\w -]*?(?:policy|boundary)) allows", self.words, re.ASCII)
        if implicit and implicit[1] not in ("identity-based policy", "resource-based policy"):
            return f"the {implicit[1]} says no, so that no IAM policy helps; allow there {what}"
        return f"allow {what}"


class Throttled(AwsError):
    """AWS was asked too often; nothing was done, and the same call may be sent again."""

    outcome = Outcome.PENDING
    cure = "the account asks more of AWS than its quota allows: try again in a while"


class PlanIsStale(SmrepError):
    """What a saved plan was made for is not as it was; nothing of it is done."""


class ChangedMeanwhile(SmrepError):
    """What was to be destroyed is not as it was shown; it is skipped."""


class AllDenied(SmrepError):
    """AWS denied everything that was tried in an account, so that nothing more is."""

    outcome = Outcome.ACCESS


class Partial(SmrepError):
    """Part of the result is missing; how bad that is depends on why."""

    def __init__(self, message: str, hint: str | None, outcome: Outcome, details: tuple[str, ...] = ()) -> None:
        """Keep what is said of all, and of each."""
        super().__init__(message, hint, details=details)
        self.outcome = outcome  # type: ignore[misc]  # here it is not one for all


class Unchecked(ChangedMeanwhile):
    """What was to be destroyed could not be looked at again, which is no yes; how bad that is depends on why."""

    def __init__(self, message: str, hint: str | None, outcome: Outcome) -> None:
        """Keep the outcome of the look."""
        super().__init__(message, hint, code="unchecked")
        self.outcome = outcome  # type: ignore[misc]  # here it is not one for all


class SomeAccountsLost(Partial):
    """Some of several accounts could not be dealt with; the outcome is that of the worst of them."""


class NotWhole(Partial):
    """Something could not be seen, without which the result would be no result."""


class StillOpen(SmrepError):
    """Waiting has ended, and something is not settled."""

    outcome = Outcome.PENDING


class NotSent(SmrepError):
    """A request was not begun, because the deadline had passed."""

    outcome = Outcome.PENDING


class Unanswered(AwsError):
    """No usable answer came (connection, time, a 5xx, garbage): AWS may or may not have acted."""

    cure = "try again; AWS's own state: https://health.aws.amazon.com"
