"""The only module that uses private names of botocore: each of them has no public counterpart.

A newer botocore that has moved one makes tests/aws/test_botocore_internals.py name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any


def credentials_of(request_signer: Any) -> Any:
    """Return what a request is signed with, None for nothing; the session has others than a role's own client."""
    return request_signer._credentials  # noqa: SLF001


def endpoint_of(client: Any) -> Any:
    """Return the client's endpoint, which holds its HTTP session."""
    return client._endpoint  # noqa: SLF001


def pool_classes(http_session: Any) -> MutableMapping[str, type]:
    """Return the classes of connection pools by scheme; all managers of the session share it, those of proxies too."""
    pools: MutableMapping[str, type] = http_session._pool_classes_by_scheme  # noqa: SLF001
    return pools


def verify_of(http_session: Any) -> Any:
    """Return which certificates the session trusts: a file's name, or whether any are checked at all."""
    return http_session._verify  # noqa: SLF001


def wrap_metadata_session(provider: Any, wrap: Callable[[Any], Any]) -> None:
    """Wrap the HTTP session by which a container or a machine is asked for credentials; other providers have none."""
    fetcher: Any = getattr(provider, "_fetcher", None) or getattr(provider, "_role_fetcher", None)
    if hasattr(fetcher, "_session"):
        fetcher._session = wrap(fetcher._session)  # noqa: SLF001


def role_sources(provider: Any) -> Iterable[Any]:
    """Return the providers for a role's credential_source; only the provider of roles has any."""
    sourcer = getattr(provider, "_credential_sourcer", None)
    return sourcer._providers if sourcer else ()  # noqa: SLF001


def profile_providers(provider: Any) -> Any:
    """Return what builds the providers for a role's source_profile; None but for the provider of roles."""
    return getattr(provider, "_profile_provider_builder", None)
