"""Creates files that only their owner can read, unless others should."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import TextIO

OWN = 0o600
"""Mode of a new file: only its owner can read and write it."""


def check_folder(path: str) -> None:
    """Check before a run that the file can be created in its folder.

    Raises:
        OSError: it cannot, or the path is empty.

    """
    folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - as below
    if not path:
        raise FileNotFoundError(errno.ENOENT, "the path is empty")
    if not os.path.isdir(folder):  # noqa: PTH112 - as below
        raise FileNotFoundError(errno.ENOENT, f"folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"you may not create files in {folder}")


def appending(path: str) -> TextIO:
    """Open a file to append to; a new one gets the mode 0600, whatever the umask.

    An existing file keeps its mode. Links to it are followed, but no file is created at the end of a link.

    Raises:
        OSError: it cannot be created or written.

    """
    flags = os.O_WRONLY | os.O_APPEND
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, OWN)
        os.fchmod(descriptor, OWN)  # a umask can even restrict the owner
    except FileExistsError:
        descriptor = os.open(path, flags)
    return os.fdopen(descriptor, "a", encoding="utf-8")


def end_last_line(file: TextIO, path: str) -> None:
    """End the file's last line if an interrupted run left it without an end.

    Does nothing if the file cannot be read, such as a pipe.
    """
    with contextlib.suppress(OSError), open(path, "rb") as there:  # noqa: PTH123 - as below
        if there.seekable() and there.seek(0, os.SEEK_END):
            there.seek(-1, os.SEEK_END)
            if there.read(1) != b"\n":
                file.write("\n")


@contextlib.contextmanager
def replacing(path: str, mode: int = OWN) -> Iterator[TextIO]:
    """Yield a file that replaces the path once it is complete and on disk; after an exception, the old one stays.

    Readers see the old file or the new one, never a part. A new file gets this mode, whatever the umask; an existing
    one passes on its mode and, if permitted, its owner and group. Links to it are followed and stay, but no file is
    created at the end of a link.

    Raises:
        OSError: it cannot be created or written, or the path is not a regular file.

    """
    target = os.path.realpath(path, strict=os.path.islink(path))  # noqa: PTH114 - pathlib's RuntimeError is no OSError
    before = _there(target)
    # In the same folder, where a rename is atomic; short, and with no extension that other programs look for.
    aside = f"{os.path.dirname(target)}/.smrep-{os.urandom(8).hex()}"  # noqa: PTH120
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            if before:
                with contextlib.suppress(PermissionError):  # only root may give a file away
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
    """Return the status of an existing file, None if there is none.

    Raises:
        OSError: it is a folder or a device, which a rename would destroy.

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
