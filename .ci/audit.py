"""Look for known vulnerabilities of what the constraint files pin.

`python audit.py PIP_AUDIT FILE...` ends with 0 where nothing is known, or where nobody could be asked, which it says;
with 1 where something is known, or where the question went wrong. pip-audit ends with 1 for both, and with 0 where
it knew none of the packages.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

UNREACHABLE = re.compile(
    r"Could not connect to|not redirecting properly"
    r"|^requests\.exceptions\.(ConnectionError|ConnectTimeout|ProxyError|ReadTimeout)\b",
    re.MULTILINE,
)
"""How pip-audit ends where the source of the advisories is out of reach; a certificate that does not hold is none."""


def main(pip_audit: str, *files: str) -> int:
    """Ask pip-audit about the files, say what came of it and return the exit code."""
    named = [word for file in files for word in ("--requirement", file)]
    command = [pip_audit, *named, "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if UNREACHABLE.search(asked.stderr):
            return _skipped("the source of the advisories can't be reached")
        *_, last = ["it said nothing", *asked.stderr.splitlines()]
        return _failed(f"pip-audit gave no answer: {last}")
    known = [(package, each) for package in packages for each in package.get("vulns", ())]
    for package, each in known:
        fixed = ", ".join(each.get("fix_versions", ())) or "no version yet"
        print(f"{package['name']} {package.get('version')}: {each['id']}, fixed in {fixed}")
    if known:
        return _failed("vulnerabilities are known of what is pinned")
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if packages and len(unknown) == len(packages):
        return _skipped("the package index in use has no advisories")
    if unknown or asked.returncode or not packages:
        return _failed(f"no word could be had about {', '.join(unknown) or 'the files'}")
    print(f"audit: no vulnerability is known of {len(packages)} packages")
    return 0


def _skipped(why: str) -> int:
    print(f"audit skipped: {why}; nothing was audited")
    return 0


def _failed(why: str) -> int:
    print(f"audit failed: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
