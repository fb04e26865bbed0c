"""Fixtures for all folders: a FakeAws, and smrep in this process or as its own against a sandbox."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import botocore_once
import jsonschema
import pytest
from fakes import FakeAws
from hypothesis import Phase, settings
from patience import PATIENCE_S, wait_until
from simulated_time import SharedClock, simulated

from smrep.aws.allow_list import WRITES
from smrep.cli import main as entry
from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

# Chosen by `pytest --hypothesis-profile`: `quick` and `thorough` try the same examples in every run, `search` new ones.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("search", deadline=None, max_examples=1000)
# The examples of `quick`. `make mutation` asks only whether a test fails, so it needs no smallest example of it.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, max_examples=10, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("quick")

botocore_once.share()

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parent.parent
RECORDED = Path(os.environ.get("SMREP_RECORDED", ROOT.parent / "shared/data/aws-recorded"))
"""Answers that AWS gave, recorded; no part of the repository."""
NEEDS_RECORDED = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"NO RECORDED ANSWERS OF AWS AT {RECORDED}: SMREP_RECORDED names their folder"
)
SCHEMA = json.loads((ROOT / "smrep/output/document.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)  # made once: to check the schema itself takes half a test's time


def examples(count: int) -> settings:
    """Return the settings of a property test that tries `count` examples where others try 100.

    The profile decides how many that is: `quick` tries a tenth of them, `search` ten times as many.
    """
    return settings(max_examples=max(3, count * settings().max_examples // 100))


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@dataclass
class Done:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output, which fits the schema and the exit code."""
        document: dict[str, Any] = json.loads(self.out)
        VALIDATOR.validate(document)
        assert document["exit_code"] == self.code, document
        return document

    @property
    def rows(self) -> list[list[str]]:
        """The cells of each line of text output."""
        return [line.split("\t") for line in self.out.splitlines()]


def commands_in(hint: str) -> list[str]:
    """Return the commands of a hint: its indented lines."""
    return [line.removeprefix("  ") for line in hint.splitlines() if line.startswith("  ")]


def _without_none(env: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in env.items() if value is not None}


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _done(code: int, out: str, err: str) -> Done:
    assert "Traceback" not in err, err
    return Done(code, out, err)


@dataclass
class Sandbox:
    """A sandbox server with the environment that leads there, and smrep as a process in it."""

    simulator: Simulator
    url: str
    clock: SharedClock = field(default_factory=SharedClock)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process of its own, for which time is real."""
        self.clock.run_in_real_time()
        return self._env

    @property
    def _env(self) -> dict[str, str]:
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def smrep(self, *words: str, stdin: str | None = None, **env: str | None) -> Done:
        """Run smrep to its end in this process, over real HTTP, in the sandbox's time; None removes a variable."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(2))
        with (
            simulated(self.clock) if self.clock.is_simulated else contextlib.nullcontext(),
            mock.patch.dict(os.environ, _without_none({**self._env, **env}), clear=True),
            mock.patch.object(sys, "stdin", io.StringIO(stdin or "")),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = entry.run(words, self.clock)
        return _done(code, *(_text(each) for each in (out, err)))

    def process(self, *words: str, **env: str | None) -> Done:
        """Run smrep to its end as a process of its own."""
        done = subprocess.run(
            [BIN / "smrep", *words],
            env=_without_none({**self.env, **env}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return _done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start smrep and leave it running."""
        return subprocess.Popen(
            [BIN / "smrep", *words],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, operation: str, region: str = "us-east-1", service: str = "secretsmanager", **params: Any) -> Any:
        return self.simulator.call(service, operation, region, params)

    def create(self, name: str = "prod/db", region: str = "us-east-1", **params: Any) -> str:
        return str(self.call("CreateSecret", region, Name=name, SecretString="s3cret", **params)["ARN"])

    def key(self, alias: str | None = None, region: str = "us-west-2", **params: Any) -> str:
        """Make a KMS key, with an alias where one is given; return its ARN."""
        metadata = self.call("CreateKey", region, service="kms", **params)["KeyMetadata"]
        if alias:
            self.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
        return str(metadata["Arn"])

    def log(self, operation: str) -> list[Any]:
        return [call for call in self.simulator.log if call.operation == operation]

    def wait_for(self, operation: str, count: int = 1) -> None:
        """Return when so many such calls have arrived."""
        wait_until(lambda: len(self.log(operation)) >= count, f"{count} {operation}")

    def has_looked(self) -> bool:
        """Return whether smrep has looked at a secret since the last write."""
        operations = [call.operation for call in self.simulator.log]
        writes = [number for number, operation in enumerate(operations) if operation in WRITES]
        return bool(writes) and "DescribeSecret" in operations[writes[-1] :]

    def pass_time(self, seconds: float = 7200.0) -> None:
        """Let time pass in AWS at once, also for processes, so that what is in progress comes to its end."""
        self.clock.skip_to(self.clock.time + seconds)


@pytest.fixture
def make_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Return a function that starts a sandbox with the faults given; replication takes no time by default."""
    servers: list[SandboxServer] = []

    def make(**faults: Any) -> Sandbox:
        faults.setdefault("replication_delay_s", 0.0)
        clock = SharedClock()
        simulator = Simulator(now=clock.wall, rng=random.Random(3), faults=Faults(**faults))
        server = SandboxServer(simulator)
        server.start()
        servers.append(server)
        return Sandbox(simulator, server.url, clock)

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox()
