"""Replication between accounts, which smrep shows as AWS shows it and otherwise leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cli.test_terminal import Terminal
from fixtures import Sandbox

Make = Callable[..., Sandbox]
THEIRS = "arn:aws:secretsmanager:us-east-1:999999999999:secret:prod/db-{}"
WORDS = ("Pending", "Detached", "InSync")
COMMANDS = [
    ("status", "prod/db"),
    ("wait", "prod/db"),
    ("verify", "prod/db"),
    ("doctor", "prod/db"),
    ("replicate", "prod/db", "-r", "us-west-2"),
    ("replicate", "prod/db", "-r", "us-west-2", "-n"),
    ("retry", "prod/db", "-r", "us-west-2"),
    ("rekey", "prod/db", "-r", "us-west-2=alias/aws/secretsmanager"),
    ("remove", "prod/db", "-r", "us-west-2", "-n"),
]
EVERY = [*COMMANDS, ("audit", "-r", "us-west-2", "--deep")]
EVIL = "\x1b]0;owned\x07\u202e##[error]x"


@pytest.fixture
def linked(sandbox: Sandbox) -> Sandbox:
    """Return a sandbox with a primary that has a replica in another Region and three in other accounts."""
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    replicas = [
        {
            "ReplicaSecretARN": THEIRS.format(f"aaaaa{number}"),
            "ReplicationStatus": word,
            "StatusMessage": f"it is {word}",
        }
        for number, word in enumerate(WORDS)
    ]
    sandbox.simulator.set_cross_account("prod/db", "us-east-1", replicas=replicas)
    return sandbox


def link_of(sandbox: Sandbox, *words: str) -> Any:
    document = sandbox.smrep(*words, "--json").document
    (secret,) = document["secrets"]
    return secret["cross_account"]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_each_other_end_is_in_the_document_with_awss_own_word(linked: Sandbox, words: tuple[str, ...]) -> None:
    assert link_of(linked, *words) == {
        "primary": None,
        "replicas": [
            {"arn": THEIRS.format(f"aaaaa{number}"), "status": word, "status_message": f"it is {word}"}
            for number, word in enumerate(WORDS)
        ],
    }


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_it_changes_neither_exit_code_nor_any_row(linked: Sandbox, words: tuple[str, ...]) -> None:
    with_it = linked.smrep(*words, "--json")
    linked.simulator.set_cross_account("prod/db", "us-east-1")
    without = linked.smrep(*words, "--json")
    assert (with_it.code, without.code) == (0, 0)
    assert with_it.document["secrets"][0]["replicas"] == without.document["secrets"][0]["replicas"]
    assert "cross_account" not in without.document["secrets"][0]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_table_has_a_line_for_each_under_it(linked: Sandbox, words: tuple[str, ...]) -> None:
    out = linked.smrep(*words, "-o", "table").out
    lines = [line for line in out.splitlines() if "cross-account" in line]
    assert lines == [
        f"  cross-account replica {THEIRS.format(f'aaaaa{number}')}: {word}" for number, word in enumerate(WORDS)
    ]
    assert out.index("cross-account") > out.index("us-west-2")


@pytest.mark.terminal
def test_the_lines_are_whole_on_a_narrow_terminal(linked: Sandbox) -> None:
    terminal = Terminal(linked, "status", "prod/db", columns=60, NO_COLOR="1")
    assert terminal.end() == 0
    assert f"cross-account replica {THEIRS.format('aaaaa1')}: Detached\r\n" in terminal.seen


def test_text_and_name_are_as_without_it(linked: Sandbox) -> None:
    with_it = [linked.smrep("status", "prod/db", "-o", output).out for output in ("text", "name")]
    linked.simulator.set_cross_account("prod/db", "us-east-1")
    assert with_it == [linked.smrep("status", "prod/db", "-o", output).out for output in ("text", "name")]


def test_a_primary_without_replicas_of_its_own_shows_them_too(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.simulator.set_cross_account(
        "prod/db", "us-east-1", replicas=[{"ReplicaSecretARN": THEIRS.format("aaaaa0"), "ReplicationStatus": "Pending"}]
    )
    done = sandbox.smrep("status", "prod/db", "--json")
    assert done.code == 0
    (end,) = done.document["secrets"][0]["cross_account"]["replicas"]
    assert end == {"arn": THEIRS.format("aaaaa0"), "status": "Pending", "status_message": None}
    assert "cross-account replica" in sandbox.smrep("status", "prod/db", "-o", "table").out


def test_a_replica_of_another_account_names_its_primary(sandbox: Sandbox) -> None:
    sandbox.create()
    primary = {"PrimarySecretARN": THEIRS.format("bbbbbb"), "ReplicationStatus": "InSync"}
    sandbox.simulator.set_cross_account("prod/db", "us-east-1", primary=primary)
    end = {"arn": THEIRS.format("bbbbbb"), "status": "InSync", "status_message": None}
    for command in ("status", "doctor"):
        done = sandbox.smrep(command, "prod/db", "--json")
        assert done.code == 0
        assert done.document["secrets"][0]["cross_account"] == {"primary": end, "replicas": []}
    out = sandbox.smrep("status", "prod/db", "-o", "table").out
    assert f"  cross-account replica of {THEIRS.format('bbbbbb')}: InSync\n" in out


def test_fields_that_aws_leaves_out_are_null(sandbox: Sandbox) -> None:
    sandbox.create()
    sandbox.simulator.set_cross_account(
        "prod/db", "us-east-1", replicas=[{"ReplicationRoleARN": "arn:aws:iam::1:role/r"}]
    )
    (end,) = link_of(sandbox, "status", "prod/db")["replicas"]
    assert end == {"arn": None, "status": None, "status_message": None}
    assert "  cross-account replica -: -\n" in sandbox.smrep("status", "prod/db", "-o", "table").out


def test_a_secret_that_is_not_found_has_no_such_field(sandbox: Sandbox) -> None:
    done = sandbox.smrep("status", "nowhere", "--json")
    assert (done.code, "cross_account" in done.document["secrets"][0]) == (1, False)


def test_of_several_secrets_only_the_one_that_has_it_shows_it(linked: Sandbox) -> None:
    linked.create("other")
    one, other = linked.smrep("status", "other", "prod/db", "--json").document["secrets"]
    assert ("cross_account" in one, "cross_account" in other) == (False, True)


def with_far_ends(sandbox: Sandbox, *, primary: Any = None, replicas: Any = ()) -> Sandbox:
    """A sandbox with a replicated primary that has these other ends."""
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    sandbox.simulator.set_cross_account("prod/db", "us-east-1", primary=primary, replicas=replicas)
    return sandbox


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
@pytest.mark.parametrize("status", ["Failed", "Detached"])
def test_an_end_that_failed_or_is_detached_is_a_finding(sandbox: Sandbox, status: str, words: tuple[str, ...]) -> None:
    theirs, role = THEIRS.format("aaaaa0"), "arn:aws:iam::123456789012:role/replicate"
    end = {"ReplicaSecretARN": theirs, "ReplicationStatus": status, "StatusMessage": "why", "ReplicationRoleARN": role}
    done = with_far_ends(sandbox, replicas=[end]).smrep(*words, "--json")
    (secret,) = done.document["secrets"]
    repair = (
        "repair the link:\n"
        f"  aws secretsmanager associate-cross-account-replica --secret-id {secret['arn']} "
        f"--cross-account-replica-arn {theirs} --replication-role-arn {role} --region us-east-1"
    )
    message = f"the cross-account replica {theirs} of prod/db in us-east-1 is {status}: why"
    kind = status.lower()
    assert secret["findings"] == [{"kind": kind, "severity": "warning", "message": message, "hint": repair}]
    assert done.code == 0
    assert f"warning: {message}\n" in done.err
    assert repair in done.err


def test_a_replica_names_the_account_that_can_repair_it(sandbox: Sandbox) -> None:
    primary = {"PrimarySecretARN": THEIRS.format("bbbbbb"), "ReplicationStatus": "Detached"}
    arn = sandbox.create()
    sandbox.simulator.set_cross_account("prod/db", "us-east-1", primary=primary)
    (secret,) = sandbox.smrep("status", "prod/db", "--json").document["secrets"]
    (finding,) = secret["findings"]
    assert finding["message"] == (
        f"prod/db in us-east-1 is a cross-account replica of {THEIRS.format('bbbbbb')}, which is Detached"
    )
    assert finding["hint"].startswith("with credentials of account 999999999999, repair the link:\n  aws ")
    assert (
        f"--secret-id {THEIRS.format('bbbbbb')} --cross-account-replica-arn {arn} --region us-east-1" in finding["hint"]
    )


def test_ends_that_are_on_their_way_or_in_sync_are_none(sandbox: Sandbox) -> None:
    words = ("InSync", "InProgress", "Pending", "New word")
    replicas = [{"ReplicaSecretARN": THEIRS.format("aaaaaa"), "ReplicationStatus": word} for word in words]
    done = with_far_ends(sandbox, replicas=replicas).smrep("status", "prod/db", "--json")
    assert "findings" not in done.document["secrets"][0]
    assert "cross-account" not in done.err


def test_smrep_never_repairs_it_by_itself(linked: Sandbox) -> None:
    for words in EVERY:
        linked.smrep(*words, "--json")
    assert not linked.log("AssociateCrossAccountReplica") + linked.log("GetSecretValue")


@pytest.fixture
def hostile(sandbox: Sandbox) -> Sandbox:
    """Return a sandbox in which every word about the other end is hostile."""
    sandbox.create()
    replica = {"ReplicaSecretARN": EVIL, "ReplicationStatus": EVIL, "StatusMessage": EVIL}
    primary = {"PrimarySecretARN": EVIL, "ReplicationStatus": EVIL, "StatusMessage": EVIL}
    sandbox.simulator.set_cross_account("prod/db", "us-east-1", primary=primary, replicas=[replica])
    return sandbox


@pytest.mark.parametrize("output", ["table", "text", "json", "ndjson", "name"])
@pytest.mark.parametrize("command", ["status", "doctor"])
def test_hostile_words_reach_no_terminal_and_no_runner(hostile: Sandbox, command: str, output: str) -> None:
    done = hostile.smrep(command, "prod/db", "-o", output, GITHUB_ACTIONS="true")
    assert done.code == 0
    for written in (done.out, done.err):
        assert not {"\x1b", "\x07", "\u202e"} & set(written)
        assert "##[" not in written


def test_hostile_words_are_true_in_json_and_escaped_in_the_table(hostile: Sandbox) -> None:
    link = link_of(hostile, "status", "prod/db")
    assert link["replicas"] == [{"arn": EVIL, "status": EVIL, "status_message": EVIL}]
    assert link["primary"] == link["replicas"][0]
    out = hostile.smrep("status", "prod/db", "-o", "table").out
    assert "\\x1b]0;owned\\x07\\u202e" in out
