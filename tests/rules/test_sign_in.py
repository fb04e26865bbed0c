"""What mends credentials, by where they come from and what went wrong with them."""

from __future__ import annotations

import pytest

from smrep.model import Source
from smrep.rules.hints import credentials_fix

TOKEN = "/run/token"
CURES = {
    ("sso", "SessionExpired"): "sign in again: aws sso login --profile dev",
    ("sso", "ExpiredTokenException"): "sign in again: aws sso login --profile dev",
    ("sso", "NotSignedIn"): "sign in again: aws sso login --profile dev",
    ("sso", "ForbiddenException"): (
        "check sso_account_id and sso_role_name of the profile, or have the role assigned to you: "
        "aws configure list --profile dev"
    ),
    ("sso", "ResourceNotFoundException"): (
        "check sso_account_id and sso_role_name of the profile, or have the role assigned to you: "
        "aws configure list --profile dev"
    ),
    ("env", "PartialCredentials"): "see what is set and what is not: aws configure list --profile dev",
    ("env", "ClockSkew"): "set this machine's clock, and compare it: date -u",
    ("env", "GlobalToken"): (
        "see that the Region is enabled for the account; if it is, take a token that is good in every Region: export "
        "AWS_STS_REGIONAL_ENDPOINTS=regional and sign in anew, or aws iam set-security-token-service-preferences "
        "--global-endpoint-token-version v2Token"
    ),
    ("login", "SessionExpired"): "sign in again: aws login --profile dev",
    ("login", "MissingDependency"): "install smrep with it: pip install 'smrep[crt]'",
    ("env", "BadCredentials"): "let it go, if the credentials are good: unset AWS_CREDENTIAL_EXPIRATION",
    ("env", "InvalidClientTokenId"): (
        "export new credentials, or let these go and use a profile: "
        "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION"
    ),
    ("custom-process", "SessionExpired"): (
        "run the program by itself, sign in where it asks for it, and see what it prints: "
        "aws configure get credential_process --profile dev"
    ),
    ("shared-credentials-file", "ExpiredToken"): (
        "put new keys into the profile, and a new session token if it has one: aws configure --profile dev"
    ),
    ("config-file", "SignatureDoesNotMatch"): (
        "put new keys into the profile, and a new session token if it has one: aws configure --profile dev"
    ),
    ("iam-role", "CredentialsError"): (
        "see what role the machine or the container has, and whether it is there: "
        "aws sts get-caller-identity --profile dev"
    ),
    ("assume-role", "AccessDenied"): "allow sts:AssumeRole on the role, and see whom its trust policy lets in",
    ("assume-role", "ExpiredToken"): (
        "check the credentials that the role is assumed with: aws sts get-caller-identity --profile dev"
    ),
    ("assume-role", "MfaRequired"): (
        "run it at a terminal, or get a session there and leave --profile out here: "
        'eval "$(aws configure export-credentials --profile dev --format env)"'
    ),
    ("assume-role", "ProfileIncomplete"): "see what is set and what is not: aws configure list --profile dev",
    ("assume-role-with-web-identity", "AccessDenied"): (
        "let the role's trust policy allow sts:AssumeRoleWithWebIdentity for this token: its provider, and the "
        "conditions on sub and aud"
    ),
    ("assume-role-with-web-identity", "InvalidIdentityToken"): (
        "see whether the account knows the token's OIDC provider, and add it if not: "
        "aws iam list-open-id-connect-providers"
    ),
    ("assume-role-with-web-identity", "EmptyToken"): (
        "have a new token written to /run/token: by the CI job (GitHub: permissions: id-token: write) or by the "
        "cluster (EKS: the service account's annotation)"
    ),
    ("", "NoCredentials"): (
        "see whether the AWS CLI finds any: aws sts get-caller-identity --profile dev; "
        "name a profile that has some (--profile NAME; there are: dev, prod), or sign in: aws login"
    ),
}


@pytest.mark.parametrize(("method", "code"), CURES)
def test_each_place_has_its_own_cure(method: str, code: str) -> None:
    assert credentials_fix(Source(method, "dev", TOKEN, ("dev", "prod")), code) == CURES[method, code]


def test_the_default_profile_is_not_named() -> None:
    assert credentials_fix(Source("sso"), "SessionExpired") == "sign in again: aws sso login"
    assert credentials_fix(Source("container-role"), "x") == (
        "see what role the machine or the container has, and whether it is there: aws sts get-caller-identity"
    )
    assert "export-credentials --profile default --format env" in credentials_fix(Source("assume-role"), "MfaRequired")


def test_without_any_profile_there_is_something_to_set_up() -> None:
    assert credentials_fix(Source(""), "NoCredentials").startswith(
        "see whether the AWS CLI finds any: aws sts get-caller-identity; set up a profile (aws configure sso"
    )


def test_a_token_file_that_is_not_known_is_not_named() -> None:
    assert "written to the token file" in credentials_fix(
        Source("assume-role-with-web-identity"), "ExpiredTokenException"
    )


def test_a_message_names_the_profile_and_the_place() -> None:
    assert Source("sso", "dev").title == "IAM Identity Center (the profile dev)"
    assert Source("shared-credentials-file").title == "the profile default"
