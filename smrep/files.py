"""Files that smrep makes: for their owner's eyes only, unless others are meant to read them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import TextIO

OWN = 0o600
"""The mode of a file that smrep makes: its owner reads and writes it, and nobody else."""


def check_folder(path: str) -> None:
    """Do nothing if there is a folder in which the file can be made: better told before anything is done than after.

    Raises:
        OSError: there is none, or the path is empty.

    """
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - as below
    if not path:
        raise FileNotFoundError(errno.ENOENT, "it names no file")
    if not os.path.isdir(folder):  # noqa: PTH112 - as below
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"nothing may be made in {folder}")


def appending(path: str) -> TextIO:
    """Return a file to append to; where there is none yet, it is made with mode 0600, whatever the umask.

    One that is there keeps its mode; a link that leads to it is followed. Nothing is made at the far end of a link.

    Raises:
        OSError: it can't be made or written to.

    """
    flags = os.O_WRONLY | os.O_APPEND
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, OWN)
        os.fchmod(descriptor, OWN)  # a umask can take from the mode even what is the owner's
    except FileExistsError:
        descriptor = os.open(path, flags)
    return os.fdopen(descriptor, "a", encoding="utf-8")


def end_last_line(file: TextIO, path: str) -> None:
    """End the last line of what is appended to if it has no end, as a run leaves it that was cut off.

    Of what can't be read, such as a pipe, it is not known.
    """
    with contextlib.suppress(OSError), open(path, "rb") as there:  # noqa: PTH123 - as below
        if there.seekable() and there.seek(0, os.SEEK_END):
            there.seek(-1, os.SEEK_END)
            if there.read(1) != b"\n":
                file.write("\n")


@contextlib.contextmanager
def replacing(path: str, mode: int = OWN) -> Iterator[TextIO]:
    """Yield a file that takes the path's place at a good end, whole and on the disk; at a bad end the old one stays.

    Who reads the path sees the old file or the new one, never a half. A new one has this mode, whatever the umask; one
    that is there hands on its mode and, as far as we may, its owner and group. A link that leads to it is followed and
    stays. Nothing is made at the far end of a link.

    Raises:
        OSError: it can't be made or written to, or something else than a file is there.

    """
    target = os.path.realpath(path, strict=os.path.islink(path))  # noqa: PTH114 - pathlib's RuntimeError is no OSError
    before = _there(target)
    # In the same folder, as only there a rename is one step; short, and with no ending that anybody looks for.
    aside = f"{os.path.dirname(target)}/.smrep-{os.urandom(8).hex()}"  # noqa: PTH120
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            if before:
                with contextlib.suppress(PermissionError):  # to give a file away is root's right
                    os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if before else mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(aside, target)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)  # noqa: PTH108
        raise


def _there(target: str) -> os.stat_result | None:
    """Return what is known of the file that is there, None where none is.

    Raises:
        OSError: it is a folder, or a device, which a rename would put an end to.

    """
    try:
        found = os.stat(target)  # noqa: PTH116
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", target)
    return found
