"""Whether credentials can be had while a Region is down, and where botocore's own calls for them go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import HOME, WEST

from smrep.aws.session import Session, Settings
from smrep.errors import CannotSend

SSO = """
[profile {name}]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dr
[sso-session corp]
sso_region = {region}
sso_start_url = https://example.com
sso_registration_scopes = sso:account:access
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what writes an AWS configuration and nothing else that could be found."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def write(config: str = "", credentials: str = "") -> None:
        (tmp_path / "config").write_text(config)
        (tmp_path / "credentials").write_text(credentials)

    return write


def told(profile: str | None = "dr") -> tuple[str, bool]:
    return Session(Settings(profile=profile, sole_region=WEST)).dependence(HOME, WEST)


def test_keys_in_the_environment_or_in_a_file_depend_on_nothing(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(credentials="[dr]\naws_access_key_id = a\naws_secret_access_key = b\n")
    assert told() == ("stored keys (shared-credentials-file), which do not depend on us-east-1", False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert told(None) == ("stored keys (env), which do not depend on us-east-1", False)


def test_a_role_is_taken_on_in_the_region_that_is_left(configured: Any) -> None:
    configured(
        "[profile dr]\nrole_arn = arn:aws:iam::123456789012:role/dr\nsource_profile = base\nregion = us-east-1\n",
        "[base]\naws_access_key_id = a\naws_secret_access_key = b\n",
    )
    words, leans = told()
    assert (words, leans) == ("a role assumed at STS in us-west-2, which does not depend on us-east-1", False)


@pytest.mark.parametrize(("region", "leans"), [("us-east-1", True), ("eu-west-1", False)])
def test_an_identity_center_in_the_lost_region_is_told(configured: Any, region: str, leans: bool) -> None:
    configured(SSO.format(name="dr", region=region))
    assert told()[1] is leans
    assert region in told()[0]


def test_also_where_a_role_leans_on_it(configured: Any) -> None:
    role = "[profile dr]\nrole_arn = arn:aws:iam::123456789012:role/dr\nsource_profile = base\n"
    configured(role + SSO.format(name="base", region="us-east-1"))
    assert told()[1] is True


def test_what_a_program_needs_is_not_known(configured: Any, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}')
    configured(f"[profile dr]\ncredential_process = cat {tmp_path}/keys.json\n")
    assert told() == ("custom-process, which may depend on us-east-1", True)


def test_a_program_that_gives_none_is_an_error_like_any_other(configured: Any) -> None:
    configured("[profile dr]\ncredential_process = /bin/true\n")
    with pytest.raises(CannotSend, match="the credential_process of the profile dr printed no JSON"):
        told()


def test_without_credentials_that_is_told(configured: Any) -> None:
    configured()
    assert told(None)[1] is True
