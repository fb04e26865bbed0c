"""The ways out of the process that the code has: one to AWS, one for the sandbox, and no other."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from fixtures import ROOT

FILES = sorted((ROOT / "smrep").rglob("*.py"))
SESSION = ROOT / "smrep/aws/session.py"
ERRORS = {"http.client.InvalidURL", "ssl.SSLCertVerificationError", "urllib3.exceptions.SSLError"}


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a file's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@functools.cache
def calls(path: Path) -> tuple[tuple[str, ast.Call], ...]:
    """Return every call in a file with the name it is called by."""
    return tuple((ast.unparse(node.func), node) for node in nodes(path) if isinstance(node, ast.Call))


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, with what it takes from it; the name of an error leads nowhere."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            taken = {f"{node.module}.{each.name}" for each in node.names} - ERRORS
            found |= {node.module, *taken} if taken else set()
    return found


GUARDS = {
    "creating-client-class": "bound_client",
    "before-parameter-build.secrets-manager.*": "check_parameters",
    "before-send.secrets-manager.*": "check_request",
    "before-sign.*.*": "check_credentials",
}
"""Event of botocore -> the handler that every session registers for it."""


def test_every_session_is_made_in_one_function_and_guarded() -> None:
    made = [(path, name) for path in FILES for name, _ in calls(path) if name.startswith("boto3.")]
    assert made == [(SESSION, "boto3.Session")]
    (maker,) = [node for node in nodes(SESSION) if isinstance(node, ast.FunctionDef) and node.name == "_guarded"]
    source = ast.unparse(maker)
    assert "boto3.Session(botocore_session=core" in source
    for event, handler in GUARDS.items():
        assert f"('{event}', {handler})" in source or f"('{event}', partial({handler}, " in source


def test_every_client_is_admitted_where_it_is_made() -> None:
    """`Session.client` makes every client, STS's too; nothing else calls boto3's `client`."""
    makers = [
        node
        for node in nodes(SESSION)
        if isinstance(node, ast.FunctionDef) and "_sessions().boto.client(" in ast.unparse(node)
    ]
    assert [node.name for node in makers] == ["client"]
    assert "self._admit(client)" in ast.unparse(makers[0])
    made = [name for name, _ in calls(SESSION) if name.endswith(".client")]
    assert not [name for path in FILES for name, _ in calls(path) if name.endswith(".create_client")]
    asks_nobody = ["session.client"]  # for the address of its endpoint alone
    asks_itself = ["self.client", "self.client", "self.roles.clients.client", "source.client"]
    assert sorted(made) == sorted(["self._sessions().boto.client", *asks_itself, *asks_nobody])


NOWHERE = {"ctypes", "pickle", "marshal", "shelve", "requests", "urllib3", "asyncio", "logging"}
IN_THE_SANDBOX = {"socket", "socketserver", "ssl", "http.client", "http.server", "urllib.request"}
ONLY_IN = {
    "subprocess": {Path("cli/commands/sandbox.py"), Path("cli/sandbox_process.py")},
    "importlib": {Path("cli/root.py")},
}
CALLS = {"eval", "exec", "__import__", "os.system", "os.popen"}
BEGINNINGS = ("os.exec", "os.spawn", "os.posix_spawn")


def ways_out(path: Path) -> Iterator[str]:
    """Yield each way out of the process that a file has and may not have."""
    here, modules = path.relative_to(ROOT / "smrep"), imported(path)
    tops = {each.partition(".")[0] for each in modules}
    yield from tops & NOWHERE
    if here.parts[0] != "sandbox":
        yield from (tops | modules) & IN_THE_SANDBOX
    yield from (module for module, files in ONLY_IN.items() if module in tops and here not in files)
    yield from (name for name, _ in calls(path) if name in CALLS or name.startswith(BEGINNINGS))


def test_there_is_no_other_way_out() -> None:
    assert {str(path): found for path in FILES if (found := [*ways_out(path)])} == {}


def test_no_code_names_a_value_of_a_client() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr.endswith(("get_secret_value", "put_secret_value"))
    ]
    assert found == []
