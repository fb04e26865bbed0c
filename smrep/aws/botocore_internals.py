"""Private names of botocore, used only here: none of them has a public counterpart.

If a newer botocore moves one, tests/aws/test_botocore_internals.py names it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any


def credentials_of(request_signer: Any) -> Any:
    """Return the credentials that sign a request, None for none; the client of an assumed role has its own."""
    return request_signer._credentials  # noqa: SLF001


def endpoint_of(client: Any) -> Any:
    """Return the client's endpoint, which holds its HTTP session."""
    return client._endpoint  # noqa: SLF001


def pool_classes(http_session: Any) -> MutableMapping[str, type]:
    """Return the classes of connection pools by scheme, which all pool managers of the session share."""
    pools: MutableMapping[str, type] = http_session._pool_classes_by_scheme  # noqa: SLF001
    return pools


def verify_of(http_session: Any) -> Any:
    """Return which certificates the session trusts: a file's name, or whether it checks them at all."""
    return http_session._verify  # noqa: SLF001


def wrap_metadata_session(provider: Any, wrap: Callable[[Any], Any]) -> None:
    """Wrap the HTTP session that asks a container or a machine for credentials; other providers have none."""
    fetcher: Any = getattr(provider, "_fetcher", None) or getattr(provider, "_role_fetcher", None)
    if hasattr(fetcher, "_session"):
        fetcher._session = wrap(fetcher._session)  # noqa: SLF001


def visit_role_sources(provider: Any, visit: Callable[[Any], None]) -> None:
    """Pass on the providers of a role's own credentials: those of credential_source now, of source_profile when made.

    Only the provider of roles has any.
    """
    sourcer: Any = getattr(provider, "_credential_sourcer", None)
    for source in sourcer._providers if sourcer else ():  # noqa: SLF001
        visit(source)
    builder: Any = getattr(provider, "_profile_provider_builder", None)
    if builder:
        make_providers = builder.providers

        def visited(*args: Any, **kwargs: Any) -> Any:
            providers = make_providers(*args, **kwargs)
            for source in providers:
                visit(source)
            return providers

        builder.providers = visited
