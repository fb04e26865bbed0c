"""What to type next where credentials can't be used: one cure for each place that they come from."""

from __future__ import annotations

from smrep.model import Source
from smrep.rules.commands import aws, some

_WEB = "assume-role-with-web-identity"
_FILES = ("shared-credentials-file", "config-file")
_KEYS = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION"
_SET_UP = "set up a profile (aws configure sso, or aws login), or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_DENIED = ("AccessDenied", "AccessDeniedException")


def cure(source: Source, code: str) -> str:
    """Return what mends credentials from there, given the code of what went wrong with them."""
    match code:
        case "NoCredentials":
            return _find(source)
        case "PartialCredentials" | "ProfileIncomplete":
            return f"see what is set and what is not: {_aws('configure list', source)}"
        case "ClockSkew":
            return "set this machine's clock, and compare it: date -u"
        case "GlobalToken":
            version = aws("iam set-security-token-service-preferences", global_endpoint_token_version="v2Token")  # noqa: S106 - a kind
            return (
                "see that the Region is enabled for the account; if it is, take a token that is good in every Region: "
                f"export AWS_STS_REGIONAL_ENDPOINTS=regional and sign in anew, or {version}"
            )
        case "MissingDependency":
            return "install smrep with it: pip install 'smrep[crt]'"
        case "MfaRequired":
            session = aws("configure export-credentials", profile=source.profile or "default", format="env")
            return f'run it at a terminal, or get a session there and leave --profile out here: eval "$({session})"'
        case "BadCredentials" if source.method == "env":
            return "let it go, if the credentials are good: unset AWS_CREDENTIAL_EXPIRATION"
    if source.method == _WEB:
        return _web_identity(source, code)
    if source.method == "assume-role" and code in _DENIED:
        return "allow sts:AssumeRole on the role, and see whom its trust policy lets in"
    if source.method == "sso" and code in ("ForbiddenException", "ResourceNotFoundException"):
        return (
            "check sso_account_id and sso_role_name of the profile, or have the role assigned to you: "
            f"{_aws('configure list', source)}"
        )
    return renewal(source)


def renewal(source: Source) -> str:
    """Return how to get new credentials from where these come from."""
    match source.method:
        case "sso":
            return f"sign in again: {_aws('sso login', source)}"
        case "login":
            return f"sign in again: {_aws('login', source)}"
        case "env":
            return f"export new credentials, or let these go and use a profile: unset {_KEYS}"
        case "custom-process":
            program = _aws("configure get credential_process", source)
            return f"run the program by itself, sign in where it asks for it, and see what it prints: {program}"
        case method if method in _FILES:
            return f"put new keys into the profile, and a new session token if it has one: {_aws('configure', source)}"
        case "container-role" | "iam-role":
            return f"see what role the machine or the container has, and whether it is there: {_who(source)}"
        case _:
            return f"check the credentials that the role is assumed with: {_who(source)}"


def _find(source: Source) -> str:
    looked = f"see whether the AWS CLI finds any: {_who(source)}"
    if source.profiles:
        named = some(source.profiles)
        return f"{looked}; name a profile that has some (--profile NAME; there are: {named}), or sign in: aws login"
    return f"{looked}; {_SET_UP}"


def _web_identity(source: Source, code: str) -> str:
    if code in _DENIED:
        return (
            "let the role's trust policy allow sts:AssumeRoleWithWebIdentity for this token: its provider, and the "
            "conditions on sub and aud"
        )
    if code == "InvalidIdentityToken":
        return (
            "see whether the account knows the token's OIDC provider, and add it if not: "
            f"{aws('iam list-open-id-connect-providers')}"
        )
    return (
        f"have a new token written to {source.place or 'the token file'}: by the CI job (GitHub: permissions: "
        "id-token: write) or by the cluster (EKS: the service account's annotation)"
    )


def _aws(command: str, source: Source) -> str:
    return aws(command, profile=source.profile) if source.profile else aws(command)


def _who(source: Source) -> str:
    return _aws("sts get-caller-identity", source)
