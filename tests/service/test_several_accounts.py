"""Several accounts: a few at once, each by itself, and what holds for all of them at the end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from fakes import HOME, WEST, FakeAws
from service.audit_scene import PROD, counts, estate, healthy, rules_of
from use_case_run import quiet

from smrep.errors import Denied, SomeAccountsLost, UsageError
from smrep.rules.manifest.schema import AccountRole
from smrep.service.audit import Audit, Audits
from smrep.service.fleet.multi_account import Accounts


def audit_of(number: int, aws: FakeAws | None = None, *rules: dict[str, Any]) -> Audit:
    """Return the audit of an account of the manifest."""
    role = AccountRole(f"account[{number}]", f"arn:aws:iam::{number:012}:role/smrep")
    return Audit(estate(aws or FakeAws(), rules_of(*rules), role=role))


def test_a_few_are_worked_on_at_once_and_losses_are_told_in_the_order_of_the_manifest(aws: FakeAws) -> None:
    audits = [audit_of(number) for number in range(20)]
    at_once: list[int] = []
    working: set[int] = set()
    lock = threading.Lock()

    def work(audit: Audit) -> None:
        number = audits.index(audit)
        with lock:
            working.add(number)
            at_once.append(len(working))
        time.sleep(0.01 if number % 2 else 0.002)
        with lock:
            working.remove(number)
        if number % 3 == 0:
            raise Denied("no", f"account {number}")

    accounts = Accounts(3)
    accounts.each(work, audits, quiet(aws.clock))
    assert max(at_once) <= 3
    assert len(at_once) == 20
    assert accounts.living(audits) == [audit for number, audit in enumerate(audits) if number % 3]
    with pytest.raises(SomeAccountsLost, match="7 of 20 accounts failed") as caught:
        accounts.check(20)
    assert [text.partition(",")[0] for text in caught.value.details] == [f"account[{n}]" for n in range(0, 20, 3)]


def test_only_what_is_in_no_account_is_absent() -> None:
    both = FakeAws(), FakeAws()
    for number, each in enumerate(both):
        healthy(each, 3)
        each.create(f"only/{number}", AddReplicaRegions=[{"Region": WEST}])
        each.clock.time += 10
    named = {"name": "named", "names": ["only/0", "only/1", "nowhere"], "regions": [WEST]}
    run = Audits([audit_of(number, each, PROD, named) for number, each in enumerate(both)])
    run.look(quiet(both[0].clock))
    assert counts(run) == {"secrets": 9, "covered": 8, "in_trouble": 1}
    assert [report.name for report in run.reports() if report.error] == ["nowhere"]


def test_conflicts_of_every_account_are_told_at_once() -> None:
    rules = [
        {"name": "one", "prefix": "prod/", "regions": [{"region": WEST, "kms_key": "alias/a"}]},
        {"name": "two", "names": ["prod/a", "prod/b"], "regions": [{"region": WEST, "kms_key": "alias/b"}]},
    ]
    both = FakeAws(), FakeAws()
    for each, name in zip(both, ("prod/a", "prod/b"), strict=True):
        each.create(name)
    run = Audits([audit_of(number, each, *rules) for number, each in enumerate(both)])
    with pytest.raises(UsageError) as caught:
        run.look(quiet(both[0].clock))
    assert [mistake.partition(" has ")[0].split()[-1] for mistake in caught.value.details] == ["prod/a", "prod/b"]
    assert [(call[0], call[1]) for each in both for call in each.calls if call[0] == "ListSecrets"] == [
        ("ListSecrets", HOME)
    ] * 2
