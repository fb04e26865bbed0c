"""Commands on secrets that selectors choose: --prefix, --tag, --exclude and --all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cli.document_rows import rows_of
from fixtures import Sandbox, commands_in
from pseudo_terminal import Terminal

HOME, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
NAMES = ("prod/a", "prod/b", "prod/c")
Make = Callable[..., Sandbox]
WORDS = {
    "replicate": ("-r", WEST),
    "retry": ("-r", WEST),
    "remove": ("-r", WEST),
    "rekey": ("-r", f"{WEST}=alias/new"),
    "status": (),
    "wait": (),
    "verify": (),
    "doctor": ("-r", WEST),
}
SENDS = {
    "replicate": "ReplicateSecretToRegions",
    "retry": "ReplicateSecretToRegions",
    "remove": "RemoveRegionsFromReplication",
    "rekey": "UpdateSecret",
}
each_command = pytest.mark.parametrize("command", WORDS)
each_write = pytest.mark.parametrize("command", SENDS)


def fleet(make: Make, *replicas: str, others: tuple[str, ...] = ("test/x",)) -> Sandbox:
    """Return a sandbox with three secrets under prod/, one of them tagged, and others."""
    sandbox = make(replication_delay_s=0.0, removal_delay_s=0.1)
    for name in (*NAMES, *others):
        tags = [{"Key": "dr", "Value": "true"}] if name == "prod/b" else []
        sandbox.create(name, Tags=tags)
        if replicas and name in NAMES:
            sandbox.call(
                "ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=[{"Region": region} for region in replicas]
            )
            sandbox.call("DescribeSecret", SecretId=name)
    sandbox.key("alias/new", WEST)
    sandbox.simulator.log.clear()
    return sandbox


def scene(make: Make, command: str) -> Sandbox:
    """Return a sandbox in which the command has something to do for each secret under prod/."""
    sandbox = fleet(make, *(() if command == "replicate" else (WEST,)))
    if command == "retry":
        for name in NAMES:
            sandbox.simulator.set_replication_status(name, HOME, WEST, "Failed", "no luck")
    return sandbox


def names_sent(sandbox: Sandbox, command: str) -> list[str]:
    """Return the secrets of the requests sent, each by its name."""
    return sorted(call.params["SecretId"].split(":")[6].rpartition("-")[0] for call in sandbox.log(SENDS[command]))


# what is refused


@each_command
def test_names_and_selectors_contradict_each_other(sandbox: Sandbox, command: str) -> None:
    done = sandbox.smrep(command, "prod/db", "--prefix", "prod/", *WORDS[command], "--json")
    assert (done.code, done.document["result"], sandbox.simulator.log) == (2, "usage", [])
    assert done.document["error"]["message"] == "names and selectors contradict each other"


@pytest.mark.parametrize("words", [(), ("--exclude", "prod/tmp-*")], ids=["none", "exclude alone"])
@pytest.mark.parametrize("command", [command for command in WORDS if command != "doctor"])
def test_no_secrets_are_refused_before_any_call(sandbox: Sandbox, command: str, words: tuple[str, ...]) -> None:
    done = sandbox.smrep(command, *words, *WORDS[command], "--json")
    assert (done.code, done.document["error"]["message"], sandbox.simulator.log) == (2, "no secrets", [])
    assert commands_in(done.document["error"]["hint"]) == [f"smrep {command} --help"]


@each_command
def test_selectors_that_match_nothing_are_refused(make_sandbox: Make, command: str) -> None:
    sandbox = fleet(make_sandbox)
    done = sandbox.smrep(command, "--prefix", "none/", "--exclude", "none/x", *WORDS[command], "--json")
    error = done.document["error"]
    assert (done.code, error["message"]) == (2, "no secret in us-east-1 matches --prefix none/ --exclude none/x")
    assert commands_in(error["hint"]) == ["smrep list --primary-region us-east-1"]
    assert {call.operation for call in sandbox.simulator.log} == {"ListSecrets"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prefix", ""), "--prefix must not be empty"),
        (("--all", "--prefix", "prod/"), "--all contradicts the other selectors"),
        (("--tag", "=true"), "has no tag key"),
    ],
    ids=" ".join,
)
def test_impossible_selectors_are_refused(sandbox: Sandbox, words: tuple[str, ...], message: str) -> None:
    done = sandbox.smrep("remove", *words, "-r", WEST)
    assert (done.code, message in done.err, sandbox.simulator.log) == (2, True, [])


# which secrets are selected


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--prefix", "prod/"), ["prod/a", "prod/b", "prod/c"]),
        (("--prefix", "prod/", "--exclude", "prod/[ab]"), ["prod/c"]),
        (("--tag", "dr"), ["prod/b"]),
        (("--tag", "dr=true", "--prefix", "prod/"), ["prod/b"]),
        (("--all",), ["prod/a", "prod/b", "prod/c", "test/x"]),
    ],
    ids=" ".join,
)
def test_status_reports_the_selected_secrets(make_sandbox: Make, words: tuple[str, ...], names: list[str]) -> None:
    sandbox = fleet(make_sandbox, WEST)
    done = sandbox.smrep("status", *words, "--json")
    assert (done.code, [secret["name"] for secret in done.document["secrets"]]) == (0, names)
    assert f"{len(names)} secret{'s' if len(names) > 1 else ''} selected in us-east-1\n" in done.err


def test_replicas_of_another_region_are_not_selected(make_sandbox: Make) -> None:
    sandbox = fleet(make_sandbox, WEST)
    done = sandbox.smrep("status", "--all", "--primary-region", WEST, "--json")
    assert (done.code, done.document["error"]["message"]) == (2, "no secret in us-west-2 matches --all")


def test_doctor_examines_the_selected_secrets(make_sandbox: Make) -> None:
    done = fleet(make_sandbox).smrep("doctor", "--prefix", "prod/", "-r", WEST, "--json")
    assert (done.code, [secret["name"] for secret in done.document["secrets"]]) == (0, list(NAMES))


@pytest.mark.parametrize("command", ["wait", "verify"])
def test_secrets_without_replicas_are_skipped_and_counted(make_sandbox: Make, command: str) -> None:
    sandbox = fleet(make_sandbox, WEST, others=("test/x", "test/y"))
    done = sandbox.smrep(command, "--all", "--json")
    assert (done.code, [secret["name"] for secret in done.document["secrets"]]) == (0, list(NAMES))
    assert "2 of 5 selected secrets have no replicas and were skipped\n" in done.err
    none = sandbox.smrep(command, "--prefix", "test/", "--json")
    assert (none.code, none.document["error"]["message"]) == (2, "none of the 2 selected secrets has replicas")


@pytest.mark.parametrize("command", ["wait", "verify"])
def test_secrets_without_a_replica_in_a_named_region_are_reported(make_sandbox: Make, command: str) -> None:
    sandbox = fleet(make_sandbox, IRELAND, others=("test/x",))
    done = sandbox.smrep(command, "--all", "-r", WEST, "--timeout", "1s", "--json")
    assert done.code != 0
    assert [secret["name"] for secret in done.document["secrets"]] == [*NAMES, "test/x"]


@pytest.mark.parametrize("command", ["rekey", "retry"])
def test_secrets_with_replicas_elsewhere_are_skipped_by_a_change(make_sandbox: Make, command: str) -> None:
    sandbox = scene(make_sandbox, command)
    sandbox.create("prod/elsewhere")
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/elsewhere", AddReplicaRegions=[{"Region": IRELAND}])
    done = sandbox.smrep(command, "--prefix", "prod/", *WORDS[command], "--yes", "--json")
    assert (done.code, [secret["name"] for secret in done.document["secrets"]]) == (0, list(NAMES))
    assert "1 of 4 selected secrets have no replicas in us-west-2 and were skipped\n" in done.err


def test_exclude_alone_selects_nothing_for_doctor_either(sandbox: Sandbox) -> None:
    done = sandbox.smrep("doctor", "--exclude", "prod/tmp-*")
    assert (done.code, "--exclude alone selects no secrets" in done.err) == (2, True)


# what asks first


def test_an_addition_that_waits_for_a_removal_asks_too(make_sandbox: Make) -> None:
    sandbox = fleet(make_sandbox, WEST)
    sandbox.simulator.change_faults(lambda faults: replace(faults, removal_delay_s=60.0))
    assert sandbox.smrep("remove", "--prefix", "prod/", "-r", WEST, "--no-wait", "--yes").code == 0
    done = sandbox.smrep("replicate", "--prefix", "prod/", "-r", WEST, "--json")
    assert (done.code, done.document["error"]["code"]) == (2, "ConfirmationNeeded")
    assert sandbox.log("ReplicateSecretToRegions") == []


def test_services_that_manage_a_secret_are_named_before_the_question(make_sandbox: Make) -> None:
    sandbox = fleet(make_sandbox, others=("rds!db-1",))
    done = sandbox.smrep("replicate", "--all", "-r", WEST, "-n")
    assert "warning: AWS services manage rds!db-1, and may forbid or undo this\n" in done.err


@each_write
def test_without_a_terminal_it_needs_yes(make_sandbox: Make, command: str) -> None:
    sandbox = scene(make_sandbox, command)
    words = (command, "--prefix", "prod/", *WORDS[command])
    done = sandbox.smrep(*words, "--json")
    error = done.document["error"]
    assert (done.code, error["code"], names_sent(sandbox, command)) == (2, "ConfirmationNeeded", [])
    (again,) = commands_in(error["hint"])
    assert "--prefix prod/" in again
    assert again.endswith(" --yes")
    done = sandbox.smrep(*again.split()[1:], "--json")
    assert (done.code, names_sent(sandbox, command)) == (0, list(NAMES))
    assert {row["changed"] for row in rows_of(done)} == {True}


@each_write
def test_a_dry_run_asks_nothing_and_sends_nothing(make_sandbox: Make, command: str) -> None:
    sandbox = scene(make_sandbox, command)
    done = sandbox.smrep(command, "--prefix", "prod/", *WORDS[command], "-n", "--json")
    assert (done.code, done.document["dry_run"], names_sent(sandbox, command)) == (0, True, [])
    assert [row["changed"] for row in rows_of(done)] == [False, False, False]


QUESTIONS = {"replicate": "Continue? [y/N] ", "retry": "Continue? [y/N] ", "rekey": "Continue? [y/N] "}
QUESTIONS |= {"remove": "Type 3 to continue: "}


@pytest.mark.terminal
@each_write
def test_at_a_terminal_it_shows_the_plan_and_asks(make_sandbox: Make, command: str) -> None:
    sandbox = scene(make_sandbox, command)
    terminal = Terminal(sandbox, command, "--prefix", "prod/", *WORDS[command], columns=120)
    terminal.read_until(QUESTIONS[command])
    assert all(name in terminal.seen for name in NAMES)
    assert names_sent(sandbox, command) == []
    terminal.type("3\n" if command == "remove" else "y\n")
    assert (terminal.end(), names_sent(sandbox, command)) == (0, list(NAMES))


@pytest.mark.terminal
@pytest.mark.parametrize("answer", ["", "n", "no", "37", "prod/"])
@pytest.mark.parametrize("command", ["replicate", "remove"])
def test_any_other_answer_sends_nothing_and_prints_no_table(make_sandbox: Make, command: str, answer: str) -> None:
    sandbox = scene(make_sandbox, command)
    terminal = Terminal(sandbox, command, "--prefix", "prod/", *WORDS[command], columns=120)
    terminal.read_until(QUESTIONS[command])
    before = len(terminal.seen)
    terminal.type(f"{answer}\n")
    assert (terminal.end(), names_sent(sandbox, command)) == (2, [])
    after = terminal.seen[before:]
    assert "not confirmed; nothing was sent" in after
    assert "REGION" not in after


# how it is sent


def test_rekey_changes_the_key_of_each_selected_replica(make_sandbox: Make) -> None:
    sandbox = fleet(make_sandbox, WEST)
    done = sandbox.smrep("rekey", "--prefix", "prod/", "-r", f"{WEST}=alias/new", "--yes", "--json")
    assert (done.code, [row["kms_key_id"] for row in rows_of(done)]) == (0, ["alias/new"] * 3)


def test_remove_deletes_the_replicas_of_the_selected_secrets_and_no_other(make_sandbox: Make) -> None:
    sandbox = fleet(make_sandbox, WEST, IRELAND)
    done = sandbox.smrep("remove", "--prefix", "prod/", "--exclude", "prod/c", "-r", WEST, "--yes", "--json")
    assert done.code == 0
    assert {entry["Name"] for entry in sandbox.call("ListSecrets", WEST)["SecretList"]} == {"prod/c"}
    assert len(sandbox.call("ListSecrets", IRELAND)["SecretList"]) == 3


def test_remove_waits_also_when_run_again_for_replicas_that_no_primary_lists(make_sandbox: Make) -> None:
    """AWS drops the Region from the list at once; the replica lives on."""
    sandbox = fleet(make_sandbox, WEST)
    sandbox.simulator.change_faults(lambda faults: replace(faults, removal_delay_s=60.0))
    words = ("remove", "--prefix", "prod/", "-r", WEST, "--yes")
    assert sandbox.smrep(*words, "--timeout", "1s").code == 3
    assert sandbox.smrep(*words, "--timeout", "1s").code == 3
    assert sandbox.smrep(*words).code == 0
    assert sandbox.call("ListSecrets", WEST)["SecretList"] == []
    assert len(sandbox.log("RemoveRegionsFromReplication")) == 3


@pytest.mark.process
@each_write
def test_rate_paces_the_requests(make_sandbox: Make, command: str) -> None:
    sandbox = scene(make_sandbox, command)
    done = sandbox.process(command, "--prefix", "prod/", *WORDS[command], "--rate", "1", "--yes", "--json")
    times = [call.ts for call in sandbox.log(SENDS[command])]
    assert (done.code, len(times)) == (0, 3)
    assert times[-1] - times[0] > 0.7  # two seconds, less what a busy machine varies


@pytest.mark.parametrize("rate", ["0", "51"])
@each_write
def test_a_rate_that_aws_does_not_take_is_refused(sandbox: Sandbox, command: str, rate: str) -> None:
    done = sandbox.smrep(command, "--prefix", "prod/", *WORDS[command], "--rate", rate)
    assert (done.code, f"--rate {rate} is not possible" in done.err, sandbox.simulator.log) == (2, True, [])


# what comes next


@pytest.mark.parametrize(("command", "waits"), [("replicate", "wait"), ("retry", "wait"), ("remove", "remove")])
@pytest.mark.parametrize("chosen", [("--prefix", "prod/"), ("prod/a", "prod/b")], ids=["selectors", "names"])
def test_no_wait_ends_with_the_command_that_waits(
    make_sandbox: Make, command: str, waits: str, chosen: tuple[str, ...]
) -> None:
    sandbox = scene(make_sandbox, command)
    words = (command, *chosen, *WORDS[command], "--no-wait", "--yes")
    done = sandbox.smrep(*words, "--expect-account", "123456789012")
    (again,) = commands_in(done.err.partition("hint: to wait for it:\n")[2])
    assert (done.code, again.split()[1]) == (0, waits)
    assert all(word in again.split() for word in (*chosen, "-r", WEST, "--expect-account"))
    assert sandbox.smrep(*again.split()[1:]).code == 0
    assert "to wait for it" not in scene(make_sandbox, command).smrep(*words, "-q").err
