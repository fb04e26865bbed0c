"""Credentials of every sort that can't be used: exit code 4 at once, why, what mends them, and how to go on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from fixtures import Done, Sandbox
from leaks.front import Front, serving

from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply

PAST, LATER = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
ROLE = "arn:aws:iam::123456789012:role/dr"
NO_KEYS: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
CONFIG = """\
[profile dev]
sso_start_url = https://x.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = dr
[profile session]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dr
[sso-session corp]
sso_start_url = https://x.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
[profile program]
credential_process = FOLDER/program
[profile login]
login_session = arn:aws:iam::123456789012:user/jo
[profile role]
role_arn = arn:aws:iam::123456789012:role/dr
source_profile = dev
[profile chained]
role_arn = arn:aws:iam::123456789012:role/dr
source_profile = program
[profile sourced]
role_arn = arn:aws:iam::123456789012:role/dr
credential_source = Environment
[profile twice]
role_arn = arn:aws:iam::123456789012:role/far
source_profile = chained
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/dr
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/jo
[profile loop]
role_arn = arn:aws:iam::123456789012:role/dr
source_profile = nobody
[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = secret
[profile half]
aws_access_key_id = AKIA
"""
Run = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a configuration, in which the caches of a sign-in are looked for too."""
    (tmp_path / "config").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    (tmp_path / "sso").mkdir()
    for provider in (SSOProvider, SSOTokenProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path / "sso"))
    return tmp_path


@pytest.fixture
def front(sandbox: Sandbox) -> Iterator[Front]:
    """Serve a sandbox with a secret, and whoever gives credentials."""
    sandbox.create()
    with serving(Front(RequestHandler(sandbox.simulator, log=None))) as front:
        yield front


@pytest.fixture
def run(sandbox: Sandbox, front: Front, folder: Path) -> Run:
    """Return a function that runs smrep without keys in its environment, but with a configuration."""

    def smrep(*words: str, **env: str | None) -> Done:
        leading = {"AWS_ENDPOINT_URL": front.url, "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": str(folder / "config")}
        return sandbox.smrep(*words, **{**NO_KEYS, **leading, **env})

    return smrep


def program(folder: Path, text: str) -> None:
    """Write a program that prints the text."""
    (folder / "out").write_text(text)
    (folder / "program").write_text(f"#!/bin/sh\ncat '{folder}/out'\n")
    (folder / "program").chmod(0o700)


def given(expiration: str) -> str:
    """Return what a credential_process prints."""
    keys = {"AccessKeyId": "AKIA", "SecretAccessKey": "secret", "SessionToken": "token"}
    return json.dumps({"Version": 1, **keys, "Expiration": expiration})


def signed_in(folder: Path, text: str, name: str = "https://x.awsapps.com/start") -> None:
    """Write the file of a sign-in."""
    sha = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    (folder / "sso" / f"{sha}.json").write_text(text)


def refusal(code: str, message: str = "no") -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def check(done: Done, message: str, cure: str, again: str) -> None:
    """Assert that the run ended with 4, says why, what mends it and what to type then, in JSON and to people."""
    error = done.document["error"]
    assert done.code == 4, done.err
    assert message in error["message"]
    assert cure in error["hint"]
    assert error["hint"].endswith(f"\nthen:\n  {again}"), error["hint"]
    assert f"hint: {error['hint']}" in done.err


STATUS = ("status", "prod/db", "--json")


def test_a_session_of_the_environment_that_has_expired(run: Run, front: Front) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    done = run(*STATUS, **keys, AWS_CREDENTIAL_EXPIRATION=PAST)
    check(done, "the session has expired", "unset AWS_ACCESS_KEY_ID", "smrep status prod/db --json")
    assert done.document["error"]["code"] == "SessionExpired"
    assert front.seen == []


def test_a_session_that_expires_during_a_call(run: Run, front: Front) -> None:
    """Before, to ask whether there is a token met the expired credentials again: exit 70."""

    def end_session(_text: str) -> Reply:
        os.environ["AWS_CREDENTIAL_EXPIRATION"] = PAST
        body = {"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"}
        return Reply(400, "application/x-amz-json-1.1", json.dumps(body).encode())

    front.failure = end_session
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "t"}
    done = run("status", "prod/db", "--json", **keys, AWS_REGION="us-east-1", AWS_CREDENTIAL_EXPIRATION=soon())
    check(done, "the session has expired: The security token", "export new credentials", "smrep status prod/db --json")
    assert done.document["error"]["code"] == "ExpiredTokenException"


@pytest.mark.parametrize("time", ["soon", "2099-01-01T00:00:00"])
def test_an_expiration_that_is_no_time_with_a_zone(run: Run, time: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = run(*STATUS, **keys, AWS_CREDENTIAL_EXPIRATION=time)
    check(
        done,
        "AWS_CREDENTIAL_EXPIRATION is not a time",
        "unset AWS_CREDENTIAL_EXPIRATION",
        "smrep status prod/db --json",
    )


def test_a_program_whose_expiration_has_passed(run: Run, folder: Path) -> None:
    program(folder, given(PAST))
    check(
        run(*STATUS, "--profile", "program"),
        "the session has expired: the credential_process of the profile program",
        "aws configure get credential_process --profile program",
        "smrep status prod/db --json --profile program",
    )


@pytest.mark.parametrize(
    "text",
    ["not JSON", "", "[1]", "7", "\x80", '{"Version": 1}', '{"Version": 2}', given("someday"), given("2099-01-01")],
)
def test_a_program_that_prints_something_else(run: Run, folder: Path, text: str) -> None:
    program(folder, text)
    check(
        run(*STATUS, AWS_PROFILE="program"),
        "the credential_process of the profile program",
        "aws configure get credential_process --profile program",
        "smrep status prod/db --json",
    )


def test_a_program_that_is_not_there(run: Run, folder: Path) -> None:
    check(
        run(*STATUS, "--profile", "program"),
        f"No such file or directory: {folder}/program",
        "aws configure get credential_process --profile program",
        "smrep status prod/db --json --profile program",
    )


@pytest.mark.parametrize(
    "text", ['{"accessTok', "", "null", "[]", '{"accessToken": {}, "expiresAt": "2099-01-01T00:00:00Z"}']
)
@pytest.mark.parametrize(("profile", "name"), [("dev", "https://x.awsapps.com/start"), ("session", "corp")])
def test_the_file_of_a_sign_in_that_is_torn(run: Run, folder: Path, profile: str, name: str, text: str) -> None:
    signed_in(folder, text, name)
    check(
        run(*STATUS, "--profile", profile),
        f"IAM Identity Center (the profile {profile})",
        f"aws sso login --profile {profile}",
        f"smrep status prod/db --json --profile {profile}",
    )


@pytest.mark.parametrize("expired", [True, False])
@pytest.mark.parametrize(("profile", "name"), [("dev", "https://x.awsapps.com/start"), ("session", "corp")])
def test_nobody_is_signed_in(run: Run, folder: Path, profile: str, name: str, *, expired: bool) -> None:
    if expired:
        signed_in(folder, json.dumps({"accessToken": "x", "expiresAt": PAST}), name)
    done = run(*STATUS, AWS_PROFILE=profile)
    why = "the session has expired" if expired else "not signed in"
    check(done, why, f"aws sso login --profile {profile}", "smrep status prod/db --json")


def test_the_sign_in_behind_a_role_names_its_own_profile(run: Run, folder: Path) -> None:
    done = run(*STATUS, "--profile", "role")
    check(done, "not signed in", "\n  aws sso login --profile dev\n", "smrep status prod/db --json --profile role")


BEHIND_A_ROLE = {
    "typed": ("--profile", "program", "--role-arn", ROLE),
    "chained": ("--profile", "chained"),
    "chained twice": ("--profile", "twice"),
    "typed over chained": ("--profile", "chained", "--role-arn", ROLE),
}


@pytest.mark.parametrize("flags", BEHIND_A_ROLE.values(), ids=BEHIND_A_ROLE)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (given(PAST), "the session has expired: the credential_process of the profile program"),
        ("not JSON", "the credential_process of the profile program printed no JSON"),
    ],
    ids=["expired", "no JSON"],
)
def test_the_program_behind_a_role_is_what_is_told_of(
    run: Run, folder: Path, flags: tuple[str, ...], text: str, message: str
) -> None:
    program(folder, text)
    again = " ".join(["smrep status prod/db --json", *flags])
    check(run(*STATUS, *flags), message, "\n  aws configure get credential_process --profile program\n", again)


@pytest.mark.parametrize("flags", [("--role-arn", ROLE), ("--profile", "sourced")], ids=["typed", "sourced"])
def test_the_session_of_the_environment_behind_a_role_is_what_is_told_of(
    run: Run, front: Front, flags: tuple[str, ...]
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    done = run(*STATUS, *flags, **keys, AWS_CREDENTIAL_EXPIRATION=PAST)
    message = "the session has expired: AWS_CREDENTIAL_EXPIRATION in the environment is in the past"
    check(done, message, "unset AWS_ACCESS_KEY_ID", " ".join(["smrep status prod/db --json", *flags]))
    assert front.seen == []


def test_the_default_profile_is_not_named(run: Run, folder: Path) -> None:
    (folder / "config").write_text(CONFIG.replace("[profile dev]", "[default]"))
    assert "sign in again:\n  aws sso login\nthen:\n" in run(*STATUS).document["error"]["hint"]


@pytest.mark.parametrize(
    ("answer", "message", "cure"),
    [
        ((401, "UnauthorizedException"), "the session has expired", "aws sso login"),
        ((403, "ForbiddenException"), "IAM Identity Center returned no credentials", "sso_role_name"),
    ],
)
def test_a_sign_in_that_is_refused(  # noqa: PLR0913, PLR0917 - two are fixtures of places
    run: Run, front: Front, folder: Path, answer: tuple[int, str], message: str, cure: str
) -> None:
    signed_in(folder, json.dumps({"accessToken": "x", "expiresAt": LATER}))
    front.sources["/federation/credentials"] = (answer[0], json.dumps({"__type": answer[1], "message": "No access"}))
    done = run(*STATUS, "--profile", "dev", AWS_ENDPOINT_URL_SSO=front.url)
    check(done, message, cure, "smrep status prod/db --json --profile dev")


WEB = [
    ("InvalidIdentityToken", "aws iam list-open-id-connect-providers"),
    ("AccessDenied", "trust policy"),
    ("ExpiredTokenException", "write a new token to"),
    ("IDPRejectedClaim", "write a new token to"),
]


@pytest.mark.parametrize(("code", "cure"), WEB)
def test_a_web_identity_that_is_refused(run: Run, front: Front, folder: Path, code: str, cure: str) -> None:
    front.sources["AssumeRoleWithWebIdentity"] = (400, refusal(code))
    token = folder / "token"
    token.write_text("eyJ.x.y")
    done = run(*STATUS, AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=str(token))
    check(done, "could not assume the role with the web identity token", cure, "smrep status prod/db --json")


@pytest.mark.parametrize("text", ["", "x", None])
def test_a_token_file_without_a_token(run: Run, folder: Path, text: str | None) -> None:
    token = folder / "token"
    if text is not None:
        token.write_text(text)
    done = run(*STATUS, AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=str(token))
    check(done, str(token), f"write a new token to {token}", "smrep status prod/db --json")


def test_a_profile_of_aws_login_without_the_runtime(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.credentials.EC", None)
    done = run(*STATUS, "--profile", "login")
    check(
        done,
        "aws login (the profile login) needs the AWS Common Runtime",
        "pip install 'smrep[crt]'",
        "smrep status prod/db --json --profile login",
    )


@pytest.mark.parametrize("text", [None, '{"accessTok', "{}", '{"accessToken": {"expiresAt": "x"}}'])
def test_a_profile_of_aws_login_that_nobody_is_signed_in_to(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.setattr("botocore.credentials.EC", object())
    if text is not None:
        sha = hashlib.sha256(b"arn:aws:iam::123456789012:user/jo").hexdigest()
        (folder / f"{sha}.json").write_text(text)
    done = run(*STATUS, "--profile", "login", AWS_LOGIN_CACHE_DIRECTORY=str(folder))
    check(
        done,
        "aws login (the profile login)",
        "aws login --profile login",
        "smrep status prod/db --json --profile login",
    )


def test_a_role_that_may_not_be_assumed(run: Run, front: Front) -> None:
    front.sources["AssumeRole"] = (403, refusal("AccessDenied", "not authorized to perform: sts:AssumeRole"))
    done = run(*STATUS, "--profile", "keys", "--role-arn", ROLE)
    message = "could not assume the role: not authorized to perform: sts:AssumeRole (AccessDenied)"
    again = f"smrep status prod/db --json --profile keys --role-arn {ROLE}"
    check(done, message, "allow sts:AssumeRole", again)


@pytest.mark.filterwarnings("ignore:Can not control echo")  # where a code is asked for, and nobody can be
@pytest.mark.filterwarnings("ignore:Password input may be echoed")
@pytest.mark.parametrize(
    ("profile", "message", "cure"),
    [
        ("mfa", "requires an MFA code", "aws configure export-credentials --profile mfa --format env"),
        ("loop", "is not fully configured", "aws configure list --profile loop"),
        ("half", "the credentials of the profile half lack aws_secret_access_key", "aws configure list --profile half"),
    ],
)
def test_a_profile_that_lacks_something(run: Run, profile: str, message: str, cure: str) -> None:
    check(run(*STATUS, "--profile", profile), message, cure, f"smrep status prod/db --json --profile {profile}")


def test_without_credentials_the_profiles_are_listed(run: Run) -> None:
    check(run(*STATUS), "no credentials found", "--profile NAME: dev, session, program", "smrep status prod/db --json")


def test_a_profile_that_does_not_exist(run: Run) -> None:
    error = run(*STATUS, "--profile", "prog").document["error"]
    assert (error["code"], error["message"]) == ("ProfileNotFound", "profile prog does not exist")
    assert error["hint"].startswith("did you mean --profile program? profiles: dev, session, program, ")
    done = run(*STATUS, AWS_PROFILE="zzz")
    assert done.code == 4
    assert done.document["error"]["hint"].startswith("profiles: dev")


def soon() -> str:
    """Return a time so near that botocore asks for new credentials before each call."""
    return (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


RUNS: dict[str, tuple[tuple[str, ...], str]] = {
    "wait": (
        ("wait", "prod/db", "-r", "us-west-2"),
        "smrep wait --profile program prod/db --primary-region us-east-1 -r us-west-2",
    ),
    "replicate": (
        ("replicate", "prod/db", "-r", "us-west-2"),
        "smrep wait --profile program prod/db --primary-region us-east-1 -r us-west-2",
    ),
    "verify": (("verify", "prod/db", "-r", "us-west-2"), "smrep verify prod/db -r us-west-2"),
}


@pytest.mark.parametrize("command", RUNS)
def test_a_session_that_expires_while_it_waits(make_sandbox: Any, folder: Path, command: str) -> None:
    """Before, smrep polled on in silence to the deadline, and ended with 3."""
    sandbox = make_sandbox(replication_delay_s=10_000.0)
    sandbox.create()
    if command != "replicate":
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    seen = len(sandbox.simulator.log)
    (folder / "program").write_text(
        f"#!/bin/sh\ncd '{folder}'\nif [ $(wc -l < asked) -ge 9 ]; then cat past; else cat near; fi\necho >> asked\n"
    )
    (folder / "program").chmod(0o700)
    (folder / "asked").write_text("")
    (folder / "near").write_text(given(soon()))
    (folder / "past").write_text(given(PAST))
    words, again = RUNS[command]
    env = {**NO_KEYS, "AWS_CONFIG_FILE": str(folder / "config")}
    done = sandbox.smrep(*words, "--timeout", "1h", "--json", "--profile", "program", **env)
    assert len(sandbox.simulator.log) > seen
    assert sandbox.clock.monotonic() < 600
    error = done.document["error"]
    assert (done.code, error["code"]) == (4, "SessionExpired")
    assert f"\n{'then' if command == 'verify' else 'to resume'}:\n  {again}" in error["hint"]
