"""`smrep replicate` over real boto3 and HTTP: deadlines, signals and throttling, and the command that goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.sandbox.faults import Drop, Faults

Make = Callable[..., Sandbox]


def test_a_lost_answer_is_looked_for(make_sandbox: Make) -> None:
    sandbox = make_sandbox(drops=(Drop("ReplicateSecretToRegions", "after"),))
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["changed"]) == (0, True)
    assert len(sandbox.log("ReplicateSecretToRegions")) == 1


def test_no_wait_is_exit_0_and_pending(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2", "--no-wait", "--json")
    assert (done.code, done.document["result"]) == (0, "pending")
    assert done.document["secrets"][0]["replicas"][0]["status"] == "InProgress"
    assert done.document["error"] is None


def test_the_deadline_names_every_open_region_and_the_flag(make_sandbox: Make) -> None:
    sandbox = make_sandbox(replication_delay_by_region={"eu-west-1": 60, "sa-east-1": 60})
    sandbox.create()
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1,sa-east-1", "--timeout", "1s", "--json")
    assert (done.code, done.document["result"]) == (3, "pending")
    error = done.document["error"]
    assert error["code"] == "Timeout"
    assert "prod/db eu-west-1 (InProgress), prod/db sa-east-1 (InProgress)" in error["message"]
    assert "us-west-2" not in error["message"]
    assert "--timeout" in error["hint"]
    assert "smrep wait prod/db --primary-region us-east-1 -r eu-west-1 -r sa-east-1" in error["hint"]


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_waiting(make_sandbox: Make, number: signal.Signals, code: int) -> None:
    sandbox = make_sandbox(replication_delay_s=60)
    sandbox.create()
    process = sandbox.start("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    sandbox.wait_for("ReplicateSecretToRegions")
    sandbox.wait_for("DescribeSecret", 5)  # the primary, two targets, two polls
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    from fixtures import Done

    document: dict[str, Any] = Done(process.returncode, out, err).document
    assert (process.returncode, document["result"]) == (code, "interrupted")
    assert "stopped waiting; AWS goes on replicating" in err
    assert "smrep wait prod/db --primary-region us-east-1 -r us-west-2 -r eu-west-1" in err
    assert "Traceback" not in err


def test_throttling_for_ever_names_the_command_that_tries_again(make_sandbox: Make) -> None:
    sandbox = make_sandbox(write_quota=0)
    sandbox.simulator.faults = Faults()
    sandbox.create()
    sandbox.key("alias/dr")
    sandbox.simulator.faults = Faults(write_quota=0)
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "--timeout", "1s", "--json")
    assert done.code == 3
    assert done.document["error"]["hint"].startswith(
        "to resume:\n  smrep replicate prod/db --primary-region us-east-1 -r us-west-2="
    )
    assert "goes on" not in done.err


@pytest.mark.process
def test_an_interrupt_while_still_loading_is_130(sandbox: Sandbox) -> None:
    code = (
        "import sys, importlib.abc\n"
        "class Interrupt(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from smrep.__main__ import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=sandbox.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
