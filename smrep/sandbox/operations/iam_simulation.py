"""IAM's SimulatePrincipalPolicy."""

from __future__ import annotations

import re
from typing import Any

from smrep.sandbox.simulator.account_state import AccountState, Request
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.callers import user_arn
from smrep.sandbox.simulator.iam_policies import EVERYTHING, Context, Decision, Policy, Verdict, judge
from smrep.sandbox.simulator.validation import Field, Operation

_NOT_MODELLED = (
    *("PolicyInputList", "PermissionsBoundaryPolicyInputList", "PolicyExclusionList", "ResourcePolicy"),
    *("ResourceOwner", "CallerArn", "ResourceHandlingOption"),
)
_TEMPLATES = {
    "secretsmanager": "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}",
    "kms": "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",
}


def _simulate_principal_policy(state: AccountState, request: Request) -> dict[str, Any]:
    """Judge every action on every resource; without resources, on `*`.

    Choice: no context key has a default, and organizations, boundaries and resource policies are not simulated;
    parameters for them are refused. All results are on one page. `Faults.denied` is an implicitDeny for every
    identity in that Region. Source: API_SimulatePrincipalPolicy; refusals as reported by users.
    """
    params = request.params
    for name in _NOT_MODELLED:
        if name in params:
            raise _invalid_input(f"The sandbox does not simulate {name}.")
    policy = _find_policy(state, params["PolicySourceArn"])
    resources = params.get("ResourceArns") or ["*"]
    if strange := [arn for arn in resources if arn != "*" and not arn.startswith("arn:")]:
        raise _invalid_input(f"ResourceNames are not in a valid ARN format: {', '.join(strange)}.")
    if strange := [action for action in params["ActionNames"] if not re.fullmatch(r"[\w-]+:\w+", action, re.ASCII)]:
        raise _invalid_input(f"Invalid action name: {strange[0]}")
    context = {entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in params.get("ContextEntries", [])}
    results = []
    for action in params["ActionNames"]:
        verdicts = {resource: _judge(state, policy, action, resource, context) for resource in resources}
        results.append(_show_result(action, verdicts))
    return {"EvaluationResults": results, "IsTruncated": False}


def _find_policy(state: AccountState, arn: str) -> Policy:
    """Return an identity's policy. Choice: the account's only user may do everything by default."""
    match = re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:(user|role|group)/(?:.*/)?([^/]+)", arn)
    if match is None:
        raise _invalid_input(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    policy = state.policies.get(arn)
    if policy is not None:
        return policy
    if arn == user_arn(state.account_id):
        return EVERYTHING
    raise ApiError("NoSuchEntity", f"The {match[1]} with name {match[2]} cannot be found.", 404)


def _judge(state: AccountState, policy: Policy, action: str, resource: str, context: Context) -> Verdict:
    operation, region = action.partition(":")[2], ":".join(resource.split(":")[3:4])
    if (operation, region) in state.faults.denied:
        return Verdict("implicitDeny")
    return judge(policy, action, resource, context)


def _show_result(action: str, verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """Return an action's EvaluationResult.

    Choice: for several resources it has the ARN's template, and explicitDeny if any is, else allowed if any is;
    for one resource its ARN, as in recorded answers. ResourceSpecificResults has each resource.
    """
    service, decisions = action.partition(":")[0].lower(), {verdict.decision for verdict in verdicts.values()}
    ranked: tuple[Decision, ...] = ("explicitDeny", "allowed", "implicitDeny")
    decision = next(rank for rank in ranked if rank in decisions)
    alone = next(iter(verdicts)) if len(verdicts) == 1 else None
    deciding = [verdict for verdict in verdicts.values() if verdict.decision == decision]
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": alone or _TEMPLATES.get(service, "*"),
        "EvalDecision": decision,
        "MatchedStatements": _show_statements(*deciding),
        "MissingContextValues": sorted({key for verdict in verdicts.values() for key in verdict.missing}),
    }
    if alone != "*":
        result["ResourceSpecificResults"] = [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": verdict.decision,
                "MatchedStatements": _show_statements(verdict),
                "MissingContextValues": list(verdict.missing),
            }
            for resource, verdict in verdicts.items()
        ]
    return result


def _show_statements(*verdicts: Verdict) -> list[dict[str, str]]:
    """Return the MatchedStatements. Choice: only their Sids, without positions."""
    sids = dict.fromkeys(statement.sid for verdict in verdicts for statement in verdict.decided_by)
    return [{"SourcePolicyId": sid, "SourcePolicyType": "IAM Policy"} for sid in sids]


def _invalid_input(message: str) -> ApiError:
    return ApiError("InvalidInput", message)


_CONTEXT_ENTRY = Field(
    dict,
    members={
        "ContextKeyName": Field(str, required=True, low=5, high=256),
        "ContextKeyValues": Field(list, required=True, item=Field(str)),
        "ContextKeyType": Field(str),
    },
)
IAM_OPERATIONS = {
    "SimulatePrincipalPolicy": Operation(
        _simulate_principal_policy,
        {
            "PolicySourceArn": Field(str, required=True, low=20, high=2048),
            "ActionNames": Field(list, required=True, item=Field(str, low=3, high=128)),
            "ResourceArns": Field(list, item=Field(str, low=1, high=2048)),
            "ContextEntries": Field(list, item=_CONTEXT_ENTRY),
        },
    )
}
"""Operation name -> operation."""
