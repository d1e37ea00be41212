"""The spare: the version before the published one, to be brought up to date in place of a copy.

A published file in, the file that the next update writes to out; `draft_file` calls it. An
update of a large warehouse then writes what changed in the last two generations, and not the file.

A file that is written must be open nowhere else: a reader of a former version keeps that version.
So the spare is taken only where that is certain, and deleted otherwise, and the update copies:

- the file system is one of this machine alone, which serves no files by NFS, and Linux says that
  nobody has the file open; the published file has been another one for a while, so that nobody is
  about to open it either;
- the file has no other name, under which somebody keeps it or could open it.

It has no mark of being whole, and needs none: it is whole under the name of a spare, since it was
published so. Whoever takes it renames it to the name of a draft first, which nobody takes and the
next build deletes, so that one that was killed half-way is not used. Where the file system can
clone files, there is no spare.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from octane_flows.portable_files import file_system, is_open_nowhere, sync_file

#: File systems whose files no other machine can have open. Btrfs and XFS clone files instead.
OF_ONE_MACHINE = frozenset({"ext2", "ext3", "ext4", "f2fs", "tmpfs"})
#: They are there where the system serves files by NFS, whose readers may have nothing open here.
NFS_SERVER = (Path("/proc/fs/nfsd/threads"), Path("/proc/fs/nfs/exports"))
#: A smaller file is copied in less time than it takes to make a change twice.
SMALLEST_BYTES = 256 * 2**20
#: So long ago the file lost its published name: who found it under that name has opened it since.
SETTLED_S = 10.0


def spare_path(target: Path) -> Path:
    """Where the spare of a published file lies."""
    return target.with_name(f".{target.stem}-spare.duckdb")


def keep_spare(target: Path) -> None:
    """Give the published file the name of the spare too, before another takes its place.

    Until then it has two names, and nobody takes a spare that has. Call it under the lock of
    publishing; where it is not possible, there is no spare.
    """
    delete_spare(target)
    with suppress(OSError):
        status = target.lstat()
        if (
            stat.S_ISREG(status.st_mode)
            and status.st_size >= SMALLEST_BYTES
            and _is_of_one_machine(target)
        ):
            os.link(target, spare_path(target))


def take_spare(target: Path, draft: Path) -> bool:
    """Rename the spare to the name of a draft, with the rights of a new file; False: there is none.

    Raises OSError where the folder takes no new file.
    """
    try:
        spare = spare_path(target).lstat()
        with draft.open("xb") as new_file:
            new = os.fstat(new_file.fileno())
        spare_path(target).replace(draft)  # of two builds, one gets it
    except FileNotFoundError:
        return False
    sync_file(draft.parent)  # after a power failure it must not be a whole spare again
    if not _is_safe_to_write(draft, spare, new):
        draft.unlink()
        return False
    draft.chmod(stat.S_IMODE(new.st_mode))
    return True


def delete_spare(target: Path) -> None:
    """Delete the spare, where there is one; its readers keep it."""
    with suppress(OSError):
        spare_path(target).unlink(missing_ok=True)


def _is_safe_to_write(path: Path, spare: os.stat_result, new: os.stat_result) -> bool:
    """Whether a file, `spare` before it got this name, may be written; `new`: a file made now."""
    status = path.lstat()
    return (
        status.st_ino == spare.st_ino
        and stat.S_ISREG(status.st_mode)
        and status.st_nlink == 1
        and (status.st_uid, status.st_gid) == (new.st_uid, new.st_gid)
        and time.time() - spare.st_ctime >= SETTLED_S
        and _is_of_one_machine(path)
        and is_open_nowhere(path)
    )


def _is_of_one_machine(path: Path) -> bool:
    return file_system(path) in OF_ONE_MACHINE and not any(file.exists() for file in NFS_SERVER)
