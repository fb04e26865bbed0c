"""The ways out of the process that the code has: one to AWS, one for the sandbox, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures import ROOT

FILES = sorted((ROOT / "smrep").rglob("*.py"))
SESSION = ROOT / "smrep/aws/session.py"
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in a file with the name it is called by."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, with what it takes from it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def test_every_session_is_made_in_one_file_and_guarded() -> None:
    for path in FILES:
        found = list(calls(path))
        guarded = {node for name, call in found if name == "_guarded" for node in ast.walk(call)}
        for name, node in found:
            assert name not in {"boto3.client", "boto3.resource", "boto3.setup_default_session"}, path
            if name == "boto3.Session":
                assert path == SESSION
                assert node in guarded, f"line {node.lineno} makes a session that is not guarded"


def test_every_client_is_admitted_where_it_is_made() -> None:
    """`Session.client` hands out what `_make` made; nothing else calls boto3's `client`."""
    tree = ast.parse((SESSION).read_text())
    makers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in {"_make", "sts"} and ".client(" in ast.unparse(node)
    ]
    assert [node.name for node in makers] == ["_make", "sts"]
    assert all("self._admit(client)" in ast.unparse(node) for node in makers)
    made = [name for name, _ in calls(SESSION) if name.endswith(".client")]
    assert sorted(made) == ["own.client", "self._session().client", "self.client"]


@each_file
def test_there_is_no_other_way_out(path: Path) -> None:
    here, modules = path.relative_to(ROOT / "smrep"), imported(path)
    tops = {each.partition(".")[0] for each in modules}
    assert not tops & {"ctypes", "pickle", "marshal", "shelve", "requests", "urllib3", "asyncio", "logging"}
    if here.parts[0] != "sandbox":
        assert not tops & {"socket", "socketserver", "ssl"}
        assert not modules & {"http.client", "http.server", "urllib.request"}
    if "subprocess" in tops:
        assert here in {Path("cli/sandbox.py"), Path("cli/rehearsing.py")}
    if "importlib" in tops:
        assert here == Path("cli/__init__.py")
    names = {name for name, _ in calls(path)}
    assert not names & {"eval", "exec", "__import__", "os.system", "os.popen"}
    assert not {name for name in names if name.startswith(("os.exec", "os.spawn", "os.posix_spawn"))}


@each_file
def test_no_code_names_a_value_of_a_client(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert not node.attr.endswith(("get_secret_value", "put_secret_value")), node.lineno
