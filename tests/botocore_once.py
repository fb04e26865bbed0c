"""Makes once a process what botocore makes anew for every session and client: a quarter of the time of tests/cli."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import botocore.client
import botocore.handlers
import botocore.hooks
import botocore.loaders
import botocore.regions
import botocore.session
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.model import ServiceModel

LOADER = botocore.loaders.create_loader()
SERVICES = {
    *("account", "ec2", "iam", "kms", "organizations", "s3", "secretsmanager", "signin", "sso", "sso-oidc", "sts"),
}
"""The services that tests make clients of; a session copies the handlers of all others too for every client."""

_accepts_kwargs = botocore.hooks.accepts_kwargs
_create_methods = ClientCreator._create_methods
_alias = functools.cache(botocore.hooks.EventAliaser(None)._alias_event_name)
_client_methods: dict[ServiceModel, dict[str, Any]] = {}
_endpoint_providers: dict[int, EndpointProvider] = {}
"""By the identity of a service's rules, which the loader keeps."""


def share() -> None:
    """Let all sessions of this process share what does not change."""
    botocore.session.create_loader = lambda _path=None: LOADER
    botocore.handlers.BUILTIN_HANDLERS = [each for each in botocore.handlers.BUILTIN_HANDLERS if _is_met(each[0])]
    botocore.hooks.accepts_kwargs = _takes_keywords
    botocore.hooks.EventAliaser._alias_event_name = lambda _self, name: _alias(name)
    botocore.regions.EndpointProvider = _endpoint_provider
    ClientCreator._load_service_model = lambda _self, name, version=None: _service_model(name, version)
    ClientCreator._create_methods = lambda self, model: dict(_methods(self, model))


def _is_met(event: str) -> bool:
    """Return whether a client of SERVICES can meet an event: `before-call`, `after-call.iam`."""
    return not event.startswith("docs.") and ("." not in event or event.split(".")[1] in SERVICES)


def _takes_keywords(handler: Callable[..., Any]) -> bool:
    """Return whether a handler takes any keyword, without a signature of it where it is a function."""
    code = getattr(handler, "__code__", None)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else _accepts_kwargs(handler)


@functools.cache
def _service_model(name: str, version: str | None) -> ServiceModel:
    return ServiceModel(LOADER.load_service_model(name, "service-2", api_version=version), service_name=name)


def _methods(creator: ClientCreator, model: ServiceModel) -> dict[str, Any]:
    """Return the methods of the clients of a service; they hold nothing of the client or of its session."""
    if model not in _client_methods:
        _client_methods[model] = _create_methods(creator, model)
    return _client_methods[model]


def _endpoint_provider(ruleset_data: dict[str, Any], partition_data: Any, excluded_params: Any) -> EndpointProvider:
    """Return what finds endpoints by a service's rules."""
    if id(ruleset_data) not in _endpoint_providers:
        _endpoint_providers[id(ruleset_data)] = EndpointProvider(ruleset_data, partition_data, excluded_params)
    return _endpoint_providers[id(ruleset_data)]
