"""The commands that hints name: pasteable, and about the same account."""

from __future__ import annotations

import pytest

from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.rules.hints import (
    command_line,
    counted,
    duration,
    format_command,
    policy_command,
    quoted,
    some_names,
    with_connection_flags,
)

FLAGS = ("--profile", "staging", "--role-arn", "arn:aws:iam::1:role/dr", "--endpoint-url", "http://[::1]:1")


def test_a_command_is_quoted_for_a_shell() -> None:
    assert format_command(
        "wait", ["rds!db 1"], primary_region=Region("us-east-1"), targets=[Target(Region("us-west-2"))]
    ) == ("smrep wait 'rds!db 1' --primary-region us-east-1 -r us-west-2")


def test_the_primarys_region_is_left_out_only_where_each_secret_carries_it() -> None:
    home, arn = Region("us-east-1"), "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-a1b2c3"
    assert format_command("wait", [arn, arn], primary_region=home) == f"smrep wait {arn} {arn}"
    assert format_command("wait", [arn, "b"], primary_region=home) == f"smrep wait {arn} b --primary-region us-east-1"


def test_words_stand_as_an_operator_would_type_them() -> None:
    targets = [Target(Region("us-west-2")), Target(Region("eu-west-1"), "alias/dr")]
    words = ["a", "b"], Region("us-east-1"), targets, ["--yes"]
    assert format_command("replicate", words[0], primary_region=words[1], targets=words[2], flags=words[3]) == (
        "smrep replicate a b --primary-region us-east-1 -r us-west-2 -r eu-west-1=alias/dr --yes"
    )
    assert format_command("replicate", ["a", "-b"], primary_region=words[1], targets=words[2], flags=words[3]) == (
        "smrep replicate --primary-region us-east-1 -r us-west-2 -r eu-west-1=alias/dr --yes -- a -b"
    )


def test_without_a_name_the_region_stands_all_the_same() -> None:
    assert (
        format_command("iam-policy", [], primary_region=Region("us-east-1"))
        == "smrep iam-policy --primary-region us-east-1"
    )


def test_standard_input_is_no_flag() -> None:
    assert format_command("audit", ["-"], flags=["--yes"]) == "smrep audit - --yes"


def test_an_arn_carries_its_region_itself() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b"
    assert format_command("status", [arn], primary_region=Region("us-east-1")) == f"smrep status {arn}"


def test_the_aws_cli_gets_the_endpoint_of_the_region_that_it_is_to_ask() -> None:
    flags = ("--endpoint-url", "http://all", "--endpoint-url", "us-west-2=http://west")
    hint = (
        "  aws secretsmanager describe-secret --secret-id x --region us-west-2\n"
        "  aws kms list-aliases --region us-west-2\n"
        "  aws secretsmanager describe-secret --secret-id x --region us-east-1"
    )
    west, kms, east = with_connection_flags(hint, flags).split("\n")
    assert west.startswith("  aws --endpoint-url http://west secretsmanager ")
    assert kms.startswith("  aws --endpoint-url http://all kms ")
    assert east.startswith("  aws --endpoint-url http://all secretsmanager ")
    assert with_connection_flags(hint, flags[2:]).split("\n")[1:] == hint.split("\n")[1:]
    assert with_connection_flags("  smrep wait x", flags) == (
        "  smrep wait --endpoint-url http://all --endpoint-url us-west-2=http://west x"
    )


def test_every_command_in_a_hint_gets_the_connection() -> None:
    ours = "--profile staging --role-arn arn:aws:iam::1:role/dr --endpoint-url 'http://[::1]:1'"
    theirs = "--profile staging --endpoint-url 'http://[::1]:1'"
    hint = (
        "look at it:\n"
        "  aws secretsmanager describe-secret --secret-id x\n"
        "then:\n"
        "  smrep replicate x -r us-west-2\n"
        "  smrep wait x\n"
        "  aws login"
    )
    assert with_connection_flags(hint, FLAGS) == (
        "look at it:\n"
        f"  aws {theirs} secretsmanager describe-secret --secret-id x\n"
        "then:\n"
        f"  smrep replicate {ours} x -r us-west-2\n"
        f"  smrep wait {ours} x\n"
        "  aws --profile staging login"
    )


@pytest.mark.parametrize(
    "hint",
    [
        "smrep wait x",
        "smrep wait x is not needed; aws kms list-aliases neither:",
        "look at it:\n  echo smrep wait x\n  date -u; aws kms list-aliases",
        "read the runbook:\n  smrep help runbooks stuck",
        "keep the name:\n  smrep-wait x\n  smrep waiting x\n  aws2 kms list-aliases\n   smrep wait x",
    ],
)
def test_only_a_command_on_a_line_of_its_own_gets_the_connection(hint: str) -> None:
    assert with_connection_flags(hint, FLAGS) == hint


def test_a_flag_that_is_there_already_is_not_repeated() -> None:
    hint = "  smrep replicate x --expect-account 123456789012"
    assert with_connection_flags(hint, ("--expect-account", "123456789012")) == hint
    assert with_connection_flags(hint, ()) == hint
    assert with_connection_flags("check the network", FLAGS) == "check the network"


def test_each_command_of_a_hint_keeps_the_flags_that_it_has() -> None:
    hint = "sign in again:\n  aws sso login --profile dev\nthen:\n  smrep wait x\n  smrep list --profile dev"
    assert with_connection_flags(hint, ("--profile", "prod", "--endpoint-url", "http://127.0.0.1:1")) == (
        "sign in again:\n"
        "  aws sso login --profile dev\n"
        "then:\n"
        "  smrep wait --profile prod --endpoint-url http://127.0.0.1:1 x\n"
        "  smrep list --endpoint-url http://127.0.0.1:1 --profile dev"
    )


@pytest.mark.parametrize("command", ["sso login", "login", "configure get credential_process", "configure"])
def test_a_command_about_credentials_gets_no_endpoint(command: str) -> None:
    assert with_connection_flags(f"  aws {command}", ("--profile", "dev", "--endpoint-url", "http://x")) == (
        f"  aws --profile dev {command}"
    )


def test_what_was_typed_is_quoted() -> None:
    assert command_line(["wait", "a b", "--timeout", "5m"]) == "smrep wait 'a b' --timeout 5m"


def test_a_flag_without_its_value_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="zip"):
        with_connection_flags("smrep wait x", FLAGS[:-1])


def test_durations_are_as_typed() -> None:
    assert [duration(each) for each in (0, 1.5, 45, 60, 90, 300, 3600, 5400)] == [
        *("0s", "1.5s", "45s", "1m", "90s", "5m", "1h", "90m")
    ]


def test_of_many_names_the_first_are_told_and_how_many_more_there_are() -> None:
    assert (some_names([]), some_names(["a"]), some_names(list("abcde"))) == ("", "a", "a, b, c, d, e")
    assert (some_names(list("abcdef")), some_names(list("abc"), 1)) == ("a, b, c, d, e and 1 more", "a and 2 more")


def test_a_flag_inside_a_quoted_value_is_none() -> None:
    hint = "to confirm it:\n  smrep replicate -r us-west-2 --tag 'k=x --expect-account 1' --yes"
    flagged = with_connection_flags(hint, ("--expect-account", "123456789012"))
    assert flagged.split("\n")[1].startswith("  smrep replicate --expect-account 123456789012 -r us-west-2 ")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, ""),
        ("alias/aws/secretsmanager", ""),
        ("arn:aws:kms:us-east-1:123456789012:alias/aws/secretsmanager", ""),
        ("alias/app", " --primary-key alias/app"),
    ],
)
def test_the_policy_to_replicate_names_a_key_that_is_not_awss_own(key: str | None, words: str) -> None:
    home, arn = Region("us-east-1"), "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1b2c3"
    command = policy_command(Secret(arn, "db", home, home, kms_key_id=key), [Target(Region("us-west-2"))])
    assert command == f"smrep iam-policy db --primary-region us-east-1 -r us-west-2{words}"


def test_things_are_counted_and_words_quoted_in_one_way() -> None:
    assert [counted(number, "secret") for number in (0, 1, 2)] == ["0 secrets", "1 secret", "2 secrets"]
    assert quoted(["prod/db", "a b"]) == "prod/db 'a b'"
