"""Events of EventBridge as AWS sends them, and as it never should."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

HOME, ACCOUNT = "us-east-1", "123456789012"
ARN = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:prod/db-a1b2c3"


def native(arn: str = ARN, name: str = "prod/db", **fields: Any) -> dict[str, Any]:
    """Return the event of a label that moved."""
    return {
        "version": "0",
        "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager",
        "account": ACCOUNT,
        "region": HOME,
        "resources": [arn],
        "detail": {"name": name, "labelUpdated": "AWSCURRENT", "versionId": "v"},
        **fields,
    }


def trail(call: str = "CreateSecret", request: Any = None, answer: Any = None, **detail: Any) -> dict[str, Any]:
    """Return CloudTrail's event of a call."""
    return {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.secretsmanager",
        "account": ACCOUNT,
        "region": HOME,
        "resources": [],
        "detail": {
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": call,
            "awsRegion": HOME,
            "requestParameters": request,
            "responseElements": answer,
            **detail,
        },
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WHOLE = st.sampled_from(
    [
        native(),
        trail("CreateSecret", {"name": "prod/db"}, {"arn": ARN}),
        trail("TagResource", {"secretId": "prod/db"}),
        trail("UntagResource", {"secretId": ARN}, userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::1:user/a"}),
        trail("ReplicateSecretToRegions", {"secretId": ARN}, {"aRN": ARN}, errorCode="AccessDenied"),
        {"smrep": "apply"},
    ]
)


@st.composite
def malformed(draw: st.DrawFn) -> Any:
    """Return an event of which a part is missing or is anything else, or JSON that is no event at all."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(JSON)
    event = copy.deepcopy(draw(WHOLE))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = event
        while True:
            key = draw(st.sampled_from(sorted(place)))
            if not (isinstance(place[key], dict) and place[key] and draw(st.booleans())):
                break
            place = place[key]
        if draw(st.booleans()):
            place[key] = draw(JSON)
        else:
            del place[key]
            if not event:
                break
    return event
