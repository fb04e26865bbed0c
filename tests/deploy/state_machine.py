"""Runs the state machine of deploy/step-functions: moto interprets it, and each Fargate task is a process here."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, cast
from unittest import mock

import boto3
from botocore import handlers
from cfnlint.decode import decode
from fixtures import ROOT, Sandbox
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

FOLDER = ROOT / "deploy/step-functions"
BUCKET = "fleet"
SUBSTITUTED = {"Bucket": BUCKET, "Cluster": "smrep", "Task": "smrep:1", "Subnets": "subnet-1", "SecurityGroups": "sg-1"}


def template() -> Any:
    """Return the template, with CloudFormation's functions as objects."""
    document, mistakes = decode(str(FOLDER / "template.yaml"))
    assert mistakes == []
    return document


def definition() -> str:
    """Return the definition of the state machine, deployed, and with waits a thirtieth as long."""
    machine = template()["Resources"]["StateMachine"]["Properties"]
    assert machine["DefinitionSubstitutions"].keys() == SUBSTITUTED.keys()
    text = json.dumps(machine["Definition"])
    for name, value in SUBSTITUTED.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    return text.replace('"IntervalSeconds": 30', '"IntervalSeconds": 1')


@dataclass
class Fargate:
    """Starts tasks. A task's container is task.py, with the environment that the template gives it."""

    env: Mapping[str, str]
    folder: Path
    killed: frozenset[str] = frozenset()
    """Indexes of accounts whose tasks end before they write anything."""
    tasks: list[subprocess.Popen[bytes]] = field(default_factory=list)
    runs: list[tuple[str, str]] = field(default_factory=list)
    """(command, index of the account) of each task."""
    lock: Lock = field(default_factory=Lock)

    def start(self, request: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        """Start a task as Step Functions asks for it."""
        assert (request["Cluster"], request["TaskDefinition"], request["LaunchType"]) == ("smrep", "smrep:1", "FARGATE")
        network = {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}
        assert request["NetworkConfiguration"] == {"AwsvpcConfiguration": network}
        (container,) = request["Overrides"]["ContainerOverrides"]
        env = {each["Name"]: each["Value"] for each in container["Environment"]}
        (command,) = container["Command"]
        index = env.get("INDEX", "-")
        program = ["-c", "raise SystemExit(9)"] if index in self.killed else [str(FOLDER / "task.py"), command]
        with self.lock, (self.folder / f"task-{len(self.runs)}.err").open("wb") as stderr:
            self.runs.append((command, index))
            task = subprocess.Popen([sys.executable, *program], env={**self.env, **env}, stderr=stderr)
            self.tasks.append(task)
        return task

    def errors(self) -> str:
        """Return what all tasks wrote to standard error."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("task-*.err")))


def service_of(fargate: Fargate) -> type[StateTaskServiceEcs]:
    """Return moto's ecs:runTask.sync for these tasks; it fails if a container's exit code is not 0, as AWS does."""

    class FargateService(StateTaskServiceEcs):
        def _eval_service_task(self, env: Any, normalised_parameters: Any, **_: Any) -> None:
            env.stack.append(fargate.start(normalised_parameters))

        def _build_sync_resolver(self, env: Any, **_: Any) -> Any:
            task = env.stack.pop()

            def resolve() -> Any:
                if task.poll() is None:
                    return None
                shown = {"LastStatus": "STOPPED", "Containers": [{"Name": "smrep", "ExitCode": task.returncode}]}
                if task.returncode == 0:
                    return shown
                error = StatesErrorNameType.StatesTaskFailed
                details = TaskFailedEventDetails(
                    resource=self._get_sfn_resource(),
                    resourceType=self._get_sfn_resource_type(),
                    error=error.to_name(),
                    cause=json.dumps(shown),
                )
                event = EventDetails(taskFailedEventDetails=details)
                failure = FailureEvent(env, StatesErrorName(typ=error), HistoryEventType.TaskFailed, event)
                raise FailureEventException(failure)

            return resolve

    return FargateService


class TextualS3:
    """S3 as Step Functions' SDK integration shows it: the body is text."""

    def __init__(self, url: str) -> None:
        self._s3 = client_of("s3", url)

    def get_object(self, **params: str) -> dict[str, str]:
        return {"Body": self._s3.get_object(**params)["Body"].read().decode()}


@dataclass
class Fleet:
    """The deployed state machine."""

    url: str
    fargate: Fargate
    machine: str

    def start(self, command: str, name: str) -> dict[str, Any]:
        """Run an execution to its end, and return its description."""
        sfn = client_of("stepfunctions", self.url)
        words = json.dumps({"command": command})
        arn = sfn.start_execution(stateMachineArn=self.machine, name=name, input=words)["executionArn"]
        while (execution := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.1)
        return cast("dict[str, Any]", execution)

    def files(self, name: str) -> dict[str, str]:
        """Return name -> text of the files of an execution."""
        s3 = client_of("s3", self.url)
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/").get("Contents", [])
        return {
            each["Key"].removeprefix(f"{name}/"): s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read().decode()
            for each in listed
        }


def client_of(service: str, url: str) -> Any:
    """Return a client for moto, with the handlers of S3 that botocore_once leaves out."""
    client = boto3.client(service, region_name="us-east-1", endpoint_url=url)
    if service == "s3":
        client.meta.events.register("before-parameter-build.s3", handlers.remove_bucket_from_url_paths_from_model)
        client.meta.events.register("before-endpoint-resolution.s3", handlers.customize_endpoint_resolver_builtins)
    return client


@contextlib.contextmanager
def deployed(sandbox: Sandbox, manifest: str, folder: Path, **faults: Any) -> Iterator[Fleet]:
    """Yield the state machine, whose tasks find the sandbox where AWS is."""
    (folder / "dr.toml").write_text(manifest)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    env = {**sandbox.env, "AWS_ENDPOINT_URL_S3": url, "BUCKET": BUCKET, "TMPDIR": str(folder)}
    fargate = Fargate(env | {"SMREP_MANIFEST": str(folder / "dr.toml")}, folder, **faults)

    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        stack.enter_context(mock.patch.dict(os.environ, sandbox.env))
        stack.enter_context(mock.patch.dict(default_user_config, stepfunctions={"execute_state_machine": True}))
        stack.enter_context(mock.patch.object(state_task_service_factory, "StateTaskServiceEcs", service_of(fargate)))
        for module, client in ((resource_eval_s3, client_of("s3", url)), (state_task_service_aws_sdk, TextualS3(url))):
            stack.enter_context(mock.patch.object(module, "boto_client_for", lambda client=client, **_: client))
        role = "arn:aws:iam::123456789012:role/states"
        sfn = client_of("stepfunctions", url)
        machine = sfn.create_state_machine(name="smrep", definition=definition(), roleArn=role)["stateMachineArn"]
        client_of("s3", url).create_bucket(Bucket=BUCKET)
        try:
            yield Fleet(url, fargate, machine)
        finally:
            for task in fargate.tasks:
                task.kill()
                task.wait()
