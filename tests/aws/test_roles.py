"""Roles in several accounts share clients, and each request is signed with the role of its own account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fixtures import Sandbox

from smrep.aws.client import Aws
from smrep.aws.session import Roles, Session, Settings
from smrep.errors import AwsError, CredentialsError
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ACCOUNTS = [f"{number:012}" for number in range(1, 7)]


@pytest.fixture
def said() -> list[str]:
    """Return the lines about endpoints."""
    return []


@pytest.fixture
def connect(sandbox: Sandbox, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Aws]]:
    """Return a function that connects to an account through its role; all share what roles share."""
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    shared: list[Roles] = []

    def connect(account: str) -> Aws:
        settings = Settings(role_arn=f"arn:aws:iam::{account}:role/smrep", sts_region=HOME)
        session = Session(settings, said.append, roles=shared[0] if shared else None)
        assert session.roles
        shared.append(session.roles)
        return Aws(session)

    yield connect
    for session in (shared[0].source, shared[0].clients):
        for client in session._clients.values():
            client.close()


def test_calls_of_many_threads_each_go_to_the_account_of_their_role(
    sandbox: Sandbox, said: list[str], connect: Callable[[str], Aws]
) -> None:
    doors = {account: connect(account) for account in ACCOUNTS}
    for account in ACCOUNTS:
        sandbox.simulator.account(account).call(
            "secretsmanager", "CreateSecret", HOME, {"Name": "prod/db", "SecretString": "x"}
        )

    def look(number: int) -> tuple[str, str]:
        account = ACCOUNTS[number % len(ACCOUNTS)]
        if number % 5 == 0:
            (listed,) = doors[account].list_page(HOME, (), None, with_deleted=False).entries
            return account, listed.account
        return account, doors[account].describe("prod/db", HOME).account

    with ThreadPoolExecutor(12) as threads:
        seen = list(threads.map(look, range(240)))
    assert [asked for asked, _ in seen] == [found for _, found in seen]
    assert len([call for call in sandbox.simulator.log if call.operation == "AssumeRole"]) == len(ACCOUNTS)
    assert said == [f"endpoint {sandbox.url}, not AWS's own"]


def test_a_request_of_no_account_is_not_signed(sandbox: Sandbox, connect: Callable[[str], Aws]) -> None:
    client = connect(ACCOUNTS[0]).session.client("secretsmanager", HOME)
    with pytest.raises(AwsError):
        client.describe_secret(SecretId="prod/db")
    assert sandbox.simulator.log == []


def test_a_role_that_is_refused_leaves_the_next_call_its_own_role(
    sandbox: Sandbox, connect: Callable[[str], Aws]
) -> None:
    theirs, ours = connect(ACCOUNTS[0]), connect(ACCOUNTS[1])
    sandbox.simulator.put_trust(f"arn:aws:iam::{ACCOUNTS[0]}:role/smrep", "an external id that nobody gives")
    with pytest.raises(CredentialsError):
        theirs.caller(HOME)
    assert f":{ACCOUNTS[1]}:" in ours.caller(HOME)


def test_a_session_without_a_role_shares_nothing(connect: Callable[[str], Aws]) -> None:
    assert Session(Settings(), roles=connect(ACCOUNTS[0]).session.roles).roles is None
