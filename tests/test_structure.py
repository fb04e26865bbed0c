"""Which module may import which, how modules are named, and what each start may load."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fixtures import BIN, ROOT, Sandbox

PACKAGE = ROOT / "smrep"
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = Path(__file__).parent

MAY_IMPORT = {
    "cli": {
        *(
            "cli",
            "output",
            "service",
            "aws",
            "sandbox",
            "rules",
            "report",
            "files",
            "model",
            "errors",
            "regions",
        ),
        "",
    },
    "serverless": {"cli", "output", "service", "aws", "rules", "report", "errors", "regions", ""},
    "output": {"output", "rules", "report", "files", "model", "errors", "regions", ""},
    "service": {"service", "rules", "report", "model", "errors", "regions"},
    "aws": {"aws", "model", "errors", "regions", ""},
    "sandbox": {"sandbox", "model", "errors"},
    "rules": {"rules", "report", "model", "errors", "regions"},
    "report": {"model", "errors", "regions"},
    "model": {"errors", "regions"},
    "regions": {"errors"},
    "files": set(),
    "errors": set(),
}
"""Layer -> the layers that it may import; '' is the package itself, for its version."""

THIRD_PARTY = {
    "click": "cli",
    "boto3": "aws",
    "botocore": "aws",
    "tenacity": "service",
    "rich": "output",
    "jmespath": "output",
}
IMPURE = {"time", "socket", "os", "sys", "subprocess", "threading", "random", "urllib", "http"}


def imported(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                f"{node.module}.{each.name}" if node.module in {"smrep", "smrep.service"} else node.module
                for each in node.names
            )


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_imports_point_down() -> None:
    wrong = []
    for path in FILES:
        here = layer(path)
        for module in imported(path):
            top, *rest = module.split(".")
            if top == "smrep" and here in MAY_IMPORT:
                there = rest[0] if rest and not rest[0].startswith("__") else ""
                if there not in MAY_IMPORT[here]:
                    wrong.append(f"{path}: {here} may not import {module}")
            if top in THIRD_PARTY and here != THIRD_PARTY[top]:
                wrong.append(f"{path}: {top} belongs into {THIRD_PARTY[top]}")
            if here in {"rules", "report", "model", "regions", "errors"} and top in IMPURE:
                wrong.append(f"{path}: {here} is pure and may not import {module}")
    assert wrong == []


def name_of(path: Path) -> str:
    """Return the module's name below `smrep`: `rules.plan`, `cli` for a package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports() -> dict[str, set[str]]:
    """Return the modules that each module imports, wherever in the file, for types too; not its own packages."""
    modules = {name_of(path): path for path in FILES}
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("smrep."):
                base = str(node.module).removeprefix("smrep").removeprefix(".")
                longer = [f"{base}.{alias.name}".removeprefix(".") for alias in node.names]
                found[name] |= {each if each in modules else base for each in longer} & modules.keys()
        found[name] -= {name, "", *(each for each in modules if name.startswith(f"{each}."))}
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import one another, by way of others too."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    reach = {name: reached(name) for name in graph}
    groups = {
        tuple(sorted(other for other in graph if other in reach[name] and name in reach[other])) for name in graph
    }
    return sorted(list(group) for group in groups if len(group) > 1)


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == [["a", "b", "c"]]


def test_no_modules_import_one_another() -> None:
    assert circles(imports()) == []


def test_modules_are_named_by_nouns_and_each_has_a_name_of_its_own() -> None:
    assert [name for name in imports() if re.search(r"(?<!poll)ing$", name)] == []  # `polling` is the field's word
    places: dict[str, set[str]] = {}
    for name in imports():
        places.setdefault(name.rpartition(".")[2], set()).add(name)
    shared = {stem: names for stem, names in places.items() if len(names) > 1}
    packages = {"fleet", "recovery", "replication", "sandbox", "drill"}
    assert {
        stem: names
        for stem, names in shared.items()
        if stem not in packages and names != {f"cli.commands.{stem}", f"service.{stem}"}
    } == {}


ROOMS = {
    "service": ["ports", "run_state", "steps", "fleet", "recovery", ""],
    "rules": [
        "hints",
        "primary_region",
        "secret_names",
        "replication",
        "run_outcome",
        "manifest",
        "fleet",
        "recovery",
        "",
    ],
    "sandbox": [
        *("faults", "simulator", "operations", "simulator.account_calls", "simulator.simulated_aws"),
        *("", "drill", "server", "admin_client"),
    ],
}
"""Inside a layer, a room may import itself and those before it; '' is what lies in no room: use cases, for one."""
USE_CASES = {
    ("service.rekey", "service.replicate"),
    ("service.rekey", "service.remove"),
    ("service.apply", "service.plan"),
    ("service.apply", "service.event"),
}
"""Use cases that are made of others."""


def test_inside_a_layer_imports_point_one_way() -> None:
    wrong = []
    for name, imported_names in imports().items():
        top, _, rest = name.partition(".")
        if top not in ROOMS or not rest:
            continue

        def room(module: str, top: str = top) -> int:
            rooms = [room for room in ROOMS[top] if f"{module}.".startswith(f"{top}.{room}.")]
            return ROOMS[top].index(max(rooms, key=len, default=""))

        for other in imported_names:
            if not other.startswith(f"{top}.") or (name, other) in USE_CASES:
                continue
            same = room(name) == room(other)
            if room(other) > room(name) or (same and top == "service" and room(name) == len(ROOMS[top]) - 1):
                wrong.append((name, other))
    assert wrong == []


def test_no_module_is_longer_than_500_lines() -> None:
    assert [str(path) for path in FILES if len(path.read_text().splitlines()) > 500] == []


def test_every_file_says_what_it_is() -> None:
    files = [*FILES, *TESTS.rglob("*.py")]
    assert [path for path in files if not path.read_text().startswith('"""')] == []


HEAVY = {"boto3", "botocore", "rich", "tenacity"}
LISTS = (["list"], ["audit", "-r", "us-west-2"], ["export"])


RUNS = """
import contextlib, json, sys
from smrep.__main__ import main
for words in json.loads(sys.argv.pop()):
    sys.argv = ["smrep", *words]
    with contextlib.suppress(SystemExit):
        main()
    print(*{module.split(".")[0] for module in sys.modules}, file=sys.stderr)
    print(file=sys.stderr, end="\\0")
"""


def loaded(*lines: Sequence[str], env: dict[str, str] | None = None) -> list[set[str]]:
    """Return the heavy modules that are loaded after each of these runs of smrep, one after the other in a process."""
    done = subprocess.run(
        [sys.executable, "-c", RUNS, json.dumps(lines)],
        env=env or {"PATH": str(BIN)},
        capture_output=True,
        text=True,
        check=True,
    )
    ends = done.stderr.split("\0")[:-1]
    assert len(ends) == len(lines), done.stderr
    return [set(end.splitlines()[-1].split()) & HEAVY for end in ends]


LIGHT = [
    ["--help"],
    ["--version"],
    ["replicate", "--help"],
    ["sandbox", "drill", "--help"],
    ["help", "exit-codes"],
    ["completion", "bash"],
    ["replicat"],
    ["replicate", "x", "-r", "us-wset-2"],
    ["replicate", "x", "-r", "us-west-2", "--primary-region", "us-west-2"],
    ["status"],
    ["remove", "x"],
    ["remove", "x", "-r", "us-east-1", "--primary-region", "us-east-1"],
    ["promote", "x", "-r", "us-west-2,eu-west-1"],
    ["rekey", "x", "-r", "us-west-2", "--primary-region", "us-east-1"],
    ["verify", "x", "-r", "us-wset-2"],
    ["doctor", "x", "--reader", "app"],
    ["list", "x"],
    ["list", "--all", "--prefix", "x"],
    ["audit"],
    ["plan"],
    ["plan", "-f", "/nowhere"],
    ["apply", "-f", "x", "--plan", "y"],
    ["export", "--prefix", ""],
    ["merge"],
    ["merge", "/nowhere"],
    ["iam-policy", "x", "-r", "us-west-2", "--primary-region", "us-east-1"],
]


def test_help_and_usage_errors_load_only_click() -> None:
    assert {" ".join(words): heavy for words, heavy in zip(LIGHT, loaded(*LIGHT), strict=True) if heavy} == {}


def test_completing_a_word_loads_only_click() -> None:
    env = {"PATH": str(BIN), "_SMREP_COMPLETE": "zsh_complete", "HOME": "/nonexistent"}
    lines = ("re", "status x -r us-w", "status x --profile d", "status prod/", "replicate x -r us-west-2=alias/")
    assert loaded(*(["smrep", *line.split()] for line in lines), env=env) == [set()] * len(lines)


def test_only_a_table_loads_rich_and_status_as_json_no_tenacity(sandbox: Sandbox) -> None:
    sandbox.create()
    status = ["status", "prod/db"]
    lists = [[*words, "-o", shown] for words in LISTS for shown in ("json", "text")]
    replicate = ["replicate", "prod/db", "-r", "us-west-2", "--json"]
    lines = [[*status, "-o", "json"], status, *lists, replicate, [*status, "-o", "table"]]
    as_json, *others, as_table = loaded(*lines, env=sandbox.env)
    assert as_json == {"boto3", "botocore"}
    assert ["rich" in each for each in others] == [False] * len(others)
    assert others[-1] == HEAVY - {"rich"}
    assert as_table == HEAVY
