"""Make sessions and clients: credentials, Regions, endpoints, retries."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, NoCredentialsError, ProfileNotFound
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession

from smrep import __version__
from smrep.aws.allow_list import check_parameters, check_request
from smrep.aws.botocore_internals import wrap_metadata_session
from smrep.aws.credentials import NO_HEADER, Fix, check_credentials, credentials_error, rejection_code, source_of, watch
from smrep.aws.error_translation import from_transport
from smrep.aws.list_parser import ListParsers
from smrep.aws.transport import BoundedSession, Bounds, bound_client
from smrep.errors import AwsError, ConfigurationError, SmrepError
from smrep.model import Endpoint, endpoint_for, shown_url
from smrep.regions import Region

_AWS_HOSTS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach AWS, as typed; None leaves the choice to the environment and the AWS configuration."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    """The external id that the role's trust policy may require."""
    endpoints: tuple[Endpoint, ...] = ()
    sts_region: Region | None = None
    """The Region whose STS issues the role's credentials."""
    sole_region: Region | None = None
    """The only Region to call, for credentials too, whatever the configuration says."""


_OTHER_REGION = "Credential should be scoped to a valid region"
"""AWS's words for a request signed for another Region than the endpoint's."""
_COMMON: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "max_pool_connections": 256,  # 32 accounts with 8 calls each
    "user_agent_extra": f"Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
}
_READS = Config(**_COMMON)
_WRITES = Config(**_COMMON, retries={"total_max_attempts": 1, "mode": "standard"})
"""botocore must not send a write again: it has no idempotency token. Source: aws-behavior.md 1.1."""


@dataclass(slots=True)
class Session:
    """Makes clients, each once: with botocore's retries for reads, without for writes."""

    settings: Settings
    say: Callable[[str], None] = lambda _: None
    """Receives a line about every endpoint in use that is not AWS's own."""
    bounds: Bounds = field(default_factory=Bounds)
    fix: Fix = lambda _source, _code: None
    """Returns the hint for credentials that cannot be used."""
    roles: Roles | None = None
    """What the roles in several accounts share; a session with a role makes its own if it gets none."""
    reported: set[str] = field(default_factory=set)
    """The endpoints that `say` has received, by this session or one that shares the set."""
    _credentials: Credentials | None = None
    """Those to sign with, if not botocore's choice."""
    _made: _Sessions | None = None
    _clients: dict[tuple[str, Region | None, bool], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Share what roles in several accounts share."""
        if not self.settings.role_arn:
            self.roles = None
        elif self.roles is None:
            own = replace(self.settings, role_arn=None, external_id=None)
            shared = (own, self.say, self.bounds, self.fix, None, self.reported)
            source, clients = Session(*shared), Session(*shared, _CallersCredentials())
            self.roles = Roles(source, clients)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Sign what is sent meanwhile with the credentials of this session's role, if it has one.

        Raises:
            SmrepError: there are no credentials to assume it with.

        """
        if self.roles is None:
            yield
            return
        token = _CALLERS.set(self._assumed(self.roles.source))
        try:
            yield
        finally:
            _CALLERS.reset(token)

    def client(self, service: str, region: Region | None, *, writes: bool = False) -> Any:
        """Return the client of this service and Region.

        Raises:
            ConfigurationError: no client can be made with this profile, role or endpoint.

        """
        if self.roles:
            self._assumed(self.roles.source)
            return self.roles.clients.client(service, region, writes=writes)
        key = (service, region, writes)
        with self._lock:
            if key not in self._clients:
                try:
                    client = self._sessions().boto.client(
                        service,  # type: ignore[call-overload]  # any service, by name
                        region_name=region,
                        config=_WRITES if writes else _READS,
                        endpoint_url=endpoint_for(service, region, self.settings.endpoints),
                    )
                except SmrepError:
                    raise
                except Exception as error:
                    raise _unusable(error) from error
                self._admit(client)
                self._clients[key] = client
            return self._clients[key]

    def endpoint_url(self, region: Region) -> str | None:
        """Return the endpoint of Secrets Manager, None if it is AWS's own."""
        return endpoint_override(self.client("secretsmanager", region))

    def dependence(self, lost: Region, alive: Region) -> tuple[str, bool]:
        """Return where the credentials come from, and whether that may need the lost Region.

        Raises:
            ConfigurationError: there are no usable credentials.

        """
        try:
            return dependence(self._sessions(), lost, alive)
        except SmrepError:
            raise
        except Exception as error:
            raise _unusable(error) from error

    def fix_for(self, refusal: AwsError, service: str, region: Region) -> str | None:
        """Return the hint for a request to this service whose credentials AWS rejects."""
        url = endpoint_override(self.client(service, region))
        if url and _OTHER_REGION in refusal.words:
            refusal.names_the_cause = True
            setting = self._endpoint_setting(service, region)
            return (
                f"{url} ({setting}) is the endpoint of one Region, but applies to all; "
                f"add one for {region}: --endpoint-url {region}=URL"
            )
        core = self._sessions().core
        credentials = core.get_credentials()
        try:
            has_token = bool(credentials and credentials.get_frozen_credentials().token)
        except Exception:  # noqa: BLE001 - they failed to renew, so they are a session's, which has a token
            has_token = True
        source = source_of(core, credentials.method if credentials else "")
        code = rejection_code(refusal, region, has_token=has_token)
        refusal.names_the_cause = code != refusal.code
        return self.fix(source, code)

    def _endpoint_setting(self, service: str, region: Region) -> str:
        """Return which setting names the endpoint in use: a flag, a variable or the profile."""
        if endpoint_for(service, region, self.settings.endpoints):
            return "--endpoint-url"
        suffix = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
        variables = (f"AWS_ENDPOINT_URL_{suffix}", "AWS_ENDPOINT_URL")
        return next((name for name in variables if os.environ.get(name)), "the profile's endpoint_url")

    def _sessions(self) -> _Sessions:
        """Return the sessions whose credentials are used; make them on first use."""
        if self.roles:
            clients: Session = self.roles.clients
            return clients._sessions()
        if self._made is None:
            made = self._guarded()
            if self._credentials:
                role = CredentialResolver([_RoleProvider(self._credentials)])
                made.core.register_component("credential_provider", role)
            for provider in made.core.get_component("credential_provider").providers:
                wrap_metadata_session(provider, partial(BoundedSession, bounds=self.bounds))
                watch(made.core, provider, self.fix)
            self._made = made
        return self._made

    def _guarded(self) -> _Sessions:
        """Return sessions that name smrep to AWS and guard every client, also those that botocore makes itself.

        A client of Secrets Manager sends only what is on the allow-list: smrep checks the call, and again the request
        on the wire, which event handlers may have changed. botocore calls other services to fetch credentials.

        The user agent is fixed: botocore would rebuild it for every call. It names the application, as botocore's
        would. Source: docs.aws.amazon.com/sdkref, setting sdk_ua_app_id.
        """
        core = BotocoreSession(profile=self.settings.profile)  # None if not typed: it would override the environment
        core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
        core.user_agent_name, core.user_agent_version = "smrep", __version__
        application = core.get_config_variable("user_agent_appid")
        user_agent = f"{core.user_agent()} app/{application}" if application else core.user_agent()
        core.set_default_client_config(Config(user_agent=NO_HEADER.sub("-", user_agent)))
        events = core.get_component("event_emitter")
        events.register_first("creating-client-class", partial(bound_client, self.bounds))
        events.register_first("before-parameter-build.secrets-manager.*", check_parameters)
        events.register_last("before-send.secrets-manager.*", check_request)
        events.register_first("before-sign.*.*", partial(check_credentials, core, self.fix))
        core.register_component("response_parser_factory", ListParsers())
        region = self.settings.sole_region
        if region:
            core.set_config_variable("sts_regional_endpoints", "regional")  # else it may be the one in us-east-1
        return _Sessions(boto3.Session(botocore_session=core, region_name=region), core)

    def _admit(self, client: Any) -> None:
        """Hold the client to the allow-list; report its endpoint once, unless it is AWS's own."""
        client.meta.events.register_first("before-parameter-build.*.*", check_parameters)
        url = endpoint_override(client)
        if url and url not in self.reported:
            self.reported.add(url)
            self.say(f"endpoint {url}, not AWS's own")

    def _assumed(self, source: Session) -> Credentials:
        """Return the role's credentials, which are fetched when first used and renew themselves.

        Raises:
            SmrepError: the source has no credentials to assume it with.

        """
        settings = self.settings
        with self._lock:
            if self._credentials:
                return self._credentials
            with source._lock:
                sessions = source._sessions()
                own = sessions.boto.get_credentials()
            if own is None:
                raise credentials_error(sessions.core, "", NoCredentialsError(), self.fix)
            fetcher = AssumeRoleCredentialFetcher(
                lambda service, **_: source.client(service, settings.sts_region),
                own,
                str(settings.role_arn),
                extra_args={
                    "RoleSessionName": f"smrep-{os.getpid()}",
                    **({"ExternalId": settings.external_id} if settings.external_id else {}),
                },
                cache=_Nothing(),
            )
            self._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, _RoleProvider.METHOD)
            return self._credentials


@dataclass(frozen=True, slots=True)
class Roles:
    """What the sessions of several accounts share, so that an account costs no more than its credentials."""

    source: Session
    """Has the credentials that assume each role."""
    clients: Session
    """Makes clients that sign each request with the role of the caller."""


_CALLERS: ContextVar[Credentials] = ContextVar("credentials")
"""The credentials of the session whose call is being made."""


class _Nothing(dict[str, Any]):
    """A cache that keeps nothing: the credentials keep themselves, without the rest of AWS's answer."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Forget the answer."""


class _CallersCredentials(Credentials):
    """The credentials of the session whose call is being made; outside a call there are none."""

    def __init__(self) -> None:
        super().__init__("", "", method=_RoleProvider.METHOD)

    def get_frozen_credentials(self) -> Any:
        return _CALLERS.get().get_frozen_credentials()


@cache
def _loader(data_path: str | None) -> Loader:
    """Return the reader of AWS's models, which every account and every call of the Lambda function needs again."""
    return create_loader(data_path)


class _Sessions(NamedTuple):
    """boto3's session, which makes clients, and the botocore session inside it, which has the configuration."""

    boto: boto3.Session
    core: BotocoreSession


class _RoleProvider(CredentialProvider):
    """Gives botocore the credentials of assumed roles."""

    METHOD = "assume-role"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def _unusable(error: Exception) -> SmrepError:
    """Return the error for credentials, a profile or settings that cannot make a client."""
    if isinstance(error, ProfileNotFound):
        return _no_profile(str(error.kwargs["profile"]))
    if isinstance(error, SmrepError | BotoCoreError | EOFError):
        return from_transport(error, "")
    return ConfigurationError(
        f"the AWS configuration cannot be used ({type(error).__name__})",
        "check --endpoint-url, the AWS_... variables and the profile",
    )


def _no_profile(name: str) -> ConfigurationError:
    """Return the error for a profile that does not exist; it lists those that do."""
    profiles = BotocoreSession().available_profiles
    near = get_close_matches(name, profiles, n=1)
    suggestion = f"did you mean --profile {near[0]}? " if near else ""
    listed = f"profiles: {', '.join(profiles)}" if profiles else "~/.aws/config and ~/.aws/credentials have no profiles"
    return ConfigurationError(f"profile {name} does not exist", f"{suggestion}{listed}", code="ProfileNotFound")


def endpoint_override(client: Any) -> str | None:
    """Return the client's endpoint, without any password; None if it is AWS's own."""
    url = str(client.meta.endpoint_url)
    parts = urlsplit(url)
    host, service = parts.hostname or "", client.meta.service_model.endpoint_prefix
    own = parts.scheme == "https" and host.startswith((f"{service}.", f"{service}-fips.")) and host.endswith(_AWS_HOSTS)
    return None if own else shown_url(url)


def profile_region(profile: str | None) -> str | None:
    """Return the Region of this profile, or of the one in use; None if it has none.

    Raises:
        ConfigurationError: the profile does not exist, or the configuration cannot be read.

    """
    try:
        region: str | None = BotocoreSession(profile=profile).get_config_variable("region")
    except Exception as error:
        raise _unusable(error) from error
    return region


_STORED = ("env", "shared-credentials-file", "config-file", "explicit")
_MACHINE = ("iam-role", "container-role")


def dependence(sessions: _Sessions, lost: Region, alive: Region) -> tuple[str, bool]:
    """Describe where the credentials come from, and return whether that may need the lost Region.

    Source: the methods of botocore's credential providers.
    """
    session = sessions.boto
    credentials = session.get_credentials()
    method = str(credentials.method) if credentials else ""
    centers = sorted(set(_identity_centers(sessions)))
    if lost in centers:
        return (
            f"IAM Identity Center in {lost}, which cannot renew them during an outage there; keep others ready"
        ), True
    if method in _STORED:
        return f"stored keys ({method}), which do not depend on {lost}", False
    if method in _MACHINE:
        return f"the machine's own role ({method}), which does not depend on {lost}", False
    if method.startswith("assume-role"):
        endpoint = str(session.client("sts", region_name=alive).meta.endpoint_url)
        if alive not in (urlsplit(endpoint).hostname or ""):
            return f"a role assumed at {shown_url(endpoint)}, which may not be AWS's STS in {alive}", True
        return f"a role assumed at STS in {alive}, which does not depend on {lost}", False
    if method.startswith("sso"):
        return f"IAM Identity Center in {', '.join(centers) or 'an unknown Region'}, not in {lost}", False
    return f"{method or 'no known source'}, which may depend on {lost}", True


def _identity_centers(sessions: _Sessions) -> Iterator[str]:
    """Yield the Regions of IAM Identity Center where the profile, or a source profile of it, signs in."""
    config: Mapping[str, Any] = sessions.core.full_config
    profiles, seen = config.get("profiles", {}), set()
    name: str | None = sessions.boto.profile_name
    while name and name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        center = config.get("sso_sessions", {}).get(profile.get("sso_session"), profile)
        if center.get("sso_region"):
            yield str(center["sso_region"])
        name = profile.get("source_profile")
