"""Every place that a marked credential can come from, sound and broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from leaks.front import KEYS, LATER, MARK, Front, sts_answer

PLAIN = {"AccessKeyId": "AKIAPLAIN", "SecretAccessKey": "plain"}
ROLE = "arn:aws:iam::123456789012:role/dr"
NO_KEYS: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
Environment = dict[str, str | None]


@dataclass
class Place:
    """What leads smrep to a credential: variables, and flags."""

    env: Environment = field(default_factory=dict)
    flags: tuple[str, ...] = ()


Make = Callable[[Front, Path], Place]
"""Prepares the server and the folder for a place."""


def variables(**env: str | None) -> Make:
    return lambda _front, _folder: Place(env)


def _file(variable: str, text: str) -> Make:
    def make(_front: Front, folder: Path) -> Place:
        path = folder / "given"
        path.write_text(text)
        return Place({**NO_KEYS, variable: str(path)})

    return make


def _profile(**keys: str) -> str:
    return "[default]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def process(stdout: str, stderr: str = "", code: int = 0) -> Make:
    def make(_front: Front, folder: Path) -> Place:
        program, config = folder / "program", folder / "config"
        (folder / "stdout").write_text(stdout)
        (folder / "stderr").write_text(stderr)
        program.write_text(f"#!/bin/sh\ncat {folder}/stdout; cat {folder}/stderr >&2; exit {code}\n")
        program.chmod(0o700)
        config.write_text(_profile(credential_process=str(program)))
        return Place({**NO_KEYS, "AWS_CONFIG_FILE": str(config)})

    return make


def _given(**changes: object) -> str:
    document = {"Version": 1, **KEYS, "SessionToken": KEYS["Token"], "Expiration": LATER, **changes}
    return json.dumps({key: value for key, value in document.items() if value is not None})


def container(body: str, status: int = 200, token: str = MARK) -> Make:
    def make(front: Front, _folder: Path) -> Place:
        front.sources["/container"] = (status, body)
        uri = f"{front.url}/container"
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN": token}
        return Place({**NO_KEYS, **env})

    return make


def machine(body: str, status: int = 200, token: str = MARK) -> Make:
    def make(front: Front, _folder: Path) -> Place:
        front.sources["/latest/api/token"] = (200, token)
        front.sources["/latest/meta-data/iam/security-credentials/role"] = (status, body)
        front.sources["/latest/meta-data/iam/security-credentials/"] = (200, "role")
        env: Environment = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": front.url}
        return Place({**NO_KEYS, **env})

    return make


def sign_in(token: object = MARK, status: int = 200, body: str | None = None) -> Make:
    """IAM Identity Center, whose token is in botocore's cache (the test leads there)."""

    def make(front: Front, folder: Path) -> Place:
        answer = {
            "roleCredentials": {
                "accessKeyId": KEYS["AccessKeyId"],
                "secretAccessKey": KEYS["SecretAccessKey"],
                "sessionToken": KEYS["Token"],
                "expiration": 4_070_908_800_000,
            }
        }
        front.sources["/federation/credentials"] = (status, json.dumps(answer) if body is None else body)
        config = folder / "config"
        config.write_text(
            _profile(
                sso_start_url="https://x.awsapps.com/start",
                sso_region="us-east-1",
                sso_account_id="123456789012",
                sso_role_name="dr",
            )
        )
        (folder / "sso").mkdir(exist_ok=True)
        sha = hashlib.sha1(b"https://x.awsapps.com/start", usedforsecurity=False).hexdigest()
        (folder / "sso" / f"{sha}.json").write_text(json.dumps({"accessToken": token, "expiresAt": LATER}))
        return Place({**NO_KEYS, "AWS_CONFIG_FILE": str(config)})

    return make


def torn_sign_in() -> Make:
    """Return a sign-in of which the file broke off."""

    def make(front: Front, folder: Path) -> Place:
        place = sign_in()(front, folder)
        for path in (folder / "sso").iterdir():
            path.write_text(path.read_text()[:-40])
        return place

    return make


def assumed(body: str | None = None, status: int = 200, keys: dict[str, str] = KEYS) -> Make:
    def make(front: Front, _folder: Path) -> Place:
        front.sources["AssumeRole"] = (status, sts_answer("AssumeRole", keys) if body is None else body)
        return Place({}, ("--role-arn", ROLE))

    return make


def web_identity(body: str | None = None, status: int = 200, token: str | None = f"eyJ{MARK}") -> Make:
    def make(front: Front, folder: Path) -> Place:
        name = "AssumeRoleWithWebIdentity"
        front.sources[name] = (status, sts_answer(name, KEYS) if body is None else body)
        path = folder / "identity"
        if token is not None:
            path.write_text(token)
        return Place({**NO_KEYS, "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(path)})

    return make


def endpoint(form: str, *, typed: bool = False) -> Make:
    def make(front: Front, _folder: Path) -> Place:
        url = form.format(host=front.url.removeprefix("http://"))
        return Place({}, ("--endpoint-url", url)) if typed else Place({"AWS_ENDPOINT_URL": url})

    return make


def proxy(url: str) -> Make:
    """Return a proxy that is used, since the endpoint is on no machine."""
    return variables(
        HTTP_PROXY=url, http_proxy=url, HTTPS_PROXY=url, https_proxy=url, AWS_ENDPOINT_URL="http://aws.invalid"
    )


ENV = {"AWS_ACCESS_KEY_ID": KEYS["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": KEYS["SecretAccessKey"]}
FILE = {"aws_access_key_id": KEYS["AccessKeyId"], "aws_secret_access_key": KEYS["SecretAccessKey"]}

SOUND: dict[str, Make] = {
    "access key": variables(AWS_ACCESS_KEY_ID=KEYS["AccessKeyId"]),
    "session token": variables(**ENV, AWS_SESSION_TOKEN=KEYS["Token"]),
    "security token": variables(**ENV, AWS_SECURITY_TOKEN=KEYS["Token"]),
    "credentials file": _file("AWS_SHARED_CREDENTIALS_FILE", _profile(**FILE, aws_session_token=KEYS["Token"])),
    "config file": _file("AWS_CONFIG_FILE", _profile(**FILE, aws_session_token=KEYS["Token"])),
    "program": process(_given(), stderr=MARK),
    "container": container(_given()),
    "machine": machine(_given(Code="Success")),
    "sign-in": sign_in(),
    "role": assumed(),
    "web identity": web_identity(),
    "endpoint's password": endpoint(f"http://user:{MARK}@{{host}}"),
    "endpoint's token": endpoint(f"http://{{host}}/?token={MARK}", typed=True),
}
"""Places whose credential is used: smrep gets as far as AWS."""

PROXIES = {
    "password": f"http://user:{MARK}@127.0.0.1:9",
    "user": f"http://{MARK}@127.0.0.1:9",
    "at sign and hash": f"http://user:p@{MARK}#1@127.0.0.1:9",
    "hash": f"http://user:{MARK}#{MARK}@127.0.0.1:9",
    "slash": f"http://user:{MARK}/{MARK}@127.0.0.1:9",
    "question mark": f"http://user:{MARK}?{MARK}@127.0.0.1:9",
    "a scheme in it": f"https://user:https{MARK}@127.0.0.1:9",
    "a bracket": f"http://user:[{MARK}@127.0.0.1:9",
    "no scheme": f"user:{MARK}@127.0.0.1:9",
    "no host": f"http://user:{MARK}",
    "another scheme": f"socks9://user:{MARK}@127.0.0.1:9",
    "a line end": f"http://user:{MARK}\n{MARK}@127.0.0.1:9",
    "blank": f"http://user:{MARK} {MARK}@127.0.0.1:9",
}
ENDPOINTS = {
    "closed port": f"http://user:{MARK}@127.0.0.1:9/?token={MARK}#{MARK}",
    "TLS where there is none": f"https://user:{MARK}@{{host}}/?token={MARK}",
    "at sign and hash": f"http://user:p@{MARK}#1@127.0.0.1:9",
    "hash": f"http://user:{MARK}#1@127.0.0.1:9",
    "slash": f"http://user:{MARK}/1@127.0.0.1:9",
    "question mark": f"http://{MARK}?1@127.0.0.1:9",
    "at sign in the token": f"http://127.0.0.1:9/?x=a@{MARK}",
    "a bracket": f"http://user:[{MARK}@127.0.0.1:9",
    "no host": f"http://user:{MARK}",
    "another scheme": f"htp://user:{MARK}@127.0.0.1:9",
    "a line end": f"http://user:{MARK}\n@127.0.0.1:9",
    "blank": f"http://user:{MARK} x@127.0.0.1:9",
}
LINE_END = {key: f"{value}\n" for key, value in KEYS.items()}
UNREADABLE = f"<AssumeRoleResponse><SecretAccessKey>{MARK}</SecretAccessKey><SessionToken>{MARK}"

BROKEN: dict[str, Make] = {
    "access key with a line end": variables(**{**ENV, "AWS_ACCESS_KEY_ID": LINE_END["AccessKeyId"]}),
    "secret key with a line end": variables(**{**ENV, "AWS_SECRET_ACCESS_KEY": LINE_END["SecretAccessKey"]}),
    "token with a line end": variables(**ENV, AWS_SESSION_TOKEN=LINE_END["Token"]),
    "token with a carriage return": variables(**ENV, AWS_SESSION_TOKEN=f"{MARK}\r{MARK}"),
    "token that is no ASCII": variables(**ENV, AWS_SESSION_TOKEN=f"{MARK}\u20ac"),
    "security token with a line end": variables(**ENV, AWS_SECURITY_TOKEN=LINE_END["Token"]),
    "expiration that is none": variables(**ENV, AWS_CREDENTIAL_EXPIRATION=MARK),
    "session that has expired": variables(
        **ENV, AWS_SESSION_TOKEN=KEYS["Token"], AWS_CREDENTIAL_EXPIRATION="2026-01-01T00:00:00Z"
    ),
    "only an access key": variables(AWS_ACCESS_KEY_ID=KEYS["AccessKeyId"], AWS_SECRET_ACCESS_KEY=None),
    "line end in the credentials file": _file(
        "AWS_SHARED_CREDENTIALS_FILE", _profile(**FILE, aws_session_token=f"{MARK}\n  {MARK}")
    ),
    "line end in the config file": _file("AWS_CONFIG_FILE", _profile(**FILE, aws_session_token=f"{MARK}\n  {MARK}")),
    "config file that is none": _file("AWS_CONFIG_FILE", f"aws_secret_access_key = {MARK}\n[default]\n"),
    "credentials file that is none": _file("AWS_SHARED_CREDENTIALS_FILE", f"[default\n{MARK}\n"),
    "credentials file without a secret key": _file(
        "AWS_SHARED_CREDENTIALS_FILE", f"[default]\naws_access_key_id = {MARK}\n"
    ),
    "program that fails": process(MARK, stderr=MARK, code=1),
    "program that prints no JSON": process(MARK),
    "program that prints a list": process(json.dumps([MARK])),
    "program of another version": process(_given(Version=MARK)),
    "program without a secret key": process(_given(SecretAccessKey=None)),
    "program with a broken expiration": process(_given(Expiration=MARK)),
    "program whose session has expired": process(_given(Expiration="2026-01-01T00:00:00Z"), stderr=MARK),
    "program with a line end": process(_given(SessionToken=LINE_END["Token"])),
    "program whose key is a list": process(_given(SessionToken=[MARK])),
    "container that refuses": container(MARK, 403),
    "container that fails": container(MARK, 500),
    "container that answers no JSON": container(MARK),
    "container with a broken expiration": container(_given(Expiration=MARK)),
    "container with a line end": container(_given(**LINE_END)),
    "container's token with a line end": container(_given(), token=f"{MARK}\n{MARK}"),
    "machine that fails": machine(MARK, 500),
    "machine that answers no JSON": machine(MARK),
    "machine with a broken expiration": machine(_given(Code="Success", Expiration=MARK)),
    "machine with a line end": machine(_given(Code="Success", **LINE_END)),
    "machine's token with a line end": machine(_given(Code="Success"), token=f"{MARK}\n{MARK}"),
    "sign-in that refuses": sign_in(status=401, body=json.dumps({"message": MARK})),
    "sign-in that fails": sign_in(status=500, body=MARK),
    "sign-in that answers no JSON": sign_in(body=MARK),
    "sign-in that is torn": torn_sign_in(),
    "sign-in's token with a line end": sign_in(f"{MARK}\n{MARK}"),
    "sign-in's token that is an object": sign_in({MARK: MARK}),
    "role in damaged XML": assumed(UNREADABLE),
    "role with a broken expiration": assumed(sts_answer("AssumeRole", KEYS, MARK)),
    "role that is refused without a code": assumed(UNREADABLE, 403),
    "role that fails": assumed(UNREADABLE, 500),
    "role that is refused for its signature": assumed(
        f"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no\n{MARK}</Message></Error></ErrorResponse>",
        403,
    ),
    "role whose keys have a line end": assumed(keys={key: f"{value}&#10;" for key, value in KEYS.items()}),
    "web identity in damaged XML": web_identity(UNREADABLE),
    "web identity that is quoted": web_identity(
        f"<ErrorResponse><Error><Code>ValidationError</Code><Message>Value '{MARK}' at 'webIdentityToken'</Message>"
        "</Error></ErrorResponse>",
        400,
    ),
    "web identity that is not there": web_identity(token=None),
    "web identity that is empty": web_identity(token=""),
    "web identity in the variable": variables(
        **NO_KEYS, AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=f"eyJ{MARK}" + "x" * 300
    ),
    **{f"proxy: {name}": proxy(url) for name, url in PROXIES.items()},
    **{f"endpoint: {name}": endpoint(url) for name, url in ENDPOINTS.items()},
    **{f"typed endpoint: {name}": endpoint(url, typed=True) for name, url in ENDPOINTS.items()},
}
"""Places whose credential can't be used, so that smrep tells of the place itself."""
NAMED = {
    "access key with a line end": "AWS_ACCESS_KEY_ID",
    "secret key with a line end": "AWS_SECRET_ACCESS_KEY",
    "token with a line end": "AWS_SESSION_TOKEN",
    "token with a carriage return": "AWS_SESSION_TOKEN",
    "token that is no ASCII": "AWS_SESSION_TOKEN",
    "security token with a line end": "AWS_SECURITY_TOKEN",
    "line end in the credentials file": "aws_session_token of the profile default",
    "line end in the config file": "aws_session_token of the profile default",
    "program with a line end": "the session_token from custom-process",
    "container's token with a line end": "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "role whose keys have a line end": "the access_key_id from assume-role",
}
"""What is told where a credential has a character that none has."""
