"""Build the zip for AWS Lambda: smrep, what it imports there, and botocore's data for the services that smrep calls.

`python deploy/lambda_zip.py FOLDER` writes FOLDER/smrep-lambda-pythonX.Y.zip for the Lambda runtime of the Python that
builds it. The zip has that Python's bytecode, since Lambda keeps none from one start to the next. The same sources,
packages and Python make the same bytes.
"""

from __future__ import annotations

import py_compile
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import distribution
from importlib.util import cache_from_source
from pathlib import Path

from smrep.aws.allow_list import ALLOWED

ROOT = Path(__file__).parents[1]
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = ("boto3", "botocore", "click", "jmespath", "python-dateutil", "s3transfer", "six", "tenacity", "urllib3")
"""What smrep imports in Lambda. It prints no tables there, and so needs no rich."""
SERVICES = frozenset(service for service, _ in ALLOWED)
"""The services whose data stays."""
LEFT_OUT = ("*__pycache__/*", "smrep/sandbox/*", "boto3/data/*", "boto3/examples/*", "*/examples-1.json*", "*.tar.gz")
DATA = re.compile(r"botocore/data/([^/]+)/([^/]+)/")
"""A service's data, and the API's version."""
DATE = (2020, 2, 2, 0, 0, 0)
"""The date of every file, as in smrep's packages."""


def sources() -> dict[str, Path]:
    """Return the files of the zip, without bytecode, by their names in it."""
    files = {"LICENSE": ROOT / "LICENSE"}
    files |= {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "smrep").rglob("*") if path.is_file()}
    for package in PACKAGES:
        for file in distribution(package).files or ():
            if file.parts[0] != ".." and (file.parts[0][-10:] != ".dist-info" or "LICENSE" in file.name):
                files[file.as_posix()] = Path(str(file.locate()))
    newest = {match[1]: match[2] for match in map(DATA.match, sorted(files)) if match}

    def is_needed(name: str) -> bool:
        data = DATA.match(name)
        if data and (data[1] not in SERVICES or data[2] != newest[data[1]]):
            return False
        return not any(fnmatchcase(name, pattern) for pattern in LEFT_OUT)

    return {name: path for name, path in files.items() if is_needed(name)}


def bytecode(files: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the bytecode of each module, which Python takes without a look at the source."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with tempfile.NamedTemporaryFile() as made:
        for name, path in files.items():
            if name.endswith(".py"):
                py_compile.compile(str(path), made.name, f"/var/task/{name}", True, invalidation_mode=unchecked)
                yield cache_from_source(name), Path(made.name).read_bytes()


def build(folder: Path) -> Path:
    """Write the zip, and return its path."""
    files = sources()
    contents = {name: path.read_bytes() for name, path in files.items()} | dict(bytecode(files))
    folder.mkdir(exist_ok=True)
    target = folder / f"smrep-lambda-{RUNTIME}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED, 9)
    return target


if __name__ == "__main__":
    made = build(Path(sys.argv[1]))
    print(f"{made}: {made.stat().st_size:,} bytes, for the runtime {RUNTIME}")
