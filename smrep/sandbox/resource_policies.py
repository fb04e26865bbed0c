"""Resource policies: whom a secret lets in, and whom it keeps out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from smrep.sandbox.policies import Decision, judge, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from smrep.sandbox.policies import Context


def judge_access(policy: str | None, caller: str, action: str, resource: str) -> Decision:
    """Return what a secret's resource policy says of the caller's action; without one, nothing is allowed.

    Choice: a statement with something that is not modelled allows nothing, and denies nothing.
    Source: IAM User Guide, policy evaluation logic and the Principal element.
    """
    context: Context = {
        "aws:principalarn": (_role_behind(caller),),
        "aws:principalaccount": (caller.split(":")[4],),
        "aws:requestedregion": (resource.split(":")[3],),
        "secretsmanager:secretid": (resource,),
    }
    about = tuple(each for statement in _statements(policy) for each in _read(statement, caller))
    return judge(about, action, resource, context).decision


def _statements(policy: str | None) -> list[Any]:
    """Return the statements of a policy, which PutResourcePolicy has seen to be an object."""
    found = json.loads(policy).get("Statement", []) if policy else []
    return found if isinstance(found, list) else [found]


def _read(statement: Any, caller: str) -> Iterator[Any]:
    """Yield the statement where it is about the caller and can be read."""
    if not isinstance(statement, dict) or not _is_meant(statement, caller):
        return
    rest = {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
    try:
        yield from read_policy({"Statement": rest})
    except ValueError:
        return


def _is_meant(statement: Mapping[str, Any], caller: str) -> bool:
    if "NotPrincipal" in statement:
        return not _names(statement["NotPrincipal"], caller)
    return _names(statement.get("Principal"), caller)


def _names(principal: Any, caller: str) -> bool:
    """Whether a Principal names the caller: everybody, the account, the user, the role, or the role's session."""
    given = principal.get("AWS") if isinstance(principal, dict) else principal
    _, partition, _, _, account, _ = caller.split(":", 5)
    known = ("*", account, f"arn:{partition}:iam::{account}:root", caller, _role_behind(caller))
    return any(each in known for each in (given if isinstance(given, list) else [given]))


def _role_behind(caller: str) -> str:
    """Return the ARN of the role that a session is of, any other caller's own. Choice: a role's path is not known."""
    return re.sub(r":sts::(\d{12}):assumed-role/([^/]+)/.*", r":iam::\1:role/\2", caller)
