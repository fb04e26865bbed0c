"""Whether a replica is under the key that was asked for, and whether a key can be used at all."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from smrep.errors import AwsError, Denied, NotFound, Throttled, Unanswered
from smrep.model import Key, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.hints import aws_command, format_command_on
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.key_failures import DEFAULT, id_of_key, normal, same_by_spelling, whose
from smrep.service.ports import Clock, Keys
from smrep.service.steps.lookup import answer_or_error

SILENCE_S = 30.0
"""For so long KMS is not asked again about a key, or about any other in a Region, where it did not answer."""
_UNANSWERED = 2
"""So many keys in a row of which it did not tell are a Region's."""


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """Compares keys by their spelling first, and asks KMS only where that can't tell; remembers what KMS said."""

    keys: Keys
    clock: Clock | None = None
    """Bounds how often a KMS that does not answer is asked, where there are many to ask for; None asks each time."""
    _known: dict[tuple[str, Region], Key | AwsError] = field(default_factory=dict)
    _awaited: dict[tuple[str, Region], Future[Key | AwsError]] = field(default_factory=dict)
    """What is being asked now: who wants to know the same meanwhile waits for that answer."""
    _silent: dict[Region, dict[str, tuple[float, AwsError]]] = field(default_factory=dict)
    """Region -> the keys of which it did not tell, since it last told of any: until when, and what went wrong."""

    def key(self, key: str, region: Region) -> Key | AwsError:
        """Return the key as KMS shows it there, or why it does not.

        Raises:
            CredentialsError: no further call can succeed.

        """
        mine: Future[Key | AwsError] = Future()
        answer = self._awaited.setdefault((key, region), mine)
        if answer is mine:
            try:
                mine.set_result(self._told(key, region) or self._asked(key, region))
            except BaseException as error:
                mine.set_exception(error)
                raise
            finally:
                del self._awaited[key, region]
        return answer.result()

    def _told(self, key: str, region: Region) -> Key | AwsError | None:
        return self._known.get((key, region)) or self._silence(key, region)

    def _asked(self, key: str, region: Region) -> Key | AwsError:
        found = answer_or_error(lambda: self.keys.key(key, region))
        if isinstance(found, Unanswered | Throttled):
            self._note_silence(key, region, found)  # the next time there may be an answer
        else:
            self._known[key, region] = found
            self._silent.pop(region, None)
        return found

    def _silence(self, key: str, region: Region) -> AwsError | None:
        """Return why it is not worth asking now, None where it is."""
        silent = dict(self._silent.get(region, {}))
        if self.clock is None or (key not in silent and len(silent) < _UNANSWERED):
            return None
        until, error = silent.get(key) or max(silent.values(), key=lambda each: each[0])
        return error if self.clock.monotonic() < until else None

    def _note_silence(self, key: str, region: Region, error: AwsError) -> None:
        if self.clock is not None and self._silence(key, region) is None:
            self._silent.setdefault(region, {})[key] = (self.clock.monotonic() + SILENCE_S, error)

    def of(self, secret: Secret, key: str, region: Region) -> Key | AwsError:
        """Return the key that a secret is or is to be under there; a secret asked for by its ARN has its account's."""
        return self.key(id_of_key(key, region, secret.account, by_arn=secret.by_arn), region)

    def same(
        self, wanted: str, shown: str | None, region: Region, account: str, *, by_arn: bool = False
    ) -> bool | AwsError:
        """Return whether both name one key of the account, or the error for which that can't be told."""
        same = same_by_spelling(wanted, shown, region, account)
        if same is not None:
            return same
        one = self.key(id_of_key(wanted, region, account, by_arn=by_arn), region)
        if isinstance(one, AwsError):
            return one
        other = self.key(id_of_key(normal(shown, region, account), region, account, by_arn=by_arn), region)
        return other if isinstance(other, AwsError) else one.arn == other.arn

    def claimed(
        self, wanted: str, shown: str | None, region: Region, account: str, *, by_arn: bool = False
    ) -> bool | AwsError:
        """Return the same, but claim of no alias that it is another key where KMS denies a look."""
        same = self.same(wanted, shown, region, account, by_arn=by_arn)
        if same is False and normal(wanted, region, account).startswith("alias/"):
            known = self.key(id_of_key(wanted, region, account, by_arn=by_arn), region)
            return known if isinstance(known, Denied) else False
        return same

    def findings(self, primary: Secret, target: Target, entry: Replica) -> tuple[Finding, ...]:
        """Return `wrong_key` where the replica's key is another, `unchecked` where KMS would not say, else nothing."""
        if target.kms_key is None:
            return ()
        shown = entry.kms_key_id or DEFAULT
        verdict = self.claimed(target.kms_key, shown, target.region, primary.account, by_arn=primary.by_arn)
        if verdict is True:
            return ()
        if isinstance(verdict, AwsError) and not isinstance(verdict, NotFound):
            what = f"whether {primary.name} in {target.region} is under the key {target.kms_key}"
            return (unchecked(what, verdict, f"kms:DescribeKey in {target.region}"),)
        absent = isinstance(verdict, NotFound)
        wanted = replace(target, kms_key="alias/NAME") if absent else target
        rekey = format_command_on(primary, "rekey", [wanted])
        aliases = aws_command("kms list-aliases", region=target.region)
        return (
            Finding(
                Kind.WRONG_KEY,
                Severity.ERROR,
                f"{primary.name} in {target.region} is under the key {shown}, not {target.kms_key}"
                + (f" ({verdict.words})" if isinstance(verdict, NotFound) else ""),
                f"{whose(primary)}list the keys there are: {aliases}; then: {rekey}" if absent else rekey,
            ),
        )


def unchecked_key(target: Target) -> tuple[Finding, ...]:
    """Return the finding for a key that KMS did not tell of in time."""
    what = f"whether the replica in {target.region} is under the key {target.kms_key}"
    return (unchecked(what, Unanswered("no answer came in time"), "kms:DescribeKey"),)
