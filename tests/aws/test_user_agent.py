"""How smrep names itself to AWS: what CloudTrail will show, in words that no call makes anew."""

from __future__ import annotations

import platform
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from smrep import __version__
from smrep.aws.session import Session, Settings
from smrep.regions import Region

HOME = Region("us-east-1")


class _Body:
    """An empty answer of a Region."""

    def stream(self) -> list[bytes]:
        return [b"{}"]


def sent(monkeypatch: pytest.MonkeyPatch, *, writes: bool = False, **environment: str) -> str:
    """Return the header of a call that is answered before it leaves."""
    for name in ("AWS_SDK_UA_APP_ID", "AWS_EXECUTION_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", **environment}.items():
        monkeypatch.setenv(name, value)
    client = Session(Settings()).client("secretsmanager", HOME, writes=writes)
    headers: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        headers.append(request.headers["User-Agent"])
        return AWSResponse(request.url, 200, {}, _Body())  # type: ignore[arg-type]  # all that is read of it

    client.meta.events.register("before-send", answer)
    client.describe_secret(SecretId="app/db")
    client.describe_secret(SecretId="app/db")
    first, second = headers
    assert first == second
    return first.decode() if isinstance(first, bytes) else str(first)


@pytest.mark.parametrize("writes", [False, True])
def test_smrep_comes_first_and_what_it_stands_on_after_it(monkeypatch: pytest.MonkeyPatch, writes: bool) -> None:
    words = [each.partition("/")[0] for each in sent(monkeypatch, writes=writes).split()]
    assert words == ["smrep", "Python", platform.system(), "Boto3", "Botocore"]


def test_the_application_and_where_it_runs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    header = sent(monkeypatch, AWS_SDK_UA_APP_ID="dr-run", AWS_EXECUTION_ENV="CloudShell")
    assert header.startswith(f"smrep/{__version__} ")
    assert " exec-env/CloudShell app/dr-run Boto3/" in header


def test_words_that_no_header_can_carry_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    header = sent(monkeypatch, AWS_SDK_UA_APP_ID="a\r\nX-Amz-Target: b", AWS_EXECUTION_ENV="größe")
    assert " exec-env/gr--e app/a--X-Amz-Target: b " in header
