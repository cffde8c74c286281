"""A folder that appears whole or not at all.

Everything is written into a new folder beside the wanted one, and the two change places in one
step. A killed run therefore leaves the old folder or the new one, never a mixture; what else it
leaves, a hidden folder that no process holds any more, the next run in that place removes.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .ir.errors import OutputError, UsageError, quoted

PREFIX = ".onnx2ms-"
UNFINISHED = re.compile(re.escape(PREFIX) + r"[0-9a-f]{16}")
NOT_EMPTY = frozenset({errno.ENOTEMPTY, errno.EEXIST})


@contextmanager
def output_folder(
    path: str | os.PathLike[str], *, force: bool = False, needed: Mapping[str, Path] | None = None
) -> Generator[Path]:
    """Yield a new folder that takes its place at `path` when the block ends without an error.

    Args:
        path: The wanted folder. A symbolic link is followed.
        force: Whether a folder that holds something is replaced.
        needed: Files and folders that must not lie in the replaced folder, by what they are.

    Raises:
        UsageError: The folder holds something and `force` is not given, or it holds a place that
            must not be replaced: the current folder, the home folder, `needed`.
        OutputError: It cannot be written.
    """
    with writing(path):
        target = Path(os.path.realpath(path))
        _refuse(target, path, force, needed or {})
        new, lock = _claim(target.parent)
    try:
        yield new
        with writing(path):
            _put(new, target, path, force)
    finally:
        shutil.rmtree(new, ignore_errors=True)  # after an exchange it holds the old folder
        os.close(lock)


@contextmanager
def output_file(path: Path, *, force: bool = False) -> Generator[Path]:
    """Yield a new file that takes its place at `path` when the block ends without an error.

    Args:
        path: The wanted file.
        force: Whether a file that exists is replaced.

    Raises:
        UsageError: The file exists and `force` is not given.
        OutputError: It cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{_shown(path)} exists", help="name another file, or --force")
    new = path.with_name(f"{PREFIX}{secrets.token_hex(8)}{path.suffix}")
    try:
        with writing(path):
            yield new
            _sync(new)
            os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def writing(path: str | os.PathLike[str]) -> Generator[None]:
    """Turn what the operating system says against writing into an error that names the folder.

    Raises:
        OutputError: The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        where = "free some space, or name" if full else "name"
        raise OutputError(
            f"cannot write {_shown(path)}: {reason}",
            help=f"{where} a folder that can be written, in an existing one",
        ) from error


def _refuse(
    target: Path, path: str | os.PathLike[str], force: bool, needed: Mapping[str, Path]
) -> None:
    """Refuse a folder that must not be replaced, before any work is done."""
    shown = _shown(path)
    places = {"the current folder": Path.cwd(), "your home folder": Path("~").expanduser()}
    for what, place in {**places, **needed}.items():
        if place.resolve().is_relative_to(target):
            raise UsageError(
                f"{shown} cannot be the output: {what} lies in it, and it would be replaced",
                help="name a new folder",
            )
    if target.is_mount():
        raise UsageError(
            f"{shown} cannot be the output: it is a mount point and cannot be replaced",
            help="name a folder inside it",
        )
    if target.is_dir() and not force and any(target.iterdir()):
        raise _exists(path)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{shown} is a file, not a folder", help="name a new folder")


def _shown(path: str | os.PathLike[str]) -> str:
    return quoted(os.fspath(path), 4096)


def _exists(path: str | os.PathLike[str]) -> UsageError:
    return UsageError(
        f"{_shown(path)} exists and is not empty",
        help="name another folder, or replace it with --force (force=True)",
    )


def _claim(parent: Path) -> tuple[Path, int]:
    """Make a new folder and lock it; the lock ends with the process, however it ends."""
    _clean(parent)
    while True:
        new = parent / f"{PREFIX}{secrets.token_hex(8)}"
        new.mkdir()
        try:
            handle = os.open(new, os.O_RDONLY)
            _lock(handle)
            new.stat()
        except (FileNotFoundError, BlockingIOError):
            continue  # another run took it for a leftover before it was locked
        return new, handle


def _clean(parent: Path) -> None:
    """Remove what killed runs left in a folder."""
    for folder in parent.iterdir():
        if not UNFINISHED.fullmatch(folder.name):
            continue
        try:
            handle = os.open(folder, os.O_RDONLY)
        except (FileNotFoundError, PermissionError):
            continue  # gone since, or another user's
        try:
            if _lock(handle):
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue  # a running process writes it
        finally:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open folder; return False where the file system has no locks.

    Raises:
        BlockingIOError: Another process holds it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        return False
    return True


def _put(new: Path, target: Path, path: str | os.PathLike[str], force: bool) -> None:
    """Move a finished folder to its place, and an older one there to where it came from."""
    for file in (*sorted(new.iterdir()), new):
        _sync(file)
    try:
        new.rename(target)
    except OSError as error:
        if error.errno not in NOT_EMPTY:
            raise
        if not force:
            raise _exists(path) from error
        _exchange(new, target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(new: Path, target: Path) -> None:
    """Let two folders change places, in one step where the system has one."""
    import ctypes

    at_fdcwd, rename_exchange = -100, 2  # <fcntl.h>, <linux/fs.h>
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    names = os.fsencode(new), os.fsencode(target)
    if renameat2 and renameat2(at_fdcwd, names[0], at_fdcwd, names[1], rename_exchange) == 0:
        return
    # NFS, some FUSE file systems and macOS: killed between two of these steps, the old folder
    # stays beside its place under a name that shows.
    aside = target.with_name(f"{target.name}.replaced-{secrets.token_hex(4)}")
    target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        aside.rename(target)
        raise
    aside.rename(new)
