"""Merges the reports of shards or accounts into the report of one run over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from smrep.errors import Outcome, UsageError
from smrep.model import arn_account, in_region
from smrep.regions import Region
from smrep.report import Problem, RunReport, SecretReport, is_notable, is_remarkable
from smrep.rules.fleet.shards import Shard, parse_shard
from smrep.rules.hints import some_names
from smrep.rules.replication.replica_state import worst

MERGED = ("audit", "plan", "apply")
"""The commands that run in shards, or over accounts."""
_SAME_RUN = timedelta(hours=1)
"""The most time between the starts of two parts, unless one is a leftover of an earlier run."""


@dataclass(frozen=True, slots=True)
class Part:
    """The report of a shard or an account."""

    source: str
    """The name of its file."""
    report: RunReport

    @property
    def shard(self) -> Shard | None:
        """Its shard, None for a run without --shard."""
        return parse_shard(self.report.shard, {}) if self.report.shard else None

    @property
    def end(self) -> str:
        """The error that ended it, in brackets; empty without one."""
        return f" (it ended with: {self.report.error.message})" if self.report.error else ""


def merged_report(parts: Sequence[Part]) -> RunReport:
    """Return the report of one run over all parts, in whatever order they come.

    Raises:
        UsageError: the parts are not those of one run, or one of them is missing.

    """
    mistakes = [*_command_mistakes(parts), *_shard_mistakes(parts)] or [*_duplicates(parts)]
    if mistakes:
        raise refusal(mistakes)
    parts = sorted(parts, key=lambda part: (part.shard.number if part.shard else 0, part.source))
    reports = [part.report for part in parts]
    known = {report.account_id for report in reports if report.account_id}
    unsaid = [secret for report in reports if not report.account_id for secret in report.secrets]
    owners = known | {secret.account for secret in unsaid if secret.account}
    homes = {report.primary_region: report.primary_region_source for report in reports if report.primary_region}
    home, source = homes.popitem() if len(homes) == 1 else (None, None)
    absent = _absent(reports)
    secrets = _secrets(reports, several=len(owners) > 1) + absent
    summary = _summary(reports, absent)
    began = min(report.started_at for report in reports)
    ended = max(report.started_at + timedelta(seconds=report.elapsed_s) for report in reports)
    error = _error(parts)
    outcome = worst(value.outcome for values in (reports, secrets, [error] if error else []) for value in values)
    return RunReport(
        command=reports[0].command,
        outcome=outcome,
        exit_code=next((report.exit_code for report in reports if report.outcome is outcome), outcome.exit_code),
        started_at=began,
        elapsed_s=(ended - began).total_seconds(),
        dry_run=reports[0].dry_run,
        account_id=known.pop() if known and len(owners) == 1 else None,
        primary_region=home,
        primary_region_source=source,
        endpoint_url=next((report.endpoint_url for report in reports if report.endpoint_url), None),
        endpoint_urls={region: url for report in reports for region, url in report.endpoint_urls.items()},
        secrets=_in_order(secrets),
        error=error,
        summary=summary,
    )


def refusal(mistakes: Sequence[str]) -> UsageError:
    """Return the error that nothing is merged, with the reasons."""
    return UsageError("the documents cannot be merged", code="MergeError", details=tuple(mistakes))


def doubts(parts: Sequence[Part]) -> Iterator[str]:
    """Yield a warning if a part may be a leftover of an earlier run, and for each rule of an audit without a secret."""
    first, last = (end(parts, key=lambda part: part.report.started_at) for end in (min, max))
    if last.report.started_at - first.report.started_at > _SAME_RUN:
        times = (f"{part.source} began at {part.report.started_at:%Y-%m-%d %H:%M} UTC" for part in (first, last))
        yield f"these may be documents of different runs: {', '.join(times)}"
    if parts[0].report.command == "audit":
        yield from _unmatched(parts)


def _command_mistakes(parts: Sequence[Part]) -> Iterator[str]:
    first = parts[0]
    for part in parts:
        if part.report.command not in MERGED:
            yield f"{part.source} is a document of {_typed(part)}, not of audit, plan or apply{part.end}"
        elif _typed(part) != _typed(first):
            yield f"{part.source} is a document of {_typed(part)}, but {first.source} of {_typed(first)}{part.end}"


def _typed(part: Part) -> str:
    is_trial = part.report.dry_run and part.report.command == "apply"
    return f"{part.report.command or 'no command'}{' --dry-run' if is_trial else ''}"


def _shard_mistakes(parts: Sequence[Part]) -> Iterator[str]:
    shards: dict[Shard, Part] = {}
    for part in parts:
        if part.shard and part.shard in shards:
            yield f"{shards[part.shard].source} and {part.source} are both of shard {part.shard}"
        elif part.shard:
            shards[part.shard] = part
    if not shards:
        return
    yield from (f"{part.source} is of no shard, unlike the others{part.end}" for part in parts if not part.shard)
    shard, first = next(iter(shards.items()))
    other = next((part for part in shards.values() if part.shard and part.shard.count != shard.count), None)
    if other:
        yield f"{first.source} is of shard {shard}, but {other.source} of shard {other.shard}"
        return
    numbers = {each.number for each in shards}
    missing = [str(Shard(number, shard.count)) for number in range(1, shard.count + 1) if number not in numbers]
    if missing:
        yield f"no document of shard{'s' if len(missing) > 1 else ''} {some_names(missing)}"


def _duplicates(parts: Sequence[Part]) -> Iterator[str]:
    """Yield a mistake for every two parts that have a secret in common."""
    places: dict[object, int] = {}
    shared: dict[tuple[int, int], list[str]] = {}
    for place, part in enumerate(parts):
        for secret in part.report.secrets:
            identity = _identity(secret, part.report.account_id)
            first = places.setdefault(identity, place) if identity else place
            if first != place:
                shared.setdefault((first, place), []).append(secret.label)
    for (first, second), names in shared.items():
        yield f"{parts[first].source} and {parts[second].source} both have {some_names(names, 3)}"


def _identity(secret: SecretReport, account: str | None) -> object:
    """Return what no other secret has: its ARN, else its account, Region and name; None if they are unknown."""
    replica, home = next((row.arn for row in secret.replicas if row.arn), None), secret.primary_region
    if secret.arn or (replica and home):
        return secret.arn or in_region(str(replica), Region(str(home)))
    owner = secret.account or account
    return (owner, home, secret.name) if owner else None


def _absent(reports: Sequence[RunReport]) -> list[SecretReport]:
    """Return the named secrets that no part's accounts have; none if an account is lost, which may have them."""
    if any(report.error for report in reports):
        return []
    lists = [report.absent for report in reports if report.absent is not None]
    absent = {secret.name: secret for secrets in reversed(lists) for secret in secrets}
    names = [{secret.name for secret in secrets} for secrets in lists]
    return [absent[name] for name in sorted(absent) if all(name in lacked for lacked in names)]


def _unmatched(parts: Sequence[Part]) -> list[str]:
    """Return the rules that match no secret in any account; none if an account is lost, which may have one."""
    if any(part.report.error for part in parts):
        return []
    everywhere = set.intersection(*(set(part.report.unmatched) for part in parts))
    return [f"no account has a secret for {rule}" for rule in parts[0].report.unmatched if rule in everywhere]


def _secrets(reports: Sequence[RunReport], *, several: bool) -> list[SecretReport]:
    """Return all secrets, each with its account if there are several."""
    return [
        replace(secret, account=report.account_id or arn_account(secret.arn))
        if several and not secret.account
        else secret
        for report in reports
        for secret in report.secrets
    ]


def _in_order(secrets: list[SecretReport]) -> tuple[SecretReport, ...]:
    """Return the secrets, those with trouble first, then by name, account and Region."""
    keys: tuple[Callable[[SecretReport], str | int], ...] = (
        lambda secret: secret.primary_region or "",
        lambda secret: secret.account or "",
        lambda secret: secret.name,
        lambda secret: not (is_remarkable(secret) or any(map(is_notable, secret.replicas))),
        lambda secret: secret.outcome.rank,
    )
    for key in keys:  # one by one, as a key of several parts for each of 500,000 secrets takes memory
        secrets.sort(key=key)
    return tuple(secrets)


def _summary(reports: Sequence[RunReport], absent: Sequence[SecretReport]) -> dict[str, int] | None:
    """Return the counts of all parts together, None if no part has any."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.summary or {})
    if absent and counts:
        counts.update(secrets=len(absent), in_trouble=len(absent))
    return dict(counts) if any(report.summary is not None for report in reports) else None


def _error(parts: Sequence[Part]) -> Problem | None:
    """Return the error of the only part, or one that names the errors of all, with the code of the worst.

    Without errors, a rule that matches nothing is one, as it is for a run over all; an audit only warns.
    """
    errors = [(part.source, part.report.error) for part in parts if part.report.error]
    unmatched = _unmatched(parts) if parts[0].report.command != "audit" else []
    if unmatched:
        message = "the manifest has rules that match no secret"
        return Problem("ManifestError", message, None, None, Outcome.USAGE, tuple(unmatched))
    if not errors or len(parts) == 1:
        return errors[0][1] if errors else None
    cause = min((error for _, error in errors), key=lambda error: error.outcome.rank)
    return replace(
        cause,
        message=f"{len(errors)} of {len(parts)} runs ended with an error, so the result may be incomplete",
        hint=cause.hint or next((error.hint for _, error in errors if error.hint), None),
        request_id=None,
        details=tuple(f"{source}: {error.in_full}" for source, error in errors),
    )
