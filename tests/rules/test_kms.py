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
SLOW = "KMS may take five minutes to apply it"


@pytest.mark.parametrize(
    ("doing", "words", "code", "hint"),
    [
        (
            "encrypt",
            "Invalid keyId 'alias/dr'",
            "NotFoundException",
            f"list the keys there are: aws kms list-aliases --region us-west-2; then name one: {AGAIN}=alias/NAME",
        ),
        (
            "encrypt",
            f"{ITS_KEY} key usage is SIGN_VERIFY which is not valid for GenerateDataKey.",
            "InvalidKeyUsageException",
            f"list the keys there are: aws kms list-aliases --region us-west-2; then name one: {AGAIN}=alias/NAME",
        ),
        (
            "encrypt",
            f"{ITS_KEY} is disabled.",
            "DisabledException",
            f"enable the key: aws kms enable-key --key-id {ITS_KEY} --region us-west-2; then: {AGAIN}",
        ),
        (
            "encrypt",
            f"{ITS_KEY} is pending deletion.",
            "KMSInvalidStateException",
            (
                f"keep the key: aws kms cancel-key-deletion --key-id {ITS_KEY} --region us-west-2; "
                f"aws kms enable-key --key-id {ITS_KEY} --region us-west-2; then: {AGAIN}"
            ),
        ),
        (
            "encrypt",
            f"{ITS_KEY} is pending import.",
            "KMSInvalidStateException",
            f"look at the replica's key: aws kms describe-key --key-id {ITS_KEY} --region us-west-2; then: {AGAIN}",
        ),
        (
            "encrypt",
            DENIED.format("GenerateDataKey"),
            "AccessDeniedException",
            (
                "allow whoever replicates or writes the secret kms:GenerateDataKey and kms:Encrypt on the replica's "
                f"key in us-west-2, in IAM and in the key's policy: {POLICY}; {SLOW}; then: {AGAIN}"
            ),
        ),
        (
            "decrypt",
            f"{OWN_KEY} is disabled.",
            "DisabledException",
            f"enable the key: aws kms enable-key --key-id {OWN_KEY} --region us-east-1; then: {AGAIN}",
        ),
        (
            "decrypt",
            f"{OWN_KEY} is pending deletion.",
            "KMSInvalidStateException",
            (
                f"keep the key: aws kms cancel-key-deletion --key-id {OWN_KEY} --region us-east-1; "
                f"aws kms enable-key --key-id {OWN_KEY} --region us-east-1; then: {AGAIN}"
            ),
        ),
        (
            "decrypt",
            DENIED.format("Decrypt"),
            "AccessDeniedException",
            (
                "allow whoever replicates or writes the secret kms:Decrypt on the primary's key in us-east-1, in IAM "
                f"and in the key's policy: {POLICY}; {SLOW}; then: {AGAIN}"
            ),
        ),
        (
            "decrypt",
            f"Invalid keyId '{OWN_KEY}'",
            "NotFoundException",
            (
                "put a new value under another key: aws secretsmanager update-secret --secret-id "
                f"{ARN} --region us-east-1 --kms-key-id alias/NAME --secret-string file://VALUE; see which old version "
                "is still under the key that is gone: smrep doctor prod/db --primary-region us-east-1 -r us-west-2; "
                f"then: {AGAIN}"
            ),
        ),
        (
            "decrypt",
            "something new",
            "BrandNewException",
            (
                "look at the primary's key, or that of an old version: aws kms describe-key --key-id alias/main "
                f"--region us-east-1; then: {AGAIN}"
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
