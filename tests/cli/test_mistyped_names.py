"""A name that no secret has: the most similar one is suggested, where the list may be read."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from fixtures import Sandbox

NAMES = ("prod/payments/db", "prod/payments/stripe", "prod/web/session", "top-level")


@pytest.fixture
def named(sandbox: Sandbox) -> Sandbox:
    for name in NAMES:
        sandbox.create(name)
    return sandbox


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prod/payments/bd", "prod/payments/db"),
        ("prod/paymnets/db", "prod/payments/db"),
        ("prdo/web/session", "prod/web/session"),
        ("toplevel", "top-level"),
        ("prod/billing/keys", None),
        ("x", None),
    ],
)
def test_the_most_similar_name_is_suggested(named: Sandbox, typed: str, meant: str | None) -> None:
    done = named.smrep("status", typed)
    suggested = done.err.partition("did you mean this one:\n")[2]
    assert done.code == 1
    if meant is None:
        assert "did you mean" not in done.err
    else:
        line = suggested.splitlines()[0].strip()
        assert line == f"smrep status {meant} --primary-region us-east-1"
        assert named.smrep(*shlex.split(line)[1:]).code == 0


def test_nothing_is_written_for_a_similar_name(named: Sandbox) -> None:
    done = named.smrep("replicate", "prod/payments/bd", "-r", "us-west-2")
    assert "smrep status prod/payments/db" in done.err
    assert named.log("ReplicateSecretToRegions") == []


def test_a_list_that_is_denied_takes_nothing_from_the_error(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(denied=frozenset({("ListSecrets", "us-east-1")}))
    sandbox.create("prod/payments/db")
    done = sandbox.smrep("status", "prod/payments/bd")
    assert done.code == 1
    assert "ResourceNotFoundException" in done.err
    assert "AccessDenied" not in done.err
    assert "did you mean" not in done.err


def test_many_unknown_names_are_a_program_s_and_nothing_is_listed_for_them(named: Sandbox) -> None:
    done = named.smrep("status", *(f"prod/payments/d{letter}" for letter in "acde"))
    assert done.code == 1
    assert named.log("ListSecrets") == []


def test_a_known_name_costs_no_list(named: Sandbox) -> None:
    assert named.smrep("status", "prod/payments/db").code == 0
    assert named.log("ListSecrets") == []
