"""Setup from a fresh clone to a working Python environment, then `python -m local` or `python -m tools`.

`make` calls it with the machine's own Python. It needs only the standard library, creates the virtual environment of
requirements-dev.txt (once per machine, in the cache), links it as `.venv` and starts the module.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

from local.cache import cache_folder, cached, prune, say

MINIMUM = (3, 11)
REPOSITORY = Path(__file__).resolve().parent.parent
LOCK = REPOSITORY / "requirements-dev.txt"


class SetUpError(Exception):
    """Error of a setup step; the message names the step and the fix."""


def install(folder: Path, lock: Path) -> None:
    """Create a virtual environment with the packages of a lock in an empty folder.

    Raises:
        SetUpError: A step failed.
    """
    name = lock.relative_to(REPOSITORY) if lock.is_relative_to(REPOSITORY) else lock
    say(f"Installing the Python packages of {name} (once on this machine) ...")
    steps = (
        ("create a virtual environment", [sys.executable, "-m", "venv", str(folder)]),
        (
            f"install {name}",
            [
                *(str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"),
                *("--no-input", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)),
            ],
        ),
    )
    for what, command in steps:
        if subprocess.run(command, check=False, stdout=sys.stderr, stdin=subprocess.DEVNULL).returncode:
            raise SetUpError(
                f"could not {what}. The output of pip or venv is above. Usual causes: the package index cannot be reached "
                "(check the network and pip's settings), or Python's venv module is missing "
                "(Debian: apt-get install python3-venv). Run the same command again afterwards."
            )


def environment_name(lock: Path, what: str = "python") -> str:
    """Return the name of an environment, by its lock, interpreter and platform."""
    key = f"{lock.read_text()}|{platform.python_version()}|{sys.base_prefix}|{platform.machine()}|{sys.platform}"
    return f"{what}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def link_environment(environment: Path) -> Path:
    """Link `.venv` of this clone to the environment; a real folder of the user stays unchanged."""
    link = REPOSITORY / ".venv"
    if link.is_dir() and not link.is_symlink():
        say("Using the .venv folder that is here already.")
        return link
    if not (link.is_symlink() and link.resolve() == environment.resolve()):
        temporary = REPOSITORY / f".venv.{os.getpid()}"
        temporary.symlink_to(environment)
        temporary.replace(link)
    return link


def keep_byte_code() -> None:
    """Store bytecode in the cache if it is not stored beside the sources, as in most container images.

    Without bytecode, each of the many Python processes of the engine compiles all of its packages again, for seconds.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(cache_folder() / "bytecode"))


def explained(problem: OSError) -> str:
    """Return a message with the file that cannot be read or written, and the fix: disk full or folder read-only."""
    file = problem.filename2 or problem.filename
    where = f"{file}: " if file else ""
    return (
        f"{where}{problem.strerror or problem}. The local AWS keeps its state in {REPOSITORY / '.local'}, and programs in "
        f"{cache_folder()}, which SHELL_ACCESS_CACHE changes. Free some space there, or name a folder that can be "
        "written to, then run the same command again."
    )


def check_paths() -> None:
    """Check that the folders in use can be on the PATH.

    Raises:
        SetUpError: A folder cannot; the message names all of them.
    """
    wrong = [str(each) for each in (REPOSITORY, cache_folder()) if os.pathsep in str(each)]
    if wrong:
        raise SetUpError(
            f"expected folders whose paths have no {os.pathsep}, which separates those of PATH, got {', '.join(wrong)}. "
            "Move the clone, or name another cache with SHELL_ACCESS_CACHE."
        )


def main() -> None:
    """Prepare the environment and replace this process with `python -m` and the arguments: a module and its own."""
    if sys.version_info < MINIMUM:
        found = platform.python_version()
        sys.exit(
            f"Shell Access needs Python 3.11 or newer and found {found}.\n"
            "Install one, or name it: make PYTHON=/path/to/python3.11 up"
        )
    try:
        check_paths()
        environment = link_environment(cached(environment_name(LOCK), lambda folder: install(folder, LOCK)))
        keep_byte_code()
        with contextlib.suppress(OSError):
            prune()
    except SetUpError as problem:
        sys.exit(f"Set-up stopped: {problem}")
    except OSError as problem:
        sys.exit(f"Set-up stopped: {explained(problem)}")
    except KeyboardInterrupt:
        say("\nInterrupted; the next run continues from here.")
        sys.exit(130)
    python = str(environment / "bin" / "python")
    os.execv(python, [python, "-m", *sys.argv[1:]])


if __name__ == "__main__":
    main()
