"""What keeps an acceptance run harmless: its options, its prefix, its masks; and that it is asleep without --live."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fixtures import BIN, ROOT
from live.account import Account, Answer, NotOurs
from live.cleanup import command
from live.mask import MISSING_KEY, mask
from live.options import add_options, settings_of
from live.questions import QUESTIONS
from live.steps import STEPS

KEY = "12345678-aaaa-bbbb-cccc-1234567890ab"


class Given:
    """A command line's options."""

    def __init__(self, **options: Any) -> None:
        defaults = {"--live-report": "r.json", "--live-patience": "5m", "--live-watch": "60s"}
        self.options = {"--live-kms-key": [], "--live-bad-key": [], **defaults}
        self.options |= {f"--{name.replace('_', '-')}": value for name, value in options.items()}

    def getoption(self, name: str, default: Any = None) -> Any:
        return self.options.get(name if name.startswith("--") else f"--{name}", default)


def settings(**options: Any) -> Any:
    return settings_of(Given(**options))  # type: ignore[arg-type]


def test_what_a_run_is_asked() -> None:
    found = settings(regions="us-east-1, us-west-2,eu-west-1", live_kms_key=["us-west-2=alias/dr"])
    assert (found.primary, found.replicas) == ("us-east-1", ("us-west-2", "eu-west-1"))
    assert (found.keys, found.patience_s, found.watch_s) == ((("us-west-2", "alias/dr"),), 300.0, 60.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "--live needs --regions; name the primary's first"),
        ({"regions": "us-east-1"}, "needs a Region to replicate to"),
        ({"regions": "us-east-1,us-wset-2"}, "did you mean us-west-2"),
        ({"regions": "us-east-1,us-east-1"}, "twice"),
        ({"regions": "us-east-1,cn-north-1"}, "partitions"),
        ({"regions": "us-east-1,us-west-2", "live_patience": "soon"}, "--live-patience: 'soon' is not a duration"),
        ({"regions": "us-east-1,us-west-2", "live_kms_key": ["eu-west-1=alias/dr"]}, "wants REGION=KEY"),
        ({"regions": "us-east-1,us-west-2", "live_bad_key": ["us-west-2"]}, "wants REGION=KEY"),
        ({"regions": "us-east-1,us-west-2", "numprocesses": 2}, "one process"),
    ],
)
def test_what_is_asked_wrongly_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(said)):
        settings(**options)


@pytest.mark.parametrize("named", ["prod/db", "", "smrep-live-00000000/x", "x/smrep-live-", "arn:aws:x:secret:prod/db"])
def test_no_call_leaves_the_prefix(named: str) -> None:
    account = Account(["us-east-1"])
    with pytest.raises(NotOurs):
        account.call("DeleteSecret", "us-east-1", SecretId=named)
    assert account.clients == {}


def test_other_services_are_only_read() -> None:
    account = Account(["us-east-1"])
    with pytest.raises(NotOurs):
        account.ask("kms", "DisableKey", "us-east-1", KeyId="x")
    with pytest.raises(NotOurs):
        account.ask("secretsmanager", "DeleteSecret", "us-east-1", SecretId="prod/db")
    assert account.clients == {}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b",
            "arn:aws:secretsmanager:us-east-1:************:secret:a-b",
        ),
        (
            "User: arn:aws:sts::123456789012:assumed-role/Admin/me@example.org is not authorized",
            "User: arn:aws:sts::<principal> is not authorized",
        ),
        (
            f"KMS: no (Service: AWSKMS; Request ID: {KEY}; Proxy: null)",
            "KMS: no (Service: AWSKMS; Request ID: <id>; Proxy: null)",
        ),
        (
            f"Key 'arn:aws:kms:eu-west-1:123456789012:key/{KEY}' is off",
            "Key 'arn:aws:kms:eu-west-1:************:key/<id>' is off",
        ),
        (f"key {MISSING_KEY} does not exist", f"key {MISSING_KEY} does not exist"),
        ("key alias/of-theirs is off", "key <key> is off"),
        ("access key AKIAIOSFODNN7EXAMPLE", "access key <id>"),
        ("Secret with this name already exists in this region", "Secret with this name already exists in this region"),
    ],
)
def test_masks_hide_whose_it_is_and_keep_the_words(said: str, shown: str) -> None:
    assert mask(said, ["alias/of-theirs"]) == shown


def test_masks_reach_everywhere() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    given = {"123456789012": ["123456789012", {"x": (KEY, 1.23456, None, True, at)}]}
    shown = ["<id>", 1.23, None, True, "2026-11-24T00:00:00+00:00"]
    assert mask(given) == {"************": ["************", {"x": shown}]}


def test_the_command_for_what_is_left_takes_the_replicas_first() -> None:
    assert command("x/a", "us-east-1").startswith("aws secretsmanager delete-secret --secret-id x/a ")
    replica = Answer({"PrimaryRegion": "eu-west-1"})
    assert command("x/a", "us-east-1", replica).startswith("aws secretsmanager stop-replication-to-replica ")
    primary = Answer({"PrimaryRegion": "us-east-1", "ReplicationStatus": [{"Region": "us-west-2"}]})
    assert command("x/a", "us-east-1", primary).startswith("smrep remove x/a -r us-west-2 --primary-region us-east-1 ")


@pytest.mark.process
def test_without_live_one_line_is_skipped_and_nothing_is_loaded() -> None:
    code = (
        "import sys, pytest; code = pytest.main(sys.argv[1:]);"
        "print('loaded:', *{'boto3', 'live.run'} & set(sys.modules)); sys.exit(code)"
    )
    words = ["-p", "no:cacheprovider", "-p", "no:xdist", "tests/live"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env={"PATH": str(BIN)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "pytest --live --regions us-east-1,us-west-2" in line
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_steps_and_questions_have_names_of_their_own() -> None:
    names = [each.name for each in (*STEPS, *QUESTIONS)]
    assert len(set(names)) == len(names)
    assert {step.after for step in STEPS} - {None} <= {step.name for step in STEPS}


def test_the_page_names_every_option() -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    options = {name for group in parser._groups for option in group.options for name in option.names()}
    page = (ROOT / "docs/live.md").read_text()
    assert set(re.findall(r"--(?:live|regions)[a-z-]*", page)) == options


def test_the_report_is_not_committed() -> None:
    assert "live-report.json*" in Path(ROOT / ".gitignore").read_text().splitlines()
