"""The private names of botocore that smrep uses are there, and do what smrep needs of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.config import Config
from botocore.credentials import AssumeRoleProvider, ContainerProvider, InstanceMetadataProvider
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from fixtures import ROOT

from smrep.aws import botocore_internals as internals

MOVED = f"botocore {botocore.__version__} has moved what smrep/aws/botocore_internals.py uses: "


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "CONFIG_FILE": str(tmp_path / "none")}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return Session()


@pytest.fixture
def client(core: Session) -> Any:
    return core.create_client("sts", region_name="us-east-1", config=Config(proxies={"https": "http://127.0.0.1:9"}))


def providers(core: Session, kind: type) -> Any:
    (provider,) = [each for each in core.get_component("credential_provider").providers if isinstance(each, kind)]
    return provider


def test_a_request_signer_has_the_credentials(core: Session, client: Any) -> None:
    signers = []

    def sign(request_signer: Any, **_: Any) -> None:
        signers.append(request_signer)
        raise InterruptedError

    client.meta.events.register_first("before-sign.*.*", sign)
    with pytest.raises(InterruptedError):
        client.get_caller_identity()
    assert internals.credentials_of(signers[0]) is core.get_credentials(), f"{MOVED}RequestSigner._credentials"


def test_a_client_sends_by_the_http_session_of_its_endpoint(client: Any) -> None:
    class Sent(Exception):
        pass

    class Sender:
        def send(self, _request: Any) -> Any:
            raise Sent

        def close(self) -> None:
            pass

    internals.endpoint_of(client).http_session = Sender()
    with pytest.raises(Sent):
        client.get_caller_identity()


def test_an_http_session_takes_its_pools_from_one_mapping() -> None:
    session = URLLib3Session(proxies={"https": "http://127.0.0.1:9"})
    pools = internals.pool_classes(session)
    assert set(pools) == {"http", "https"}, f"{MOVED}URLLib3Session._pool_classes_by_scheme"
    managers = [session._manager, session._get_proxy_manager("http://127.0.0.1:9")]  # type: ignore[attr-defined]
    assert all(manager.pool_classes_by_scheme is pools for manager in managers), f"{MOVED}its managers' pools"


@pytest.mark.parametrize("verify", [True, False, "/ca.pem"])
def test_an_http_session_tells_which_certificates_it_trusts(verify: bool | str) -> None:
    assert internals.verify_of(URLLib3Session(verify=verify)) == verify, f"{MOVED}URLLib3Session._verify"


@pytest.mark.parametrize("kind", [ContainerProvider, InstanceMetadataProvider])
def test_metadata_is_fetched_by_a_session_that_can_be_wrapped(core: Session, kind: type) -> None:
    wrapped: list[Any] = []
    internals.wrap_metadata_session(providers(core, kind), lambda session: wrapped.append(session) or session)
    assert [type(each) for each in wrapped] == [URLLib3Session], f"{MOVED}the session of {kind.__name__}'s fetcher"


def test_only_the_provider_of_roles_has_sources(core: Session) -> None:
    visited: list[Any] = []
    internals.visit_role_sources(providers(core, ContainerProvider), visited.append)
    assert visited == []
    internals.visit_role_sources(providers(core, AssumeRoleProvider), visited.append)
    methods = {provider.METHOD for provider in visited}
    assert methods >= {"container-role", "iam-role", "env"}, f"{MOVED}AssumeRoleProvider._credential_sourcer"


def test_the_providers_of_a_source_profile_are_visited_when_they_are_made(core: Session) -> None:
    visited: list[Any] = []
    provider = providers(core, AssumeRoleProvider)
    internals.visit_role_sources(provider, visited.append)
    visited.clear()
    made = provider._profile_provider_builder.providers("dev", disable_env_vars=True)
    assert made, f"{MOVED}AssumeRoleProvider._profile_provider_builder"
    assert visited == made


def test_no_other_module_uses_private_names() -> None:
    private = re.compile(r"SLF001|getattr\(\w+, \"_|\b_environ\b")
    found = [path.name for path in (ROOT / "smrep").rglob("*.py") if private.search(path.read_text())]
    assert found == ["botocore_internals.py"]
