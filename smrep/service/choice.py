"""Whether what the manifest says can be held against the secrets that there are, in all accounts together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smrep.errors import UsageError
from smrep.rules.manifest import Rule
from smrep.service.estate import Estate


def check_clashes(estates: Iterable[Estate], others: Sequence[str] = ()) -> None:
    """Refuse rules that contradict each other for a secret that both mean; `others` are mistakes told with them.

    Raises:
        UsageError: they do, or there are others.

    """
    mistakes = (*(each for estate in estates for each in estate.clashes), *others)
    if mistakes:
        what = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise UsageError(
            f"the manifest has {what}, seen from the secrets that it means; nothing was sent",
            "smrep list shows the secrets there are",
            code="ManifestError",
            details=mistakes,
        )


def missed(estates: Iterable[Estate], rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that mean no secret in any account."""
    counts = [estate.matched for estate in estates]
    return [rule for place, rule in enumerate(rules) if not any(each[place] for each in counts if each)]


def refuse_absent(estates: Sequence[Estate], *, whole: bool) -> None:
    """Refuse each name that nothing bears in any account, once; `whole`: these are all the accounts there are."""
    present = {name for estate in estates for name in estate.present}
    told: set[str] = set()
    for estate in estates if whole else ():
        share = estate.scope.share
        for name, report in estate.absent.items():
            if name not in present and name not in told and (share is None or share.takes(name)):
                estate.refused.append(report)
                told.add(name)
