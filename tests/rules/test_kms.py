"""From KMS's refusal, as a failed replica's message has it, to what mends the key."""

from __future__ import annotations

import pytest

from smrep.model import Replica, Secret, without_request_id
from smrep.regions import Region
from smrep.rules.replication.key_failures import failure, read_failure

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME, "alias/main")
OWN_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
ITS_KEY = "arn:aws:kms:us-west-2:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"
AGAIN = "smrep retry prod/db --primary-region us-east-1 -r us-west-2"


def message(doing: str, words: str, code: str, request: str = "0b3a7a3e-95a4-4b8e-9b8a-5d3c5b1e0a11") -> str:
    return (
        f"Replication failed: Secrets Manager can't {doing} the secret value: {words} (Service: AWSKMS; "
        f"Status Code: 400; Error Code: {code}; Request ID: {request}; Proxy: null)"
    )


DENIED = "User: arn:aws:iam::123456789012:user/u is not authorized to perform: kms:{} on this resource"
POLICY = "smrep iam-policy prod/db --primary-region us-east-1 -r us-west-2=alias/dr --primary-key alias/main"
ANOTHER_KEY = (
    "list the keys in us-west-2:\n"
    "  aws kms list-aliases --region us-west-2\n"
    "then use one of them:\n"
    f"  {AGAIN}=alias/NAME"
)
ALLOW = (
    "allow {}, in IAM and in the key's policy, for every role that replicates or writes the secret\n"
    "the policy that smrep needs:\n"
    f"  {POLICY}\n"
    "then, after up to five minutes for KMS to apply it:\n"
    f"  {AGAIN}"
)


@pytest.mark.parametrize(
    ("doing", "words", "code", "hint"),
    [
        (
            "encrypt",
            "Invalid keyId 'alias/dr'",
            "NotFoundException",
            ANOTHER_KEY,
        ),
        (
            "encrypt",
            f"{ITS_KEY} key usage is SIGN_VERIFY which is not valid for GenerateDataKey.",
            "InvalidKeyUsageException",
            ANOTHER_KEY,
        ),
        (
            "encrypt",
            f"{ITS_KEY} is disabled.",
            "DisabledException",
            (f"enable the key:\n  aws kms enable-key --key-id {ITS_KEY} --region us-west-2\nthen:\n  {AGAIN}"),
        ),
        (
            "encrypt",
            f"{ITS_KEY} is pending deletion.",
            "KMSInvalidStateException",
            (
                "keep the key:\n"
                f"  aws kms cancel-key-deletion --key-id {ITS_KEY} --region us-west-2\n"
                f"  aws kms enable-key --key-id {ITS_KEY} --region us-west-2\n"
                "then:\n"
                f"  {AGAIN}"
            ),
        ),
        (
            "encrypt",
            f"{ITS_KEY} is pending import.",
            "KMSInvalidStateException",
            (
                "check the replica's key:\n"
                f"  aws kms describe-key --key-id {ITS_KEY} --region us-west-2\n"
                "then:\n"
                f"  {AGAIN}"
            ),
        ),
        (
            "encrypt",
            DENIED.format("GenerateDataKey"),
            "AccessDeniedException",
            ALLOW.format("kms:GenerateDataKey and kms:Encrypt on the replica's key in us-west-2"),
        ),
        (
            "decrypt",
            f"{OWN_KEY} is disabled.",
            "DisabledException",
            (f"enable the key:\n  aws kms enable-key --key-id {OWN_KEY} --region us-east-1\nthen:\n  {AGAIN}"),
        ),
        (
            "decrypt",
            f"{OWN_KEY} is pending deletion.",
            "KMSInvalidStateException",
            (
                "keep the key:\n"
                f"  aws kms cancel-key-deletion --key-id {OWN_KEY} --region us-east-1\n"
                f"  aws kms enable-key --key-id {OWN_KEY} --region us-east-1\n"
                "then:\n"
                f"  {AGAIN}"
            ),
        ),
        (
            "decrypt",
            DENIED.format("Decrypt"),
            "AccessDeniedException",
            ALLOW.format("kms:Decrypt on the primary's key in us-east-1"),
        ),
        (
            "decrypt",
            f"Invalid keyId '{OWN_KEY}'",
            "NotFoundException",
            (
                "put a new value under another key:\n"
                f"  aws secretsmanager update-secret --secret-id {ARN} --region us-east-1 "
                "--kms-key-id alias/NAME --secret-string file://VALUE\n"
                "see which old versions still use the deleted key:\n"
                "  smrep doctor prod/db --primary-region us-east-1 -r us-west-2\n"
                "then:\n"
                f"  {AGAIN}"
            ),
        ),
        (
            "decrypt",
            "something new",
            "BrandNewException",
            (
                "check the primary's key, or the key of an old version:\n"
                "  aws kms describe-key --key-id alias/main --region us-east-1\n"
                "then:\n"
                f"  {AGAIN}"
            ),
        ),
    ],
)
def test_each_side_and_cause_has_its_cure(doing: str, words: str, code: str, hint: str) -> None:
    text = message(doing, words, code)
    trouble = failure(PRIMARY, Replica(WEST, "Failed", text, "alias/dr"))
    assert (trouble.message, trouble.hint) == (f"prod/db in us-west-2: {text}", hint)


@pytest.mark.parametrize("text", [None, "", "Secret with this name already exists in this region", "KMS says no"])
def test_a_message_that_names_no_side_is_not_kmss(text: str | None) -> None:
    assert read_failure(text) is None


def test_a_message_without_a_code_is_read_as_far_as_it_goes() -> None:
    found = read_failure("Secrets Manager can't decrypt the secret value: (Service: Kms, Status Code: 400)")
    assert found is not None
    assert (found.decrypting, found.code, found.key) == (True, "", None)


def test_messages_of_one_trouble_are_one_without_their_request_ids() -> None:
    one, other = (message("encrypt", "no", "NotFoundException", each) for each in ("a-1", "b-2"))
    assert without_request_id(one) == without_request_id(other) != one
    assert without_request_id(one) != without_request_id(message("decrypt", "no", "NotFoundException"))
    assert without_request_id(None) is None
