"""IAM and resource policies, and their decisions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias

Decision: TypeAlias = Literal["allowed", "implicitDeny", "explicitDeny"]
Context: TypeAlias = Mapping[str, Sequence[str]]
"""Lower-case condition key -> its values in the request."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a context key in a statement's Condition."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, context: Context) -> bool:
        """Return whether the test passes; a missing key passes only tests for absence.

        Source: IAM User Guide, condition operators (IfExists, Null, negated ones) and multivalued keys.
        """
        given = context.get(self.key.lower())
        if self.operator == "Null":
            return (not given) == (self.values[0].lower() == "true")
        quantifier, _, rest = self.operator.rpartition(":")
        base = rest.removesuffix("IfExists")
        negated = "Not" in base
        if not given:
            return quantifier == "ForAllValues" or base != rest or (negated and not quantifier)
        test = _TESTS[base.replace("Not", "")]
        passed = [any(test(value, item) for value in self.values) != negated for item in given]
        return all(passed) if quantifier == "ForAllValues" or (negated and not quantifier) else any(passed)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `actions_named` and `resources_named` are false for NotAction and NotResource."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    actions_named: bool
    resources: tuple[str, ...]
    resources_named: bool
    conditions: tuple[Condition, ...]

    def covers(self, action: str, resource: str) -> bool:
        """Return whether the statement applies to an action, in any case, on a resource."""
        action = action.lower()
        return (
            any(_like(pattern.lower(), action) for pattern in self.actions) == self.actions_named
            and any(_like(pattern, resource) for pattern in self.resources) == self.resources_named
        )


Policy: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, the statements behind it, and missing condition keys."""

    decision: Decision
    decided_by: tuple[Statement, ...] = ()
    missing: tuple[str, ...] = ()


def judge(policy: Policy, action: str, resource: str, context: Context) -> Verdict:
    """Return a policy's decision: a deny beats an allow, and the default is to deny."""
    about = [statement for statement in policy if statement.covers(action, resource)]
    keys = {condition.key for statement in about for condition in statement.conditions}
    missing = tuple(sorted(key for key in keys if key.lower() not in context))
    met = [statement for statement in about if all(test.holds(context) for test in statement.conditions)]
    if denying := tuple(statement for statement in met if not statement.allows):
        return Verdict("explicitDeny", denying, missing)
    if met:
        return Verdict("allowed", tuple(met), missing)
    return Verdict("implicitDeny", (), missing)


def read_policy(document: Mapping[str, Any]) -> Policy:
    """Return an identity-based policy's statements.

    Choice: it supports the conditions String*, Bool and Null, with IfExists, ForAllValues and ForAnyValue, but no
    policy variables. Raises: ValueError for anything unsupported.
    """
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str):
        raise _mistake("a policy needs a Statement")
    return tuple(
        _read_statement(statement, f"Statement{number}") for number, statement in enumerate(statements, start=1)
    )


def format_policy(policy: Policy) -> dict[str, Any]:
    """Return the document that `read_policy` reads."""
    return {"Statement": [_format_statement(statement) for statement in policy]}


def _format_statement(statement: Statement) -> dict[str, Any]:
    conditions: dict[str, dict[str, list[str]]] = {}
    for test in statement.conditions:
        conditions.setdefault(test.operator, {})[test.key] = list(test.values)
    return {
        "Sid": statement.sid,
        "Effect": "Allow" if statement.allows else "Deny",
        "Action" if statement.actions_named else "NotAction": list(statement.actions),
        "Resource" if statement.resources_named else "NotResource": list(statement.resources),
        "Condition": conditions,
    }


def _read_statement(given: Any, sid: str) -> Statement:
    if not isinstance(given, Mapping):
        raise _mistake(f"a statement is an object, not {given!r}")
    keys = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    if unknown := sorted(set(given) - keys):
        raise _mistake(f"the sandbox knows no {unknown[0]} in an identity's policy")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise _mistake(f"an Effect is Allow or Deny, not {given.get('Effect')!r}")
    for named, negated in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (named in given) == (negated in given):
            raise _mistake(f"a statement has either {named} or {negated}")
    return Statement(
        sid=given.get("Sid", sid),
        allows=given["Effect"] == "Allow",
        actions=_read_texts(given.get("Action", given.get("NotAction"))),
        actions_named="Action" in given,
        resources=_read_texts(given.get("Resource", given.get("NotResource"))),
        resources_named="Resource" in given,
        conditions=tuple(
            _read_condition(operator, key, values)
            for operator, tests in given.get("Condition", {}).items()
            for key, values in tests.items()
        ),
    )


def _read_condition(operator: str, key: str, values: Any) -> Condition:
    if operator not in _OPERATORS:
        raise _mistake(f"the sandbox does not know the condition operator {operator}")
    return Condition(operator, key, _read_texts(values))


def _read_texts(given: Any) -> tuple[str, ...]:
    items = given if isinstance(given, (list, tuple)) else [given]
    texts = tuple(str(item).lower() if isinstance(item, bool) else item for item in items)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise _mistake(f"a text or a list of texts is wanted, not {given!r}")
    if any("${" in text for text in texts):
        raise _mistake(f"the sandbox knows no policy variables: {given!r}")
    return texts


def _mistake(reason: str) -> ValueError:
    return ValueError(reason)


def _like(pattern: str, text: str) -> bool:
    """Return whether `text` matches a pattern in which `*` is any text and `?` any character.

    Each part between two `*` matches at its first occurrence only, so that no pattern is slow.
    """
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", pattern))
    between = "".join(f"(?>.*?{part})" for part in rest[:-1])
    last = f".*{rest[-1]}" if rest else ""
    return re.fullmatch(first + between + last, text, re.DOTALL) is not None


def _same(pattern: str, text: str) -> bool:
    return pattern == text


def _same_but_for_case(pattern: str, text: str) -> bool:
    return pattern.lower() == text.lower()


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringEqualsIgnoreCase": _same_but_for_case,
    "StringLike": _like,
    "Bool": _same_but_for_case,
}
_BASES = (*_TESTS, "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike")
_OPERATORS = {"Null", *map("".join, product(("", "ForAllValues:", "ForAnyValue:"), _BASES, ("", "IfExists")))}
EVERYTHING = read_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
"""A policy that allows everything."""


def judge_access(policy: str | None, caller: str, action: str, resource: str) -> Decision:
    """Return the decision of a secret's resource policy; without a policy it is implicitDeny.

    Choice: unsupported statements neither allow nor deny.
    Source: IAM User Guide, policy evaluation logic and the Principal element.
    """
    context: Context = {
        "aws:principalarn": (_find_role(caller),),
        "aws:principalaccount": (caller.split(":")[4],),
        "aws:requestedregion": (resource.split(":")[3],),
        "secretsmanager:secretid": (resource,),
    }
    about = tuple(readable for statement in _list_statements(policy) for readable in _read_if_about(statement, caller))
    return judge(about, action, resource, context).decision


def _list_statements(policy: str | None) -> list[Any]:
    """Return the statements of a policy; PutResourcePolicy ensures that it is an object."""
    statements = json.loads(policy).get("Statement", []) if policy else []
    return statements if isinstance(statements, list) else [statements]


def _read_if_about(statement: Any, caller: str) -> Iterator[Any]:
    """Yield the statement if it is about the caller and supported."""
    if not isinstance(statement, dict) or not _is_about(statement, caller):
        return
    rest = {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
    try:
        yield from read_policy({"Statement": rest})
    except ValueError:
        return


def _is_about(statement: Mapping[str, Any], caller: str) -> bool:
    if "NotPrincipal" in statement:
        return not _includes(statement["NotPrincipal"], caller)
    return _includes(statement.get("Principal"), caller)


def _includes(principal: Any, caller: str) -> bool:
    """Return whether a Principal includes the caller: `*`, its account, user, role or session."""
    given = principal.get("AWS") if isinstance(principal, dict) else principal
    _, partition, _, _, account, _ = caller.split(":", 5)
    names = ("*", account, f"arn:{partition}:iam::{account}:root", caller, _find_role(caller))
    return any(name in names for name in (given if isinstance(given, list) else [given]))


def _find_role(caller: str) -> str:
    """Return the ARN of a session's role, or of any other caller. Choice: without the role's path."""
    return re.sub(r":sts::(\d{12}):assumed-role/([^/]+)/.*", r":iam::\1:role/\2", caller)
