"""What completion offers for a metavar: Regions, profiles, files and, where AWS may be asked, secrets and aliases."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from smrep.cli.asking import ask
from smrep.cli.params import Regions, homes, typed_targets
from smrep.cli.profiles import profile_names
from smrep.model import Filter
from smrep.regions import KNOWN, Region, parse_region

if TYPE_CHECKING:
    from smrep.aws.client import Aws

_DEFAULT_KEY = "alias/aws/secretsmanager"


def regions(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the Regions that begin so."""
    return [name for name in KNOWN if name.startswith(incomplete)]


def operations(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the sandbox's operations that begin so; behind = there may be a Region."""
    from smrep.sandbox.operations import OPERATIONS

    name, equals, region = incomplete.partition("=")
    if equals:
        return [f"{name}={each}" for each in KNOWN if each.startswith(region)]
    return sorted(each for each in OPERATIONS if each.startswith(name))


def profiles(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the profiles of the AWS configuration that begin so."""
    return [name for name in profile_names(os.environ) if name.startswith(incomplete)]


def files(_context: click.Context, _param: click.Parameter, _incomplete: str) -> list[CompletionItem[str]]:
    """Leave it to the shell, which knows the files."""
    return [CompletionItem("", type="file")]


def secret_names(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the secrets of the Region that begin so, by ARN where an ARN is begun, none that was typed already.

    They are the first hundred whose name begins so; one that would be taken for an option or a Region is left out.
    """
    begun = re.match(r"arn:[^:]*:secretsmanager:([^:]*):[^:]*(?::secret:(.*))?", incomplete)
    beginning = (begun[2] or "").rpartition("-")[0] if begun else incomplete

    def look() -> list[str]:
        region = parse_region(begun[1]) if begun else _where_secrets_are(context)
        filters = [Filter("name", (beginning,))] if beginning and not beginning.startswith("!") else []
        page = _door(context, region).list_page(region, filters, None, doomed=False)
        return [each.arn if begun else each.name for each in page.entries]

    typed = context.params.get("secrets") or ()
    return [
        name
        for name in ask(look)
        if name.startswith(incomplete) and name not in typed and not name.startswith("-") and name not in KNOWN
    ]


def keys(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the aliases that begin so and that all Regions have which were typed without a key, or the primary's."""
    if param.name == "primary_key":
        return aliases(context, sorted(homes(context)), incomplete)
    return aliases(context, [each.region for each in typed_targets(context) if not each.kms_key], incomplete)


def aliases(context: click.Context, regions: Sequence[str], incomplete: str) -> list[str]:
    """Return the KMS aliases that begin so and that all the Regions have; of AWS's own only the one for secrets."""

    def look() -> list[str]:
        checked = [parse_region(each) for each in regions]
        door = _door(context, checked[0])
        first, *others = [door.aliases(each) for each in checked]
        return [name for name in first if all(name in other for other in others)]

    return [
        name
        for name in (ask(look) if regions else ())
        if name.startswith(incomplete) and (name == _DEFAULT_KEY or not name.startswith("alias/aws/"))
    ]


Offer = Callable[[click.Context, click.Parameter, str], Sequence[str | CompletionItem[str]]]
OFFERS: Mapping[str, Offer] = {
    "SECRET": secret_names,
    "KMS_KEY": keys,
    "PROFILE": profiles,
    "FILE": files,
    "FILE|N": files,
    "CMD": files,
    "REGION": regions,
    "REGION[=MESSAGE": regions,
    "REGION=]DURATION": regions,
    "OPERATION[=N": operations,
    "OPERATION=REGION": operations,
}
"""A parameter's metavar, without what marks it as optional or repeatable -> what is offered for it."""


def offered(context: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return what may stand for a parameter: what its type knows, else what its metavar says."""
    offer = OFFERS.get((param.metavar or "").strip("[]. -"))
    if offer is None or type(param.type).shell_complete not in _UNKNOWING:
        return param.shell_complete(context, incomplete)
    found = offer(context, param, incomplete)
    return [each if isinstance(each, CompletionItem) else CompletionItem(each) for each in found]


_UNKNOWING = (click.ParamType.shell_complete, click.Path.shell_complete)


def _where_secrets_are(context: click.Context) -> Region:
    """Return the Region in which the command looks for its secrets.

    Raises:
        UsageError: a Region that the environment names is none.
        ConfigurationError: nobody names a Region.

    """
    from smrep.aws.session import profile_region
    from smrep.cli.where import locate

    if any(isinstance(each.type, Regions) and each.type.there for each in context.command.params):
        for target in typed_targets(context):
            return target.region
    typed = context.params
    if typed.get("target"):  # of failover: where the replicas are
        return parse_region(typed["target"])
    where = locate(
        (), typed.get("primary_region"), os.environ, lambda: profile_region(typed.get("profile")), needed=True
    )
    return next(iter(where.sources))


def _door(context: click.Context, region: Region) -> Aws:
    """Return the door to AWS by the connection that was typed."""
    from smrep.aws.client import Aws
    from smrep.aws.session import Session, Settings

    names = ("profile", "role_arn", "external_id", "endpoints")
    typed = {name: value for name in names if (value := context.params.get(name))}
    return Aws(Session(Settings(**typed, sts_region=region)))
