"""Check which key a replica uses, and whether a key is usable."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from smrep.errors import AwsError, Denied, NotFound, Throttled, Unanswered
from smrep.model import Key, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on, step, steps
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import (
    DEFAULT,
    credentials_prefix,
    id_of_key,
    normalized_key,
    same_by_spelling,
)
from smrep.service.ports import Clock, Keys
from smrep.service.steps.lookup import answer_or_error

SILENCE_S = 30.0
"""Seconds to wait before asking KMS again about a key, or about any key in a Region that does not answer."""
_UNANSWERED = 2
"""Number of unanswered keys in a row after which the whole Region counts as silent."""


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """Compares keys by spelling first, asks KMS only if that is not enough, and caches its answers."""

    keys: Keys
    clock: Clock | None = None
    """Limits requests to a KMS that does not answer; None always asks."""
    _answers: dict[tuple[str, Region], Key | AwsError] = field(default_factory=dict)
    _awaited: dict[tuple[str, Region], Future[Key | AwsError]] = field(default_factory=dict)
    """Requests in progress; threads that need the same key wait for the answer."""
    _silent: dict[Region, dict[str, tuple[float, AwsError]]] = field(default_factory=dict)
    """Region -> keys without an answer since its last one: the time to ask again, and the error."""

    def key(self, key: str, region: Region) -> Key | AwsError:
        """Return the key as KMS describes it in the Region, or the error.

        Raises:
            CredentialsError: no further call can succeed.

        """
        mine: Future[Key | AwsError] = Future()
        answer = self._awaited.setdefault((key, region), mine)
        if answer is mine:
            try:
                known = self._answers.get((key, region)) or self._silence(key, region)
                mine.set_result(known or self._ask(key, region))
            except BaseException as error:
                mine.set_exception(error)
                raise
            finally:
                del self._awaited[key, region]
        return answer.result()

    def _ask(self, key: str, region: Region) -> Key | AwsError:
        answer = answer_or_error(lambda: self.keys.key(key, region))
        if isinstance(answer, Unanswered | Throttled):
            self._note_silence(key, region, answer)  # not cached: the next request may succeed
        else:
            self._answers[key, region] = answer
            self._silent.pop(region, None)
        return answer

    def _silence(self, key: str, region: Region) -> AwsError | None:
        """Return the error of a silent KMS, None if it is worth asking."""
        silent = dict(self._silent.get(region, {}))
        if self.clock is None or (key not in silent and len(silent) < _UNANSWERED):
            return None
        until, error = silent.get(key) or max(silent.values(), key=lambda entry: entry[0])
        return error if self.clock.monotonic() < until else None

    def _note_silence(self, key: str, region: Region, error: AwsError) -> None:
        if self.clock is not None and self._silence(key, region) is None:
            self._silent.setdefault(region, {})[key] = (self.clock.monotonic() + SILENCE_S, error)

    def of(self, secret: Secret, key: str, region: Region) -> Key | AwsError:
        """Return the key for a secret in the Region; for a secret given by ARN, in the secret's account."""
        return self.key(id_of_key(key, region, secret.account, by_arn=secret.by_arn), region)

    def same(
        self, wanted: str, shown: str | None, region: Region, account: str, *, by_arn: bool = False
    ) -> bool | AwsError:
        """Return whether both names mean the same key of the account, or the error if KMS can't tell."""
        same = same_by_spelling(wanted, shown, region, account)
        if same is not None:
            return same
        one = self.key(id_of_key(wanted, region, account, by_arn=by_arn), region)
        if isinstance(one, AwsError):
            return one
        other = self.key(id_of_key(normalized_key(shown, region, account), region, account, by_arn=by_arn), region)
        return other if isinstance(other, AwsError) else one.arn == other.arn

    def claimed(
        self, wanted: str, shown: str | None, region: Region, account: str, *, by_arn: bool = False
    ) -> bool | AwsError:
        """Compare like `same`, but return the denial instead of False for an alias that KMS denies."""
        same = self.same(wanted, shown, region, account, by_arn=by_arn)
        if same is False and normalized_key(wanted, region, account).startswith("alias/"):
            answer = self.key(id_of_key(wanted, region, account, by_arn=by_arn), region)
            return answer if isinstance(answer, Denied) else False
        return same

    def findings(self, primary: Secret, target: Target, entry: Replica) -> tuple[Finding, ...]:
        """Return `wrong_key` for a replica under another key, `unchecked` if KMS could not tell, else nothing."""
        if target.kms_key is None:
            return ()
        shown = entry.kms_key_id or DEFAULT
        verdict = self.claimed(target.kms_key, shown, target.region, primary.account, by_arn=primary.by_arn)
        if verdict is True:
            return ()
        if isinstance(verdict, AwsError) and not isinstance(verdict, NotFound):
            subject = f"the key of {primary.name} in {target.region} (expected: {target.kms_key})"
            return (unchecked(subject, verdict, f"kms:DescribeKey in {target.region}"),)
        absent = isinstance(verdict, NotFound)
        wanted = replace(target, kms_key="alias/NAME") if absent else target
        rekey = format_command_on(primary, "rekey", [wanted])
        look = step(
            f"{credentials_prefix(primary)}list the keys in {target.region}",
            aws_command("kms list-aliases", region=target.region),
        )
        return (
            Finding(
                Kind.WRONG_KEY,
                Severity.ERROR,
                f"{primary.name} in {target.region} uses the key {shown}, not {target.kms_key}"
                + (f" ({verdict.words})" if isinstance(verdict, NotFound) else ""),
                steps(look, step("then use one of them", rekey)) if absent else step("change its key", rekey),
            ),
        )


def unchecked_key(target: Target) -> tuple[Finding, ...]:
    """Return the finding for a key that KMS did not describe in time."""
    subject = f"the key of the replica in {target.region} (expected: {target.kms_key})"
    return (unchecked(subject, Unanswered("no answer came in time"), "kms:DescribeKey"),)
