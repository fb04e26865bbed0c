"""The wheel and the source distribution, built here without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

from fixtures import ROOT


def build(source: Path, target: Path, *kinds: str) -> dict[str, Path]:
    """Build what is in a folder with the backend that pyproject.toml names; return what came of it by its kind."""
    env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    words = [word for kind in kinds for word in ("-t", kind)]
    backend = [sys.executable, "-m", "hatchling", "build", "-d", str(target), *words]
    subprocess.run(backend, cwd=source, env=env, check=True, capture_output=True)
    endings = {".whl": "wheel", ".gz": "sdist"}
    return {endings[path.suffix]: path for path in target.iterdir()}


def unpacked(sdist: Path, target: Path) -> Path:
    """Unpack a source distribution and return its folder."""
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.0 to 3.11.3 have none
        archive.extractall(target)
    (folder,) = target.iterdir()
    return folder


def listed(*words: str) -> set[str]:
    """Return the files of this clone that git lists."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", *words]  # whoever owns the clone
    done = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True)
    return set(filter(None, done.stdout.split("\0")))
