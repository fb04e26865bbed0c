"""smrep and the AWS CLI without the time that they take to start: a process with both loaded forks for each command.

`start` puts programs of their names into a folder. Each passes its words, environment, folder and standard streams on
to that process, and ends with the exit code that comes back.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

PROGRAMS = ("smrep", "aws")
STREAMS = 3
CLIENT = """#!{python} -IS
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
streams = array.array("i", [0, 1, 2])
server.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(repr(([os.path.basename(sys.argv[0]), *sys.argv[1:]], os.getcwd(), dict(os.environ))).encode())
server.shutdown(socket.SHUT_WR)
sys.exit(int(server.recv(9)))
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Put the programs into a folder and start the process behind them; it ends when its standard input does."""
    path = str(folder / "socket")
    for name in PROGRAMS:
        program = folder / name
        program.write_text(CLIENT.format(python=sys.executable, path=path))
        program.chmod(0o755)
    process = subprocess.Popen([sys.executable, __file__, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"."  # it listens
    return process


def _serve(path: str) -> None:
    """Fork for each program that connects, until standard input ends."""
    mains = _load()
    signal.signal(signal.SIGCHLD, _reap)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        os.write(1, b".")
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            with listener.accept()[0] as connection:
                if not os.fork():
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _attend(connection, mains)
                    os._exit(0)


def _reap(_signal: int, _frame: FrameType | None) -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return


def _load() -> dict[str, Callable[[], object]]:
    """Return each program's main function, with the modules loaded that it needs."""
    from importlib import import_module

    import smrep
    from smrep.__main__ import main

    for module in pkgutil.walk_packages(smrep.__path__, "smrep."):
        import_module(module.name)
    import awscli.clidriver
    import awscli.handlers  # imports every command

    data_path = os.environ["AWS_DATA_PATH"]  # awscli sets it when it is imported

    def aws() -> object:
        os.environ["AWS_DATA_PATH"] = data_path
        return awscli.clidriver.main()

    return {"smrep": main, "aws": aws}


def _attend(connection: socket.socket, mains: dict[str, Callable[[], object]]) -> None:
    """Run what a program passes on, and answer with its exit code."""
    _, streams, _, _ = socket.recv_fds(connection, 1, STREAMS)
    message = b""
    while piece := connection.recv(65536):
        message += piece
    words, folder, env = ast.literal_eval(message.decode())
    pid = os.fork()
    if not pid:
        connection.close()
        _become(words, folder, env, streams)
        os._exit(_run(mains[words[0]]))
    connection.sendall(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(words: list[str], folder: str, env: dict[str, str], streams: list[int]) -> None:
    """Take on the words, folder, environment and standard streams of a program."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [str(Path(sys.executable).parent / words[0]), *words[1:]]


def _run(main: Callable[[], object]) -> int:
    """Return the exit code that the interpreter would end with."""
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _serve(sys.argv[1])
