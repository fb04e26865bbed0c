"""Private names of botocore, used only here: none of them has a public counterpart.

If a newer botocore moves one, tests/aws/test_botocore_internals.py names it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

credentials_of = attrgetter("_credentials")
"""Returns the credentials of a request's signer, None for none; the client of an assumed role has its own."""
endpoint_of = attrgetter("_endpoint")
"""Returns a client's endpoint, which holds its HTTP session."""
pool_classes = attrgetter("_pool_classes_by_scheme")
"""Returns an HTTP session's classes of connection pools by scheme, which all its pool managers share."""
verify_of = attrgetter("_verify")
"""Returns which certificates an HTTP session trusts: a file's name, or whether it checks them at all."""


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
