"""action.yml, used as a workflow uses it: outputs, exit codes, and that no input is ever more than words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from action.runner import ACTION, EXPRESSION, STEPS, Runner, lay_traps, read_outputs
from fixtures import ROOT

Make = Callable[..., Runner]
REPLICATE = "replicate prod/db -r us-west-2"


# the file itself -------------------------------------------------------------------------------


def test_no_script_has_an_expression_in_it() -> None:
    for step in STEPS:
        assert not EXPRESSION.search(step["run"])
        assert "${{" not in step["run"]
        assert step["run"].startswith("set -euo pipefail\n")
        assert subprocess.run(["bash", "-n", "-c", step["run"]], check=False).returncode == 0


def test_what_others_made_is_not_used_or_pinned_by_its_commit() -> None:
    uses = [step["uses"] for step in STEPS if "uses" in step]
    assert all(re.search(r"@[0-9a-f]{40}$", each) for each in uses)


def test_every_input_reaches_a_step_and_every_output_comes_from_one() -> None:
    texts = [value for step in STEPS for value in step.get("env", {}).values()]
    read = {found for text in texts for found in EXPRESSION.findall(text)}
    assert {f"inputs.{name}" for name in ACTION["inputs"]} <= read
    told = {EXPRESSION.fullmatch(each["value"])[1] for each in ACTION["outputs"].values()}
    assert told == {f"steps.tell.outputs.{name}" for name in ACTION["outputs"]}
    assert all(each["description"] for kind in ("inputs", "outputs") for each in ACTION[kind].values())


# what a workflow gets --------------------------------------------------------------------------


@pytest.mark.release
def test_a_good_run_has_its_outputs_and_its_summary(runner: Runner) -> None:
    runner.sandbox.create()
    ended = runner.use(command=REPLICATE)
    assert (ended.code, ended.outputs["result"]) == (0, "ok"), ended.log
    (secret,) = ended.document["secrets"]
    assert [each["status"] for each in secret["replicas"]] == ["InSync"]
    assert Path(ended.outputs["document"]).is_relative_to(runner.temp)
    assert "### smrep replicate: ok\n" in runner.summary
    assert "::error" not in ended.log


@pytest.mark.release
def test_a_replica_that_failed_fails_the_step_and_the_outputs_are_there(make_runner: Make) -> None:
    runner = make_runner(failures={"us-west-2": "no luck"})
    runner.sandbox.create()
    ended = runner.use(command=REPLICATE)
    assert (ended.code, ended.outputs["result"]) == (1, "failed"), ended.log
    assert ended.document["secrets"][0]["replicas"][0]["status"] == "Failed"
    assert "\n::error title=smrep replicate%3A prod/db in us-west-2::no luck" in f"\n{ended.log}"
    assert "### smrep replicate: failed\n" in runner.summary


@pytest.mark.release
def test_the_exit_code_is_smreps(runner: Runner) -> None:
    runner.sandbox.create()
    ended = runner.use(command="audit -r us-west-2")
    assert (ended.code, ended.outputs["result"]) == (5, "drift"), ended.log
    assert ended.document["secrets"]


@pytest.mark.release
def test_a_job_that_is_cancelled_says_how_things_stand(make_runner: Make) -> None:
    runner = make_runner(replication_delay_s=3600.0)
    runner.sandbox.create()
    ended = runner.use(lambda: runner.sandbox.wait_for("ReplicateSecretToRegions"), command=REPLICATE)
    assert (ended.code, ended.outputs["result"]) == (130, "interrupted"), ended.log
    assert ended.document["secrets"]


@pytest.mark.release
def test_each_use_in_a_job_has_its_own_document(runner: Runner) -> None:
    runner.sandbox.create()
    first, second = runner.use(command=REPLICATE), runner.use(command="smrep status nowhere")
    assert [first.code, second.code] == [0, 1]
    assert [first.document["command"], second.document["command"]] == ["replicate", "status"]


@pytest.mark.release
def test_names_come_by_standard_input(runner: Runner) -> None:
    for name in ("prod/a", "prod/b"):
        runner.sandbox.create(name)
    ended = runner.use(command="replicate - -r us-west-2", stdin="prod/a\nprod/b\n")
    assert (ended.code, len(ended.document["secrets"])) == (0, 2), ended.log


@pytest.mark.release
def test_what_is_no_document_is_kept_and_has_no_result(runner: Runner) -> None:
    ended = runner.use(command="iam-policy prod/db -r us-west-2 --expect-account 123456789012")
    assert (ended.code, ended.outputs["result"]) == (0, ""), ended.log
    assert '"Statement"' in Path(ended.outputs["document"]).read_text()


@pytest.mark.release
@pytest.mark.parametrize("command", ["replicate prod/db -r us-west-2 --force-overwrite", "remove prod/db -r us-west-2"])
def test_a_question_is_answered_by_nobody(runner: Runner, command: str) -> None:
    runner.sandbox.create()
    runner.sandbox.create(region="us-west-2") if "force" in command else runner.use(command=REPLICATE)
    ended = runner.use(command=command, stdin="prod/db\n")
    assert (ended.code, ended.outputs["result"]) == (2, "usage"), ended.log


# inputs are words ------------------------------------------------------------------------------

HOSTILE = [
    "; touch {}",
    "$(touch {})",
    "`touch {}`",
    "| touch {}",
    "&& touch {} #",
    "\ntouch {}\n",
    "\r\ntouch {}\r\n",
    "' ; touch {} ; '",
    '"$(touch {})"',
    "> {}",
    "<(touch {})",
    "${{x:-$(touch {})}}",
    "$'\\n'touch {}",
    "%0Atouch {}",
]


@pytest.mark.release
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_command_is_run(runner: Runner, text: str) -> None:
    proof = runner.job / "proof"
    ended = runner.use(command=f"status prod/db {text.format(proof)}")
    assert ended.code in (1, 2), ended.log
    assert not proof.exists()
    assert not list(runner.workspace.iterdir())


@pytest.mark.release
def test_nothing_in_another_input_is_run(runner: Runner) -> None:
    proof = runner.job / "proof"
    for text in HOSTILE:
        ended = runner.use(command="status prod/db", version=text.format(proof))
        assert (ended.code, ended.log) == (2, "::error title=smrep::the input 'version' is no version\n")
    ended = runner.use(command="status -", stdin="\n".join(each.format(proof) for each in HOSTILE))
    assert ended.code in (1, 2), ended.log
    assert not proof.exists()
    assert not list(runner.workspace.iterdir())


@pytest.mark.release
def test_words_are_as_in_a_shell_and_not_expanded(runner: Runner) -> None:
    ended = runner.use(command=r"""sandbox exec -- printf '%s\n' 'a b' "c 'd" e\"f ''  $HOME ~ * {g,h} #i $(j) ;""")
    assert ended.code == 0, ended.log
    words = Path(ended.outputs["document"]).read_text().splitlines()
    assert words == ["a b", "c 'd", 'e"f', "", "$HOME", "~", "*", "{g,h}", "#i", "$(j)", ";"]


@pytest.mark.release
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "the input 'command' is empty"),
        (" \n ", "the input 'command' is empty"),
        ("smrep", "the input 'command' is empty"),
        ("status 'prod/db", "the input 'command' can't be taken apart: no closing quotation"),
        ("status prod/db\\", "the input 'command' can't be taken apart: no escaped character"),
    ],
)
def test_a_command_that_is_none_is_refused(runner: Runner, command: str, said: str) -> None:
    ended = runner.use(command=command)
    assert (ended.code, ended.log) == (2, f"::error title=smrep::{said}\n")
    assert ended.outputs == {"result": "", "document": ""}


@pytest.mark.release
def test_a_name_on_standard_input_is_never_an_option(runner: Runner) -> None:
    runner.sandbox.create()
    runner.sandbox.create(region="us-west-2")
    for name in ("--force-overwrite", "prod/db --force-overwrite --yes", "prod/db\n--force-overwrite\n--yes"):
        ended = runner.use(command="replicate - -r us-west-2", stdin=name)
        assert ended.code in (1, 2), ended.log
    assert not runner.sandbox.log("ReplicateSecretToRegions")


@pytest.mark.release
@pytest.mark.parametrize("name", ["x\nresult=ok", "x\r\nresult=ok", "x\nresult<<E\nok\nE", "result=ok", "::error::x"])
def test_a_name_adds_no_output_and_no_workflow_command(runner: Runner, name: str) -> None:
    ended = runner.use(command=f"status '{name}' nowhere")
    assert ended.outputs["result"] in ("failed", "usage")
    assert ended.document
    assert all(line.startswith("::error title=") for line in ended.log.splitlines() if line.lstrip().startswith("::"))
    assert "##[" not in ended.log


def test_the_test_reads_outputs_as_the_runner_does() -> None:
    assert read_outputs("a=1\nb<<E\n2\n3\nE\na=4=5\n") == {"a": "4=5", "b": "2\n3"}


# how it is installed ---------------------------------------------------------------------------


@pytest.mark.release
def test_it_is_the_actions_own_checkout_and_nothing_of_the_workspace_is_imported(runner: Runner) -> None:
    """It was installed in a workspace with traps too."""
    lay_traps(runner.workspace)
    runner.sandbox.create()
    ended = runner.use(command="status prod/db")
    assert ended.code == 0, ended.log
    (installed,) = runner.temp.glob("smrep-action/lib/*/site-packages/smrep")
    assert (installed / "cli/root.py").read_text() == (ROOT / "smrep/cli/root.py").read_text()


@pytest.mark.release
def test_a_given_version_comes_from_the_index_of_pip(fresh: Runner) -> None:
    wheels = fresh.job / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT]
    subprocess.run(build, check=True)
    (wheel,) = wheels.iterdir()
    version = wheel.name.split("-")[1]
    fresh.extra = {"PIP_FIND_LINKS": str(wheels)}
    fresh.sandbox.create()
    ended = fresh.use(command="status prod/db", version=version)
    assert (ended.code, ended.outputs["result"]) == (0, "ok"), ended.log
    ended = fresh.use(command="status prod/db", version=f"{version}.1")
    assert ended.code == 1
    assert ended.outputs == {"result": "", "document": ""}


@pytest.mark.release
def test_a_version_that_is_none_is_refused_before_anything_is_installed(fresh: Runner) -> None:
    ended = fresh.use(command="help", version="0.1.0 --pre")
    assert (ended.code, ended.log) == (2, "::error title=smrep::the input 'version' is no version\n")
    assert ended.outputs == {"result": "", "document": ""}
    assert not list(fresh.temp.iterdir())


@pytest.mark.release
def test_an_old_python_is_told(fresh: Runner) -> None:
    (old := fresh.job / "python3").write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o700)
    fresh.extra = {"PATH": f"{fresh.job}:{fresh.sandbox.env['PATH']}"}
    ended = fresh.use(command="help")
    assert ended.code == 2
    assert "older than 3.11" in ended.log
