"""One acceptance run: announces itself, takes its steps, asks its questions, always cleans up, and reports."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
from pathlib import Path
from typing import Any

import pytest
from live.account import Account
from live.cleanup import Cleanup, Left, command
from live.options import Settings, settings_of
from live.question_run import QuestionRun
from live.questions import QUESTIONS, Question
from live.report import NotAsked, Report
from live.steps import Step
from live.walkthrough import Walkthrough

import smrep

FOLDER = Path(__file__).parent
SECRET_HOUR_USD = 0.40 / 730
"""Price of a secret, and of a replica, for an hour. Source: aws-behavior.md 3 'Pricing'."""


def start(config: pytest.Config) -> None:
    """Make a run of what the command line asks for; what it asks wrongly is a usage error."""
    config.pluginmanager.register(LiveRun(config, settings_of(config)), "live-run")


class LiveRun:
    """The run, as a plug-in of pytest's."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config, self.settings = config, settings
        self.account = Account(list(settings.regions))
        self.walk = Walkthrough(self.account, settings)
        keys = tuple(key for _, key in (*settings.keys, *settings.bad_keys))
        self.report = Report(
            settings.report, {}, private=tuple(key for key in keys if key != "alias/aws/secretsmanager")
        )
        self.left: list[Left] = []

    # what the tests call

    def take(self, step: Step) -> None:
        """Take a step of the walk; skip it where what it builds on did not come about."""
        with self.report.entry(self.report.steps, "passed", "failed", step=step.name) as entry:
            if step.after is not None and step.after not in self.walk.passed:
                pytest.skip(f"builds on {step.after}")
            self.walk.entry = entry
            step.walk(self.walk)
            self.walk.passed.add(step.name)

    def put(self, question: Question) -> None:
        """Put a question; one that can't be put, or that errs, is skipped loudly and fails nothing."""
        about = {"question": question.name, "asks": question.asks, "settles": question.settles}
        inquiry = QuestionRun(self.account, self.settings, question.name)
        why = ""
        try:
            with self.report.entry(self.report.questions, "answered", "not answered", **about) as entry:
                entry |= {"answer": None, "figures": inquiry.figures, "seen": inquiry.seen}
                entry["answer"] = question.ask(inquiry)
        except NotAsked as error:
            why = f"not asked: {error}"
        except Exception as error:  # noqa: BLE001 - a question that errs is a gap in the report, not a failure
            why = f"not answered: {type(error).__name__}: {error}"
        if why:
            pytest.skip(why)

    # what pytest calls

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave every other test alone: none of them is meant for a real account."""
        return True if collection_path.is_file() and FOLDER not in collection_path.parents else None

    def pytest_sessionstart(self) -> None:
        """Say who pays for what before anything is made."""
        if self.config.option.collectonly:
            return
        import botocore

        account_id = self._account_id()
        self.report.head = {
            "smrep_version": smrep.__version__,
            "botocore_version": botocore.__version__,
            "python_version": platform.python_version(),
            "endpoint": "an override: a rehearsal" if self.account.rehearsing else "AWS",
            "account_id": account_id,
            "regions": self.settings.regions,
            "prefix": self.account.prefix,
        }
        self.report.save()
        secrets = 2 + 2 * len(QUESTIONS)
        cost = max(secrets * len(self.settings.regions) * SECRET_HOUR_USD, 0.01)
        self._say(
            f"live: makes up to {secrets} secrets {self.account.prefix}... in {self.settings.primary}, account "
            f"********{account_id[-4:]}, with replicas in {', '.join(self.settings.replicas)};"
        )
        self._say(
            f"      about ${cost:.2f} at $0.40 a secret and month; all are deleted at the end, also after Ctrl-C. "
            f"Report: {self.settings.report}"
        )
        for each in (signal.SIGTERM, signal.SIGHUP):  # to be stopped so is to be interrupted, and cleaned up after
            signal.signal(each, signal.default_int_handler)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Clean up, whatever has happened, and finish the report."""
        if self.account.made:
            self._clean_up()
            self.report.cleaned_up = not self.left
            self.report.left = [{"name": each.name, "region": each.region, "why": each.why} for each in self.left]
            self.report.save()
            if self.left:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.account.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the answers, and what is left."""
        if not self.account.made:
            return
        terminalreporter.section("what was seen")
        document = self.report.document
        for each in document["questions"]:
            terminalreporter.write_line(f"{each['asks']}: {each['answer'] or each.get('why', each['outcome'])}")
        outcomes = [each["outcome"] for each in (*document["steps"], *document["questions"])]
        counts = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
        terminalreporter.write_line(f"steps and questions: {counts}; report: {self.settings.report}")
        if not self.left:
            terminalreporter.write_line(f"nothing is left under {self.account.prefix}")
        for each in self.left:
            terminalreporter.write_line(f"LEFT: {each.name} in {each.region}: {each.why}", red=True)
            terminalreporter.write_line(f"      {each.command}")

    def _account_id(self) -> str:
        """Ask whose account it is.

        Raises:
            pytest.UsageError: nobody is known, or somebody else than expected.

        """
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            found = boto3.Session().get_credentials()
        except BotoCoreError as error:
            raise pytest.UsageError(f"--live needs credentials: {error}") from error
        if found is None:
            raise pytest.UsageError("--live needs credentials, and there are none: AWS_PROFILE=NAME pytest --live ...")
        answer = self.account.ask("sts", "GetCallerIdentity", self.settings.primary)
        if not answer.ok:
            raise pytest.UsageError(f"--live: AWS does not know these credentials: {answer.text}")
        account_id, expected = str(answer.body["Account"]), os.environ.get("SMREP_EXPECT_ACCOUNT")
        if expected and expected != account_id:
            raise pytest.UsageError(f"--live: these credentials are of account {account_id}, not of {expected}")
        return account_id

    def _clean_up(self) -> None:
        self._say("\nlive: cleaning up; removed replicas take AWS a minute or two ...")
        sweep = Cleanup(self.account, self.settings.patience_s)
        try:
            self.left = sweep.run()
        except KeyboardInterrupt:
            self.left = sweep.left()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the secrets must be named
            why = f"cleaning up broke off: {type(error).__name__}: {error}"
            pairs = [(name, region) for name in self.account.made for region in self.account.regions]
            self.left = [Left(name, region, why, command(name, region)) for name, region in pairs]

    def _say(self, line: str) -> None:
        """Print a line past pytest's capturing; a terminal that is gone must not keep the secrets from going too."""
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        with contextlib.suppress(OSError):
            reporter.write_line(line)
