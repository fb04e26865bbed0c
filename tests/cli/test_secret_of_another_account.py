"""A secret of another account, which a resource policy shares: it is found by its ARN, in every Region."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures import Done, Sandbox

Make = Callable[..., Sandbox]
OWNER, WEST, IRELAND = "222222222222", "us-west-2", "eu-west-1"
SHARED = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "secretsmanager:*", "Resource": "*"}


class Shared:
    """A sandbox in which an account shares its secret prod/db with the caller's account."""

    def __init__(self, sandbox: Sandbox, *replicas: str, **params: Any) -> None:
        self.sandbox = sandbox
        self.owner = sandbox.simulator.account(OWNER)
        self.arn: str = self.call("CreateSecret", Name="prod/db", SecretString="x", **params)["ARN"]
        self.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": [SHARED]}))
        if replicas:
            regions = [{"Region": each} for each in replicas]
            self.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=regions)
            self.sandbox.pass_time()
        self.sandbox.simulator.log.clear()

    def call(self, operation: str, region: str = "us-east-1", service: str = "secretsmanager", **params: Any) -> Any:
        return self.owner.call(service, operation, region, params)

    def holds(self, region: str) -> bool:
        return "prod/db" in {row["Name"] for row in self.call("ListSecrets", region)["SecretList"]}

    def listed(self) -> list[str]:
        return [row["Region"] for row in self.call("DescribeSecret", SecretId="prod/db").get("ReplicationStatus", [])]

    def smrep(self, *words: str, stdin: str | None = None) -> Done:
        """Run smrep, which neither asks for a secret by its name nor tells anybody to."""
        done = self.sandbox.smrep(*words, "--json", stdin=stdin)
        assert self._asked_for_by_name() == []
        assert [hint for hint in hints(done) if "prod/db" in re.split(r"[\s;()]+", hint)] == []
        return done

    def _asked_for_by_name(self) -> list[str]:
        return [
            call.secret_id
            for call in self.sandbox.simulator.log
            if call.account != OWNER
            and call.secret_id
            and not re.fullmatch(r"arn:aws:secretsmanager:[^:]+:222222222222:.*", call.secret_id)
        ]


def with_an_entry_alone(call: Callable[..., Any], sandbox: Sandbox) -> None:
    """Promote and delete the secret's replica in us-west-2, which the primary lists InSync all the same."""
    call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    sandbox.pass_time()
    call("StopReplicationToReplica", WEST, SecretId="prod/db")
    call("DeleteSecret", WEST, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    sandbox.pass_time(300.0)
    sandbox.simulator.log.clear()


def hints(done: Done) -> list[str]:
    """Every hint of the document."""
    document, found = [done.document], []
    while document:
        each = document.pop()
        if isinstance(each, dict):
            document += each.values()
            found += [each["hint"]] if isinstance(each.get("hint"), str) else []
        elif isinstance(each, list):
            document += each
    return found


def row(done: Done) -> Any:
    """The one row of the one secret."""
    ((found,),) = [each["replicas"] for each in done.document["secrets"]]
    return found


def kinds(done: Done) -> list[str]:
    return [each["kind"] for each in row(done)["findings"]]


@pytest.fixture
def shared(sandbox: Sandbox) -> Shared:
    return Shared(sandbox, WEST)


@pytest.mark.parametrize("command", ["status", "wait", "verify"])
def test_a_command_that_looks_finds_the_replica(shared: Shared, command: str) -> None:
    done = shared.smrep(command, shared.arn)
    assert (done.code, row(done)["status"], row(done)["findings"]) == (0, "InSync", [])
    assert row(done)["arn"] == shared.arn.replace("us-east-1", WEST)
    assert row(done)["verified"] is (True if command == "verify" else None)


def test_an_arn_from_standard_input_is_the_same(shared: Shared) -> None:
    done = shared.smrep("verify", "-", stdin=f"{shared.arn}\n")
    assert (done.code, row(done)["verified"]) == (0, True)


def test_a_replicas_arn_leads_to_its_primary(shared: Shared) -> None:
    done = shared.smrep("verify", shared.arn.replace("us-east-1", WEST))
    assert (done.code, row(done)["verified"]) == (0, True)
    assert done.document["secrets"][0]["arn"] == shared.arn


def test_replicate_keeps_what_is_there_and_adds_what_is_not(shared: Shared) -> None:
    kept = shared.smrep("replicate", shared.arn, "-r", WEST, "--verify")
    assert (kept.code, row(kept)["action"], row(kept)["verified"]) == (0, "keep", True)
    added = shared.smrep("replicate", shared.arn, "-r", IRELAND, "--verify")
    assert (added.code, row(added)["action"], row(added)["verified"]) == (0, "add", True)
    assert shared.holds(IRELAND)


def test_that_another_secret_may_have_the_name_is_not_checked(shared: Shared) -> None:
    done = shared.smrep("replicate", shared.arn, "-r", IRELAND, "--dry-run")
    assert (done.code, kinds(done)) == (0, ["unchecked"])
    assert f"only account {OWNER} can check that" in row(done)["findings"][0]["message"]


def test_remove_waits_until_the_replica_is_really_gone(make_sandbox: Make) -> None:
    shared = Shared(make_sandbox(removal_delay_s=60.0), WEST)
    started = shared.sandbox.clock.time
    done = shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    assert (done.code, shared.holds(WEST), shared.listed()) == (0, False, [])
    assert shared.sandbox.clock.time - started >= 60


def test_remove_goes_on_with_what_is_being_removed(make_sandbox: Make) -> None:
    shared = Shared(make_sandbox(removal_delay_s=60.0), WEST)
    early = shared.smrep("remove", shared.arn, "-r", WEST, "--yes", "--timeout", "5")
    assert (early.code, shared.holds(WEST)) == (3, True)
    assert shared.arn in early.document["error"]["hint"]
    done = shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    assert (done.code, shared.holds(WEST)) == (0, False)


def test_remove_sends_nothing_for_a_replica_that_it_may_not_look_at(shared: Shared) -> None:
    only_here = {**SHARED, "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}
    shared.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": [only_here]}))
    shared.sandbox.pass_time()
    shared.sandbox.simulator.log.clear()
    done = shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    assert (done.code, kinds(done), shared.listed()) == (4, ["unchecked"], [WEST])
    assert shared.sandbox.log("RemoveRegionsFromReplication") == []
    verified = shared.smrep("verify", shared.arn)
    assert (verified.code, kinds(verified), row(verified)["verified"]) == (4, ["unchecked"], None)


def failed_by_a_name_conflict(sandbox: Sandbox) -> Shared:
    """A shared secret whose owner has another of its name in us-west-2."""
    shared = Shared(sandbox)
    shared.call("CreateSecret", WEST, Name="prod/db", SecretString="another")
    regions = [{"Region": WEST}]
    shared.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=regions)
    sandbox.pass_time()
    sandbox.simulator.log.clear()
    return shared


@pytest.mark.parametrize(
    "words",
    [
        ("remove", "-r", WEST, "--yes"),
        ("retry", "-r", WEST, "--force-overwrite", "--yes"),
        ("replicate", "-r", WEST, "--force-overwrite", "--yes"),
    ],
    ids=" ".join,
)
def test_nothing_is_destroyed_where_a_secret_of_the_name_can_not_be_seen(
    sandbox: Sandbox, words: tuple[str, ...]
) -> None:
    shared = failed_by_a_name_conflict(sandbox)
    done = shared.smrep(words[0], shared.arn, *words[1:])
    assert (done.code, "unchecked" in kinds(done), shared.listed()) == (4, True, [WEST])
    assert f"credentials of account {OWNER}" in row(done)["error"]["hint"]
    assert not sandbox.log("RemoveRegionsFromReplication") + sandbox.log("ReplicateSecretToRegions")


def test_the_callers_own_secret_of_the_name_is_another(shared: Shared) -> None:
    for region in ("us-east-1", WEST):
        shared.sandbox.create(region=region)
    shared.sandbox.simulator.log.clear()
    assert shared.smrep("verify", shared.arn).code == 0
    assert shared.smrep("remove", shared.arn, "-r", WEST, "--yes").code == 0
    assert not shared.holds(WEST)
    assert {row["Name"] for row in shared.sandbox.call("ListSecrets", WEST)["SecretList"]} == {"prod/db"}


@pytest.mark.parametrize(("command", "code"), [("replicate", 1), ("wait", 5), ("verify", 5), ("doctor", 1)])
@pytest.mark.parametrize("namesake", [False, True])
def test_where_the_arn_means_nothing_nobody_says_that_nothing_has_the_name(
    sandbox: Sandbox, command: str, code: int, *, namesake: bool
) -> None:
    shared = Shared(sandbox)
    with_an_entry_alone(shared.call, sandbox)
    if namesake:
        shared.call("CreateSecret", WEST, Name="prod/db", SecretString="another")
    done = shared.smrep(command, shared.arn, "-r", WEST, *([] if command == "doctor" else ["--timeout", "0"]))
    assert (done.code, "missing" in kinds(done)) == (code, True)
    found = next(each for each in row(done)["findings"] if each["kind"] == "missing")
    assert "us-west-2 has no secret with its ARN" in found["message"]
    assert f"only account {OWNER} can check that" in found["message"]
    assert found["hint"].startswith(f"with credentials of account {OWNER}, see whether a secret has the name:\n  aws ")
    assert "nothing bears the name" not in done.out
    (removal,) = re.findall(r"  smrep (remove .*)", found["hint"])
    role = ("--role-arn", f"arn:aws:iam::{OWNER}:role/ops", "--yes")
    assert sandbox.smrep(*removal.split(), *role).code == (1 if namesake else 0)
    assert shared.listed() == ([WEST] if namesake else [])


KEY = f"arn:aws:kms:{WEST}:{OWNER}:key/795b"
NOT_WRITTEN, NOT_READ = (f"Secrets Manager can't {verb} the secret value" for verb in ("encrypt", "decrypt"))
FAILURES = {
    "no replica's key": (f"{NOT_WRITTEN}: x (Error Code: NotFoundException)", "list the keys"),
    "disabled": (f"{NOT_WRITTEN}: {KEY} is disabled. (Error Code: DisabledException)", "enable the key"),
    "deleted": (f"{NOT_WRITTEN}: {KEY} is pending deletion. (Error Code: KMSInvalidStateException)", "keep the key"),
    "odd": (f"{NOT_READ}: x (Error Code: OddException)", "check the primary's key"),
    "the name": (f"Replication failed: Secret name prod/db already exists in region {WEST}.", "look at it"),
    "no such key": ("the key was not found", "list the keys"),
    "some key": ("a KMS trouble", "check the key"),
    "a Region": ("the Region is not enabled", "enable the Region"),
}


@pytest.mark.parametrize("cause", FAILURES)
def test_a_hint_about_what_the_other_account_has_says_with_whose_credentials(sandbox: Sandbox, cause: str) -> None:
    message, way_on = FAILURES[cause]
    shared = Shared(sandbox, WEST)
    shared.owner.set_replication_status("prod/db", "us-east-1", WEST, "Failed", message)
    done = shared.smrep("status", shared.arn)
    assert row(done)["error"]["hint"].startswith(f"with credentials of account {OWNER}, {way_on}")


def test_so_does_one_of_rekey_about_a_replica_that_is_not_there(sandbox: Sandbox) -> None:
    shared = Shared(sandbox)
    with_an_entry_alone(shared.call, sandbox)
    done = shared.smrep("rekey", shared.arn, "-r", f"{WEST}=alias/dr", "--recreate", "--yes", "--timeout", "0")
    assert (done.code, kinds(done)) == (1, ["missing"])
    assert hints(done)
    for hint in hints(done):
        assert hint.startswith(
            f"with credentials of account {OWNER}, replicate again:\n  smrep remove {shared.arn} -r {WEST}"
        )


def test_promote_makes_the_replica_a_standalone_secret(shared: Shared) -> None:
    done = shared.smrep("promote", shared.arn, "-r", WEST, "--yes")
    assert (done.code, row(done)["changed"]) == (0, True)
    assert "PrimaryRegion" not in shared.call("DescribeSecret", WEST, SecretId="prod/db")
    after = shared.smrep("verify", shared.arn)
    assert (after.code, kinds(after)) == (5, ["promoted"])
    refused = shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    assert (refused.code, kinds(refused), shared.listed()) == (1, ["promoted"], [WEST])


def their_key(shared: Shared, alias: str) -> str:
    metadata = shared.call("CreateKey", WEST, service="kms")["KeyMetadata"]
    shared.call("CreateAlias", WEST, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def test_rekey_puts_the_replica_under_a_key_of_its_account(shared: Shared) -> None:
    their_key(shared, "alias/dr")
    done = shared.smrep("rekey", shared.arn, "-r", f"{WEST}=alias/dr")
    assert (done.code, row(done)["changed"]) == (0, True)
    assert shared.call("DescribeSecret", WEST, SecretId="prod/db")["KmsKeyId"] == "alias/dr"


@pytest.mark.parametrize("command", ["replicate", "doctor"])
def test_a_key_of_the_other_account_is_not_looked_for_in_the_callers(shared: Shared, command: str) -> None:
    shared.smrep("remove", shared.arn, "-r", WEST, "--yes")
    their_key(shared, "alias/dr")
    shared.sandbox.simulator.log.clear()
    done = shared.smrep(command, shared.arn, "-r", f"{WEST}=alias/dr")
    assert done.code == (0 if command == "replicate" else 4)
    assert set(kinds(done)) == {"unchecked"}
    keys = {call.params["KeyId"] for call in shared.sandbox.log("DescribeKey")}
    assert keys == {f"arn:aws:kms:{WEST}:{OWNER}:alias/dr"}


def test_doctor_says_whose_secret_it_is_and_looks_at_it_all_the_same(shared: Shared) -> None:
    done = shared.smrep("doctor", shared.arn)
    assert "a secret belongs to another account than the credentials" in done.err
    assert (row(done)["status"], row(done)["arn"]) == ("InSync", shared.arn.replace("us-east-1", WEST))
    assert (done.code, row(done)["findings"]) == (0, [])


@pytest.mark.parametrize(("command", "replicas"), [("replicate", 0), ("replicate", 1), ("doctor", 0)])
def test_a_hint_about_the_keys_that_there_are_says_of_which_account(
    sandbox: Sandbox, command: str, replicas: int
) -> None:
    arn = sandbox.create()
    for _ in range(replicas):
        assert sandbox.smrep("replicate", arn, "-r", f"{WEST}={sandbox.key()}").code == 0
    done = sandbox.smrep(command, arn, "-r", f"{WEST}=alias/none", "--json")
    (listing,) = {hint for hint in hints(done) if "aws kms list-aliases" in hint}
    assert listing.startswith("with credentials of account 123456789012, list the keys in us-west-2:\n  aws kms ")


@pytest.mark.parametrize("command", ["status", "wait", "verify", "doctor", "retry"])
def test_a_hint_keeps_the_arn(sandbox: Sandbox, command: str) -> None:
    shared = failed_by_a_name_conflict(sandbox)
    done = shared.smrep(command, shared.arn, *(["--timeout", "0"] if command == "retry" else []))
    commands = [each for hint in hints(done) for each in re.findall(r"smrep [a-z]+ (\S+)", hint)]
    assert commands
    assert set(commands) == {shared.arn}


@pytest.mark.parametrize("command", ["status", "wait", "verify"])
def test_so_does_one_about_a_region_without_a_replica(shared: Shared, command: str) -> None:
    done = shared.smrep(command, shared.arn, "-r", IRELAND)
    (hint,) = {each for each in hints(done) if "smrep replicate" in each}
    assert hint == f"add it:\n  smrep replicate {shared.arn} -r {IRELAND}"


def test_an_arn_that_means_nothing_may_be_no_whole_one(sandbox: Sandbox) -> None:
    arn = sandbox.create("prod/secret-abcdef")
    done = sandbox.smrep("status", arn[:-7], "--json")
    assert (done.code, done.document["secrets"][0]["error"]["code"]) == (1, "ResourceNotFoundException")
    assert "which ends in a hyphen and six characters that AWS chose" in hints(done)[0]


def _manifest(shared: Shared, tmp_path: Path) -> str:
    manifest = tmp_path / "smrep.toml"
    rule = f'[[replicate]]\nname = "x"\nnames = ["{shared.arn}"]\nregions = ["{WEST}"]\nremove_extra = true\n'
    manifest.write_text(f'schema = 1\nprimary_region = "us-east-1"\n{rule}')
    return str(manifest)


STS_DENIED = frozenset({("GetCallerIdentity", region) for region in ("us-east-1", WEST, IRELAND)})


@pytest.mark.parametrize("denied", [frozenset(), STS_DENIED], ids=["known", "unknown"])
@pytest.mark.parametrize("command", ["plan", "apply", "audit"])
def test_a_run_over_many_secrets_refuses_one_of_another_account(
    make_sandbox: Make, tmp_path: Path, command: str, denied: frozenset[tuple[str, str]]
) -> None:
    shared = Shared(make_sandbox(denied=denied), WEST, IRELAND)
    confirmed = ["--yes", "--max-removals", "5"] if command == "apply" else []
    done = shared.smrep(command, "-f", _manifest(shared, tmp_path), *confirmed)
    (secret,) = done.document["secrets"]
    assert (done.code, secret["error"]["code"]) == (4, "Unchecked" if denied else "OtherAccount")
    assert ("sts:GetCallerIdentity" if denied else f"credentials of account {OWNER}") in secret["error"]["hint"]
    assert secret["replicas"] == []
    assert shared.listed() == [WEST, IRELAND]


@pytest.mark.parametrize("denied", [frozenset(), STS_DENIED], ids=["known", "unknown"])
def test_a_failover_refuses_one_of_another_account(
    make_sandbox: Make, tmp_path: Path, denied: frozenset[tuple[str, str]]
) -> None:
    shared = Shared(make_sandbox(denied=denied), WEST)
    record = str(tmp_path / "record.jsonl")
    words = ("failover", "-", "--from", "us-east-1", "--to", WEST, "--record", record, "--yes")
    done = shared.smrep(*words, stdin=f"{shared.arn}\n")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["error"]["code"]) == (4, "Unchecked" if denied else "OtherAccount")
    assert shared.call("DescribeSecret", WEST, SecretId="prod/db")["PrimaryRegion"] == "us-east-1"


def test_a_saved_plan_of_another_account_is_looked_at_by_arn(make_sandbox: Make, tmp_path: Path) -> None:
    shared = Shared(make_sandbox(removal_delay_s=60.0), WEST, IRELAND)
    plan = str(tmp_path / "dr.plan")
    role = ("--role-arn", f"arn:aws:iam::{OWNER}:role/ops")
    assert shared.sandbox.smrep("plan", "-f", _manifest(shared, tmp_path), "--out", plan, *role).code == 0
    done = shared.smrep("apply", "--plan", plan, "--yes", "--max-removals", "5")
    assert (done.code, shared.listed(), shared.holds(IRELAND)) == (0, [WEST], False)


@pytest.mark.parametrize("sts", ["tells", "does not tell"])
def test_an_own_secret_named_by_its_arn_needs_no_sts_where_it_is_listed(
    make_sandbox: Make, tmp_path: Path, sts: str
) -> None:
    sandbox = make_sandbox(denied=STS_DENIED if sts == "does not tell" else frozenset())
    own = Shared(sandbox)
    own.arn = sandbox.create()
    done = sandbox.smrep("apply", "-f", _manifest(own, tmp_path), "--yes", "--json")
    assert (done.code, row(done)["action"]) == (0, "add")


def test_an_own_secret_given_by_its_arn_shows_what_else_has_its_name(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    other = sandbox.create(region=WEST)
    done = sandbox.smrep("replicate", arn, "-r", WEST, "--json")
    assert (done.code, kinds(done)) == (1, ["name_conflict"])
    assert other in row(done)["findings"][0]["message"]
    assert f"smrep replicate {arn} -r {WEST}" in row(done)["findings"][0]["hint"]
    forced = sandbox.smrep("replicate", arn, "-r", WEST, "--force-overwrite", "--yes", "--json")
    assert (forced.code, row(forced)["action"]) == (0, "overwrite")


def test_who_the_caller_is_is_asked_once_and_only_where_it_matters(sandbox: Sandbox) -> None:
    arn = sandbox.create()
    assert sandbox.smrep("replicate", arn, "-r", f"{WEST},{IRELAND},us-east-2", "--json").code == 0
    assert len(sandbox.log("GetCallerIdentity")) == 1
    sandbox.simulator.log.clear()
    assert sandbox.smrep("verify", arn, "--json").code == 0
    assert sandbox.log("GetCallerIdentity") == []


def test_an_sts_that_does_not_tell_leaves_the_name_unchecked(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=STS_DENIED)
    arn = sandbox.create()
    done = sandbox.smrep("replicate", arn, "-r", WEST, "--json")
    assert (done.code, kinds(done)) == (0, ["unchecked"])
    assert hints(done) == ["allow sts:GetCallerIdentity"]
    assert "the account of the credentials is unknown" in row(done)["findings"][0]["message"]


def test_nothing_is_removed_unseen_where_sts_does_not_tell(make_sandbox: Make) -> None:
    sandbox = make_sandbox(denied=STS_DENIED)
    arn = sandbox.create()
    with_an_entry_alone(sandbox.call, sandbox)
    done = sandbox.smrep("remove", arn, "-r", WEST, "--yes", "--json")
    assert (done.code, kinds(done), sandbox.log("RemoveRegionsFromReplication")) == (4, ["unchecked"], [])
    assert row(done)["error"]["hint"] == "allow sts:GetCallerIdentity"


@pytest.mark.parametrize(("command", "code"), [("replicate", 1), ("wait", 5), ("verify", 5)])
def test_where_sts_does_not_tell_a_secret_of_the_name_is_seen_all_the_same(
    make_sandbox: Make, command: str, code: int
) -> None:
    sandbox = make_sandbox(denied=STS_DENIED)
    arn = sandbox.create()
    with_an_entry_alone(sandbox.call, sandbox)
    other = sandbox.create(region=WEST)
    done = sandbox.smrep(command, arn, "-r", WEST, "--timeout", "0", "--json")
    assert (done.code, kinds(done)) == (code, ["name_conflict"])
    assert other in row(done)["findings"][0]["message"]


def test_where_sts_does_not_tell_the_callers_secret_of_the_name_is_not_the_owners(make_sandbox: Make) -> None:
    shared = Shared(make_sandbox(denied=STS_DENIED))
    shared.sandbox.create(region=WEST)
    done = shared.sandbox.smrep("replicate", shared.arn, "-r", WEST, "--json")
    assert (done.code, kinds(done)) == (0, ["unchecked"])
    assert shared.holds(WEST)


@pytest.mark.parametrize("command", ["replicate", "remove", "retry", "rekey"])
def test_a_command_that_writes_names_the_primarys_arn_where_a_replicas_was_given(shared: Shared, command: str) -> None:
    wanted = f"{IRELAND}=alias/dr" if command == "rekey" else IRELAND
    confirmed = ["--yes"] if command == "remove" else []
    done = shared.smrep(command, shared.arn.replace("us-east-1", WEST), "-r", wanted, *confirmed)
    (secret,) = done.document["secrets"]
    assert (done.code, secret["error"]["code"]) == (1, "is_replica")
    assert secret["error"]["hint"].startswith(f"use the primary:\n  smrep {command} {shared.arn} -r {wanted}")


def test_a_replica_that_has_lost_its_primary_is_promoted_by_its_arn(shared: Shared) -> None:
    shared.sandbox.simulator.faults = replace(shared.sandbox.simulator.faults, strands_replicas=True)
    there = shared.arn.replace("us-east-1", WEST)
    shared.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    shared.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    shared.sandbox.pass_time()
    done = shared.smrep("status", there)
    assert (done.code, kinds(done)) == (1, ["orphan"])
    assert f"--secret-id {there} --region {WEST}" in hints(done)[0]


def test_a_failback_claims_nothing_of_the_secrets_of_another_account(shared: Shared, tmp_path: Path) -> None:
    record = str(tmp_path / "record.jsonl")
    words = ("failover", "-", "--from", "us-east-1", "--to", WEST, "--record", record, "--yes")
    role = ("--role-arn", f"arn:aws:iam::{OWNER}:role/ops")
    assert shared.sandbox.smrep(*words, *role, stdin="prod/db\n").code == 0
    done = shared.sandbox.smrep("failback", "--record", record, "--yes", "--json")
    assert (done.code, kinds(done)) == (1, ["unchecked"])
    assert "AWS finds it by its ARN only" in row(done)["findings"][0]["message"]
    shared.call("DeleteResourcePolicy", WEST, SecretId="prod/db")
    denied = shared.sandbox.smrep("failback", "--record", record, "--yes", "--json")
    assert (denied.code, kinds(denied)) == (4, ["unchecked"])
