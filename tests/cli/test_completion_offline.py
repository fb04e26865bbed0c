"""What completion offers without any call: Regions that can still be meant, profiles, files, operations."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import Sandbox

from smrep.cli.completion_values import profile_names, profile_region
from smrep.cli.shell_completion import escaped, split, without_redirections
from smrep.regions import KNOWN

ARN = "arn:aws:secretsmanager:us-west-1:123456789012:secret:prod/db-a1b2c3"
Offered = Callable[..., list[str]]


@pytest.fixture
def offered(sandbox: Sandbox) -> Offered:
    """Return a function that tells what is offered for the last word of a line; nothing is ever called for it."""

    def ask(line: str, **env: str | None) -> list[str]:
        words = ["smrep", *line.split(" ")]
        done = sandbox.smrep(*words, _SMREP_COMPLETE="fish_complete", **env)
        assert (done.code, done.err) == (0, "")
        assert sandbox.simulator.log == []
        return [each.split("\t")[1] for each in done.out.splitlines() if each.startswith("plain\t")]

    return ask


def test_the_primarys_region_is_no_replica_region(offered: Offered) -> None:
    assert offered("replicate x -r us-e") == ["us-east-2"]
    assert offered("replicate x -r us-e", AWS_REGION=None) == ["us-east-2"]
    assert offered("replicate x -r us-e", SMREP_PRIMARY_REGION="us-east-2") == ["us-east-1"]
    assert offered("replicate x --primary-region us-west-1 -r us-w") == ["us-west-2"]
    assert offered(f"replicate {ARN} -r us-w") == ["us-west-2"]
    assert offered(f"rekey {ARN} -r us-w") == ["us-west-2"]
    assert offered(f"replicate -r eu-west-1 {ARN} -r us-w") == ["us-west-2"]
    assert offered("iam-policy x -r us-e") == ["us-east-2"]


def test_a_promotion_may_be_where_the_environment_leads(offered: Offered) -> None:
    assert offered("promote x -r us-e") == ["us-east-1", "us-east-2"]
    assert offered("promote x --primary-region us-east-2 -r us-e") == ["us-east-1"]


def test_no_region_is_offered_twice(offered: Offered) -> None:
    assert offered("status x -r us-west-2,us-w") == ["us-west-2,us-west-1"]
    assert offered("status x -r us-west-2 --region us-w") == ["us-west-1"]
    assert offered("replicate x -r us-west-2=alias/a,us-w") == ["us-west-2=alias/a,us-west-1"]
    assert offered("status x -r us-west-2,us-west-1,us-w") == []
    assert offered("status x -r us-wset-2 -r us-w") == ["us-west-1", "us-west-2"]
    assert offered("status x -r us-west-2 --primary-region us-w") == ["us-west-1"]
    assert offered("status x -r us-west-2 --region=us-w") == ["--region=us-west-1"]
    assert offered("status x -r us-west-2 -rus-w") == ["-rus-west-1"]


def test_only_regions_that_replicate_with_each_other(offered: Offered) -> None:
    assert offered("status x -r cn-north-1,", AWS_REGION=None, AWS_DEFAULT_REGION=None) == ["cn-north-1,cn-northwest-1"]
    everywhere = offered("status x -r ", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert everywhere == list(KNOWN)
    assert not any(each.startswith(("cn-", "us-gov")) for each in offered("status x -r "))


def test_no_option_is_mistaken_for_a_region(offered: Offered) -> None:
    assert offered("status x -- -rus-w") == []
    assert offered("status x -qus-w") == []
    assert "--region" in offered("status x --re")


def test_the_sandboxs_options(offered: Offered) -> None:
    assert offered("sandbox start --outage eu-no") == ["eu-north-1"]
    assert offered("sandbox start --fail eu-no") == ["eu-north-1"]
    assert offered("sandbox start --drop-answer ReplicateS") == ["ReplicateSecretToRegions"]
    assert offered("sandbox start --deny ListAl") == ["ListAliases"]
    assert offered("sandbox start --deny ListAliases=eu-no") == ["ListAliases=eu-north-1"]


def test_what_turns_an_option_off_is_not_explained_as_turning_it_on(sandbox: Sandbox) -> None:
    done = sandbox.smrep("smrep", "replicate", "--no-w", _SMREP_COMPLETE="zsh_complete")
    assert done.out == "plain\t--no-wait\tThe opposite of --wait.\n"


@pytest.mark.parametrize(
    "line",
    [
        "plan -f x",
        "plan --file=x",
        "merge x",
        "merge a.json x",
        "merge a.json --report x",
        "apply --journal x",
        "audit --report x",
        "sandbox start --log x",
        "sandbox exec -- x",
    ],
)
def test_files_are_left_to_the_shell(sandbox: Sandbox, line: str) -> None:
    done = sandbox.smrep("smrep", *line.split(), _SMREP_COMPLETE="zsh_complete")
    assert done.out == f"file\t{'--file=' if '=' in line else ''}\t\n"


CONFIG = """
[default]
region = eu-west-1
[profile dev]
s3 =
  max_concurrent_requests = 20
region = us-west-2
[profile "two words"]
[profile broken "quote]
[profile a b]
[other]
[sso-session corp]
[profile dev]
output = json
[DEFAULT]
region = ap-south-1
"""


@pytest.fixture
def aws(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[default]\n[plain one]\n[dev]\naws_access_key_id=%(x)s\n")
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


def test_profiles_are_those_of_both_files(offered: Offered, aws: dict[str, str]) -> None:
    names = ["default", "dev", "two words", "plain one"]
    assert profile_names(aws) == names
    assert offered("list --profile ", **aws) == names
    assert offered("list --profile d", **aws) == ["default", "dev"]
    assert offered("list --profile=dev", **aws) == ["--profile=dev"]


def test_a_profiles_region_is_where_the_primary_lives(offered: Offered, aws: dict[str, str]) -> None:
    unset = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    assert (profile_region(None, aws), profile_region("dev", aws), profile_region("x", aws)) == (
        "eu-west-1",
        "us-west-2",
        None,
    )
    assert profile_region(None, {**aws, "AWS_PROFILE": "dev"}) == "us-west-2"
    assert offered("replicate x --profile dev -r us-w", **aws, **unset) == ["us-west-1"]
    assert offered("replicate x --profile dev -r us-w", **aws) == ["us-west-1", "us-west-2"]


@pytest.mark.parametrize(
    "text", [b"no section", b"[profile x]\nnonsense\n[profile y", b"\xff\xfe\x00", b"[]\n[profile", b""]
)
def test_a_file_that_is_none_is_read_as_far_as_it_goes(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "config").write_bytes(text)
    env = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path)}
    assert profile_names(env) == (["x"] if b"x]" in text else [])
    assert profile_region("x", env) is None


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe = str(tmp_path / "pipe")
    assert profile_names({"AWS_CONFIG_FILE": pipe, "AWS_SHARED_CREDENTIALS_FILE": pipe}) == []


LINES = {
    "": [("", "")],
    "a ": [("a", ""), ("", "")],
    "a 'b c' d": [("a", ""), ("b c", ""), ("d", "")],
    "a 'b c": [("a", ""), ("b c", "'")],
    'a "b \\" c': [("a", ""), ('b " c', '"')],
    'a "b\\n': [("a", ""), ("b\\n", '"')],
    "a b\\ c\\": [("a", ""), ("b c", "")],
    "a=\"b\"'c'd": [("a=bcd", "")],
}


@pytest.mark.parametrize(("line", "words"), LINES.items())
def test_a_line_is_split_as_bash_would(line: str, words: list[tuple[str, str]]) -> None:
    found = split(line)
    assert [(each.text, each.quote) for each in found] == words
    assert [each.raw for each in found][-1] in line


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("text", ["plain", "a b", "$(x)`y`", 'it\'s "q"\\', "!é~#*?[{;&|<>("])
def test_what_is_escaped_reads_the_same_again(text: str, quote: str) -> None:
    assert split(quote + escaped(text, quote) + quote)[-1].text == text


def test_redirections_are_no_words_of_the_program() -> None:
    def kept(line: str) -> list[str] | None:
        words = without_redirections(split(line))
        return None if words is None else [each.text for each in words]

    assert kept("smrep a >out b") == ["smrep", "a", "b"]
    assert kept("smrep a 2> out b") == ["smrep", "a", "b"]
    assert kept("smrep a '>' b") == ["smrep", "a", ">", "b"]
    assert kept("smrep a > o") is None
    assert kept("smrep a &>>o") is None
