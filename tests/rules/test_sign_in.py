"""What mends credentials, by where they come from and what went wrong with them."""

from __future__ import annotations

import pytest

from smrep.model import Source
from smrep.rules.hints import credentials_fix

TOKEN = "/run/token"
CURES = {
    ("sso", "SessionExpired"): ("sign in again:\n  aws sso login --profile dev"),
    ("sso", "ExpiredTokenException"): ("sign in again:\n  aws sso login --profile dev"),
    ("sso", "NotSignedIn"): ("sign in again:\n  aws sso login --profile dev"),
    ("sso", "ForbiddenException"): (
        "check sso_account_id and sso_role_name of the profile, or ask for access to the role:\n"
        "  aws configure list --profile dev"
    ),
    ("sso", "ResourceNotFoundException"): (
        "check sso_account_id and sso_role_name of the profile, or ask for access to the role:\n"
        "  aws configure list --profile dev"
    ),
    ("env", "PartialCredentials"): ("see which settings are missing:\n  aws configure list --profile dev"),
    ("env", "ClockSkew"): ("set this machine's clock, then compare it with UTC:\n  date -u"),
    ("env", "GlobalToken"): (
        "see whether the Region is enabled:\n"
        "  aws account list-regions\n"
        "if it is, sign in again with tokens that work in every Region, for yourself:\n"
        "  export AWS_STS_REGIONAL_ENDPOINTS=regional\n"
        "or for the whole account:\n"
        "  aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token"
    ),
    ("login", "SessionExpired"): ("sign in again:\n  aws login --profile dev"),
    ("login", "MissingDependency"): ("install smrep with it:\n  pip install 'smrep[crt]'"),
    ("env", "BadCredentials"): (
        "if the credentials are valid, remove the variable:\n  unset AWS_CREDENTIAL_EXPIRATION"
    ),
    ("env", "InvalidClientTokenId"): (
        "export new credentials, or remove these and use a profile:\n"
        "  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN "
        "AWS_CREDENTIAL_EXPIRATION"
    ),
    ("custom-process", "SessionExpired"): (
        "run the profile's credential_process by itself, sign in if it asks, and check what it prints:\n"
        "  aws configure get credential_process --profile dev"
    ),
    ("shared-credentials-file", "ExpiredToken"): (
        "put new keys into the profile, and their session token if they have one:\n  aws configure --profile dev"
    ),
    ("config-file", "SignatureDoesNotMatch"): (
        "put new keys into the profile, and their session token if they have one:\n  aws configure --profile dev"
    ),
    ("iam-role", "CredentialsError"): (
        "check the role of the machine or container:\n  aws sts get-caller-identity --profile dev"
    ),
    ("assume-role", "AccessDenied"): "allow sts:AssumeRole on the role, and check who its trust policy allows",
    ("assume-role", "ExpiredToken"): (
        "check the credentials that assume the role:\n  aws sts get-caller-identity --profile dev"
    ),
    ("assume-role", "MfaRequired"): (
        "run it at a terminal, or get a session there and omit --profile here:\n"
        '  eval "$(aws configure export-credentials --profile dev --format env)"'
    ),
    ("assume-role", "ProfileIncomplete"): ("see which settings are missing:\n  aws configure list --profile dev"),
    ("assume-role-with-web-identity", "AccessDenied"): (
        "allow sts:AssumeRoleWithWebIdentity for this token in the role's trust policy: its "
        "provider, and the conditions on sub and aud"
    ),
    ("assume-role-with-web-identity", "InvalidIdentityToken"): (
        "check whether the account has the token's OIDC provider, and add it if not:\n"
        "  aws iam list-open-id-connect-providers"
    ),
    ("assume-role-with-web-identity", "EmptyToken"): (
        "write a new token to /run/token: in the CI job (GitHub: permissions: id-token: write) "
        "or in the cluster (EKS: the service account's annotation)"
    ),
    ("", "NoCredentials"): (
        "check whether the AWS CLI finds credentials:\n"
        "  aws sts get-caller-identity --profile dev\n"
        "or use a profile that has them, --profile NAME: dev, prod\n"
        "or sign in:\n"
        "  aws login"
    ),
}


@pytest.mark.parametrize(("method", "code"), CURES)
def test_each_place_has_its_own_cure(method: str, code: str) -> None:
    assert credentials_fix(Source(method, "dev", TOKEN, ("dev", "prod")), code) == CURES[method, code]


def test_the_default_profile_is_not_named() -> None:
    assert credentials_fix(Source("sso"), "SessionExpired") == ("sign in again:\n  aws sso login")
    assert credentials_fix(Source("container-role"), "x") == (
        "check the role of the machine or container:\n  aws sts get-caller-identity"
    )
    assert "export-credentials --profile default --format env" in credentials_fix(Source("assume-role"), "MfaRequired")


def test_without_any_profile_there_is_something_to_set_up() -> None:
    assert credentials_fix(Source(""), "NoCredentials") == (
        "check whether the AWS CLI finds credentials:\n"
        "  aws sts get-caller-identity\n"
        "or sign in:\n"
        "  aws login\n"
        "or set up a profile:\n"
        "  aws configure sso\n"
        "or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_a_token_file_that_is_not_known_is_not_named() -> None:
    assert "write a new token to the token file: " in credentials_fix(
        Source("assume-role-with-web-identity"), "ExpiredTokenException"
    )


def test_a_message_names_the_profile_and_the_place() -> None:
    assert Source("sso", "dev").title == "IAM Identity Center (the profile dev)"
    assert Source("shared-credentials-file").title == "the profile default"
