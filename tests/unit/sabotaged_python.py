"""A Python without what only POSIX has: `python sabotaged_python.py PROGRAM`, for tests.

It is no Windows, but code that uses `fcntl` or `os.getuid` fails here as it does there.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType

MODULES = (
    "curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty",
)  # fmt: skip
#: Who finds none of them. Other libraries ask for the system's name, which stays Linux.
OURS = ("octane_flows", "octane_simulator", "filelock")
OF_OS = (
    "chown", "fchmod", "fork", "geteuid", "getpgid", "getuid", "killpg", "mkfifo", "pread",
    "pwrite", "setsid", "statvfs", "sysconf",
)  # fmt: skip
OF_SIGNAL = ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask", "setitimer")

IMPORT_ALL = """
import importlib, pkgutil
import octane_flows, octane_simulator
for package in (octane_flows, octane_simulator):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # an extra that is not installed is no fault
                if error.name is None or error.name.partition(".")[0] in (*MODULES, *OURS):
                    raise
            print(module.name)
"""


def remove_posix() -> None:
    """Take away what Windows lacks, before anything of the product is imported."""
    # the locks of such a system are files that exist, and the library says so once
    warnings.filterwarnings("ignore", message="only soft file lock is available")
    original = builtins.__import__

    def refuse(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = str((globals or {}).get("__name__", "")).partition(".")[0]
        if importer in OURS and name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, globals, locals, fromlist or (), level)

    builtins.__import__ = refuse
    for owner, names in ((os, OF_OS), (signal, OF_SIGNAL)):
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)


if __name__ == "__main__":
    remove_posix()
    if sys.argv[1] == "import-all":
        exec(IMPORT_ALL)
    else:
        from octane_flows.cli import main

        main()
