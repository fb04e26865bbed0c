"""What there is to say of many secrets: the same trouble in the same Region is one matter, with its first secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smrep.regions import Region
from smrep.report import Kind, RegionReport, SecretReport, Severity
from smrep.rules.commands import some

_FEW = 3


@dataclass(slots=True)
class Matter:
    """One thing that is amiss with one or more secrets."""

    what: str
    """A kind of finding, or an error's code."""
    region: Region | None
    message: str
    """What is amiss with the first of them."""
    hint: str | None
    names: list[str] = field(default_factory=list)
    """Each once, in the order in which they come."""

    @property
    def title(self) -> str:
        """What it is, where, and which secrets it is about; the message itself where it is about one."""
        if len(self.names) == 1:
            return self.message
        where = f" in {self.region}" if self.region else ""
        return f"{self.what.replace('_', ' ')}{where} ({len(self.names)} secrets): {some(self.names, _FEW)}"

    @property
    def example(self) -> str | None:
        """What is amiss with the first of several."""
        return f"for example: {self.message}" if len(self.names) > 1 else None

    @property
    def cure(self) -> str | None:
        """What to type next, for the first of several."""
        return f"for the first: {self.hint}" if self.hint and len(self.names) > 1 else self.hint


def matters(secrets: Iterable[SecretReport]) -> list[Matter]:
    """Return what is amiss, in the order in which it is met; what merely tells something is none."""
    found: dict[tuple[str, Region | None], Matter] = {}
    for secret in secrets:
        for each in _of(secret):
            matter = found.setdefault((each.what, each.region), each)
            if secret.label not in matter.names[-1:]:
                matter.names.append(secret.label)
    return list(found.values())


def _of(secret: SecretReport) -> Iterator[Matter]:
    if secret.error is not None:
        yield Matter(secret.error.code, None, secret.error.message, secret.error.hint)
    for row in secret.replicas:
        yield from _in_region(row)


def _in_region(row: RegionReport) -> Iterator[Matter]:
    if row.error is not None:
        yield Matter(row.error.code, row.region, row.error.message, row.error.hint)
    for each in row.findings:
        if each.kind is Kind.UNCHECKED or (row.error is None and each.severity is Severity.ERROR):
            yield Matter(each.kind.value, row.region, each.message, each.hint)
