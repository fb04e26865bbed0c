"""moto's own tests of Secrets Manager, run against the sandbox: those that their authors verified on AWS pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from fixtures import ROOT

pytestmark = pytest.mark.peer
FILES = ("test_list_secrets", "test_policy", "test_secrets_duplication", "test_secretsmanager")
LEFT_OUT = {
    "using_lambda": "they need a Lambda function that rotates",
    "test_cancel_rotate_secret": "it makes a Lambda function, and waits for its role for ever",
    "batch_get": "the sandbox has no BatchGetSecretValue: smrep never calls it",
    "random": "the sandbox has no GetRandomPassword: nothing of smrep needs it",
}
"""Part of a test's name -> why it is not run."""
PROGRESS = "moto's replicas are InSync or Failed at once; AWS's are InProgress first"
LAMBDA = "it rotates without a Lambda function, which AWS refuses"
KEY = "it names a KMS key that does not exist, which AWS refuses"
TAGS = "an answer recorded on AWS has Tags, an empty list, where there are none"
WORDS = "AWS's words for a value out of its bounds, as recorded for other fields"
MISTAKES = "which of two mistakes AWS names is not known"
DIFFERS = {
    "test_with_no_filter_key": "the words are moto's own; AWS's are not known",
    "test_with_no_filter_values": "the words are moto's own; AWS's are not known",
    "test_with_invalid_filter_key": "AWS has two keys more by now: primary-region and owning-service",
    "test_with_filter_with_negation": "how AWS joins values of which one is negated is not known",
    "test_delete_resource_policy": "its policy is no JSON, which AWS refuses",
    "test_create_secret_that_duplicates": PROGRESS,
    "test_replicate_secret": PROGRESS,
    "test_replicate_secret__existing_secret": PROGRESS,
    "test_replicate_secret__overwrite_existing_secret": PROGRESS,
    "test_list_replica_secret_with_filters": "it looks for the replica before AWS would have made it",
    "test_update_replica": "it expects that a replica's key can't be changed in its Region; AWS changes it",
    "test_delete_while_duplication_exist": "AWS's sentence ends with a period",
    "test_describe_secret_with_arn[test-secret]": "AWS takes an ARN that ends in a hyphen and six characters for whole",
    "test_get_secret_version_stage_mismatch": LAMBDA,
    "test_rotate_secret": LAMBDA,
    "test_rotate_secret_without_secretstring": LAMBDA,
    "test_rotate_secret_enable_rotation": LAMBDA,
    "test_create_secret_without_value": TAGS,
    "test_update_secret_without_value": TAGS,
    "test_tag_resource[True]": TAGS,
    "test_tag_resource[False]": TAGS,
    "test_describe_secret_with_KmsKeyId": KEY,
    "test_update_secret_with_KmsKeyId": KEY,
    "test_rotate_secret_client_request_token_too_short": WORDS,
    "test_rotate_secret_rotation_period_validation[below min]": WORDS,
    "test_rotate_secret_rotation_period_validation[above max]": WORDS,
    "test_delete_secret_force_no_such_secret_with_invalid_recovery_window": MISTAKES,
    "test_put_secret_binary_requires_either_string_or_binary": MISTAKES,
    "test_create_secret_with_tag_custom_id": "it is a feature of moto",
}
"""Test -> why it fails against the sandbox, and is right to."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of moto's source distribution, of the version and the hash that constraints-dev.txt names."""
    folder = tmp_path_factory.mktemp("moto")
    pinned = re.search(
        r"^moto==[^\n]*\n(?: +--hash[^\n]*\n)+", (ROOT / "constraints-dev.txt").read_text(), re.MULTILINE
    )
    assert pinned
    (folder / "wanted.txt").write_text(pinned[0])
    words = ("download", "--quiet", "--no-deps", "--no-binary", "moto", "--require-hashes", "-r", "wanted.txt")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        pytest.skip(f"MOTO'S SOURCE COULD NOT BE FETCHED, SO ITS TESTS DID NOT RUN: {done.stderr[-300:]}")
    (archive,) = folder.glob("moto-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return next(path for path in folder.glob("moto-*") if path.is_dir())


def test_only_the_tests_that_are_listed_fail(source: Path, tmp_path: Path) -> None:
    left_out = " and ".join(f"not {part}" for part in LEFT_OUT)
    words = ["-q", "-p", "peers.moto_in_sandbox", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(source)]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--junitxml", tmp_path / "results.xml", "-k", left_out]
        + [f"tests/test_secretsmanager/{name}.py" for name in FILES],
        cwd=source,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{source}:{ROOT / 'tests'}",
            "TEST_SERVER_MODE": "true",
            "MOTO_CALL_RESET_API": "false",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        check=False,
        timeout=600,
    )
    cases = list(ET.parse(tmp_path / "results.xml").getroot().iter("testcase"))
    failed = {str(case.get("name")) for case in cases if case.find("failure") is not None}
    broken = [case.get("name") for case in cases if case.find("error") is not None]
    assert (failed - set(DIFFERS), set(DIFFERS) - failed, broken) == (set(), set(), [])
    assert len(cases) > 100
