"""The zip for AWS Lambda: small, the same bytes each time, and whole: it needs nothing but Python."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fixtures import ROOT, Sandbox
from sample_events import native

from smrep.aws.allow_list import ALLOWED

pytestmark = pytest.mark.release
MOST_BYTES = 6_000_000
RUN = """
import json, sys
sys.path[:] = [path for path in sys.path if not path.endswith("-packages")] + [sys.argv[1]]
{body}
print(json.dumps([module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)]))
"""


def build(folder: Path, umask: int = 0o022) -> Path:
    words = [sys.executable, str(ROOT / "deploy/lambda_zip.py"), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, umask=umask)
    (path,) = folder.iterdir()
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert path.name == f"smrep-lambda-{runtime}.zip"
    assert done.stdout == f"{path}: {path.stat().st_size:,} bytes, for the runtime {runtime}\n"
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("lambda") / "dist")


@pytest.fixture(scope="module")
def task(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that Lambda unpacks the zip into; nobody can write to it there."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def run(task: Path, body: str, env: dict[str, str]) -> tuple[list[str], list[str]]:
    """Run Python in the folder, without any other package; return the lines it prints and the files it loaded."""
    words = [sys.executable, "-I", "-S", "-c", RUN.format(body=body), str(task)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    return lines, json.loads(last)


def test_it_stays_within_its_size(built: Path) -> None:
    assert built.stat().st_size <= MOST_BYTES


def test_the_same_sources_make_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "again", umask=0o077).read_bytes() == built.read_bytes()


def test_it_runs_on_any_processor_and_leaves_out_what_lambda_needs_not(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert not [name for name in names if name.endswith((".so", ".dylib", ".pyd", ".exe", ".tar.gz"))]
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {
        *("LICENSE", "__pycache__", "smrep", "boto3", "botocore", "click", "dateutil", "jmespath", "s3transfer"),
        *("six.py", "tenacity", "urllib3"),
    }
    assert not [name for name in names if name.startswith("smrep/sandbox")]
    data = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert data == {service for service, _ in ALLOWED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
    assert len([name for name in names if name.endswith(".pyc")]) == len([n for n in names if n.endswith(".py")])


def test_bytecode_is_taken_without_a_look_at_the_source(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        heads = {archive.read(name)[4:8] for name in archive.namelist() if name.endswith(".pyc")}
    assert heads == {b"\1\0\0\0"}  # PEP 552: by hash, unchecked


def test_it_has_a_client_for_every_service_and_no_other(task: Path, sandbox: Sandbox) -> None:
    body = f"""
import boto3
for service in {sorted({service for service, _ in ALLOWED})}:
    boto3.client(service)
try:
    boto3.client("sqs")
except Exception as error:
    print(type(error).__name__)
"""
    assert run(task, body, sandbox.env)[0] == ["UnknownServiceError"]


def test_the_function_works_from_it_alone(task: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    arn = sandbox.create()
    rule = {"names": ["prod/db"], "regions": ["us-west-2"]}
    (tmp_path / "dr.json").write_text(json.dumps({"schema": 1, "replicate": [rule]}))
    body = f"""
from smrep.serverless import handler
for event in ({native(arn)}, {{"smrep": "apply"}}, {{"smrep": "audit"}}):
    handler(event, None)
"""
    lines, loaded = run(task, body, {**sandbox.env, "SMREP_MANIFEST": str(tmp_path / "dr.json")})
    found: list[Any] = [json.loads(line) for line in lines]
    assert [each["trigger"] for each in found if "trigger" in each] == ["event", "apply", "audit"]
    documents = [each for each in found if "schema" in each]
    assert [each["result"] for each in documents] == ["ok", "ok", "ok"]
    rows = [document["secrets"][0]["replicas"][0] for document in documents]
    assert [(row["action"], row["status"]) for row in rows] == [("add", "InSync"), ("keep", None), (None, "InSync")]
    places = (str(task), str(Path(json.__file__).parents[1]))
    assert [path for path in loaded if not path.startswith(places)] == []
    assert not [path for path in loaded if "/sandbox/" in path or "/rich/" in path]
