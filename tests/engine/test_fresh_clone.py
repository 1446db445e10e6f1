"""The commands of the README, as a new user gives them, in clones of their own."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.cache import cache_folder
from local.processes import descendants, end
from local.workspace import REPOSITORY, link_or_copy
from tests.support.fleet import WITHOUT_CHECKPOINTS
from tests.support.golden_files import Golden, resources
from tests.support.transcripts import masked, play_all, with_outputs
from tests.support.warm_python import warm_python

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

NO_DIFFERENCES = "no differences"
# The first step of `make up`; the stack that it then creates disturbs no other test.
START_LOCAL_AWS = """
from local import aws
from local.toolchain import command_line
from local.workspace import Workspace
workspace = Workspace()
workspace.prepare(command_line())
aws.start(workspace)
"""
FIRST_MINUTES = "docs/first-minutes.md"
PUBLISHED = "each request, grant, refusal and end was published"


PACKAGE_CLIENTS = ("PIP_", "GOPROXY", "SSL_", "PYTHONPYCACHEPREFIX")
"""Where packages come from on this machine, and where it keeps byte code."""


def plain_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(PACKAGE_CLIENTS)}
    return inherited | {name: os.environ[name] for name in ("HOME", "PATH")} | {"LANG": "C.UTF-8"}


def make(clone: Path, target: str, engine: Mapping[str, str] = WITHOUT_CHECKPOINTS) -> subprocess.Popen[str]:
    """Start a target in a clean environment: nothing that a build image sets, and most machines do not, can help."""
    environment = plain_environment() | {"SHELL_ACCESS_CACHE": str(cache_folder())} | engine
    return subprocess.Popen(
        ["make", "-s", target],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(run: subprocess.Popen[str]) -> str:
    text = run.communicate()[0]
    assert run.returncode == 0, text
    return text


@pytest.fixture
def new_clone(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Copies what the repository holds, uncommitted work included, as a clone would have it."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, check=True, cwd=REPOSITORY, capture_output=True, text=True).stdout.splitlines()
    clones: list[Path] = []

    def clone(name: str) -> Path:
        folder = tmp_path / name
        for file in files:
            if (REPOSITORY / file).exists():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                # A program of the same files forks from a warm Python. Others are copied, as commands may write to them.
                lay_out = link_or_copy if file.endswith(".py") else shutil.copy2
                lay_out(REPOSITORY / file, folder / file)
        clones.append(folder)
        return folder

    yield clone
    for folder in clones:
        make(folder, "down").communicate()


def local_aws(clone: Path) -> dict[str, int]:
    return json.loads((clone / ".local" / "local-aws.json").read_text())


def chapter(clone: Path, heading: str) -> str:
    """The commands of a chapter of the README: its indented lines."""
    text = (clone / "README.md").read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def test_make_targets_of_a_new_clone(new_clone: Callable[[str], Path], request: pytest.FixtureRequest) -> None:
    clone = new_clone("clone")
    assert NO_DIFFERENCES in said(make(clone, "up"))
    assert PUBLISHED in said(make(clone, "demo"))
    exports = said(make(clone, "env"))
    assert all(line.startswith("export ") for line in exports.splitlines())
    with ThreadPoolExecutor() as pool:
        playing = pool.submit(play_all, clone / FIRST_MINUTES, clone, exports, plain_environment())
        by_hand = subprocess.run(
            ["bash", "-c", 'eval "$0" && pulumi preview --stack dev --expect-no-changes', exports],
            check=False,
            cwd=clone,
            capture_output=True,
            text=True,
        )
    assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
    page = (clone / FIRST_MINUTES).read_text()
    played = with_outputs(page, playing.result())
    if request.config.getoption("--update-golden") and masked(played) != masked(page):
        (REPOSITORY / FIRST_MINUTES).write_text(played)
    else:
        assert masked(played) == masked(page)
    port = local_aws(clone)["port"]
    assert "stopped" in said(make(clone, "down"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.exhaustive
def test_make_up_after_a_kill_converges(new_clone: Callable[[str], Path]) -> None:
    clone = new_clone("clone")
    kill_the_engine(make(clone, "up", engine={}), clone)
    assert NO_DIFFERENCES in said(make(clone, "up"))
    again = said(make(clone, "up"))
    assert NO_DIFFERENCES in again
    assert not any(line.lstrip().startswith(("+", "~", "-")) for line in again.splitlines())


@pytest.mark.exhaustive
def test_make_up_of_two_clones_survives_a_killed_aws(new_clone: Callable[[str], Path]) -> None:
    first, second = new_clone("first"), new_clone("second")
    runs = [make(first, "up"), make(second, "up")]
    assert all(NO_DIFFERENCES in said(run) for run in runs)
    assert local_aws(first)["port"] != local_aws(second)["port"]
    os.kill(local_aws(first)["pid"], signal.SIGKILL)
    assert NO_DIFFERENCES in said(make(first, "up"))
    assert "stopped" in said(make(first, "down"))
    socket.create_connection(("127.0.0.1", local_aws(second)["port"])).close()


def kill_the_engine(run: subprocess.Popen[str], clone: Path) -> None:
    """Kill a run and all below it once it has created something."""
    assert run.stdout
    created = next((line for line in run.stdout if "created" in line and "aws:" in line), None)
    assert created, "the run ended before anything was created"
    locks = list((clone / ".local" / "state" / ".pulumi" / "locks").rglob("*.json"))
    engine = json.loads(locks[0].read_text())["pid"]
    for process in [engine, *descendants(engine)]:
        end(process)
    run.communicate()
    assert run.returncode != 0


@pytest.mark.exhaustive
def test_chapter_on_fleets_runs_as_it_stands(new_clone: Callable[[str], Path], golden: Golden) -> None:
    clone = new_clone("fleet")
    subprocess.run([sys.executable, "-c", START_LOCAL_AWS], check=True, cwd=clone)
    commands = ["bash", "-euc", chapter(clone, "A fleet of accounts")]
    environment = os.environ | WITHOUT_CHECKPOINTS | {"SHELL_ACCESS_PYTHON": str(warm_python() / "bin" / "python")}
    ran = subprocess.run(commands, check=False, cwd=clone, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    states = (clone / ".local" / "state" / ".pulumi" / "stacks" / "shell-access").glob("*.json")
    found = [json.loads(file.read_text())["checkpoint"]["latest"]["resources"] for file in states]
    golden("stacks/fleet.yaml", resources(itertools.chain(*found)))
    for line in (
        "plan: 3 accounts: 3 to be added",
        "up: 3 accounts: 3 changed",
        "verify: 3 accounts: 3 no differences",
    ):
        assert f"fleet {line}" in ran.stdout
    assert "<title>fleet up: 3 accounts: 3 changed</title>" in (clone / "fleet.html").read_text()
