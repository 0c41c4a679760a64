"""Checks of users' files, so that none can make the program wait or read without end."""

import os
import stat


def require_regular(path: str | os.PathLike[str]) -> int:
    """Raise OSError unless this is a regular file, or a link to one; return its size in bytes.

    A pipe would make its reader wait for a writer, and a device may never end.
    """
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"A file is needed; {os.fspath(path)!r} is a directory.")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(
            f"A regular file is needed; {os.fspath(path)!r} is a device, pipe or socket."
        )
    return found.st_size
