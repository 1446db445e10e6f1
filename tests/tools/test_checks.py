import sys
import time
from pathlib import Path

import pytest

from local import processes
from local.processes import command
from tools.checks import Tier, TimedCommand, run_tier

LEAVE = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"


def python(name: str, code: str, seconds: int = 60) -> TimedCommand:
    return TimedCommand(name, (sys.executable, "-c", code), seconds)


def test_run_tier_all_pass_succeeds(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_tier(Tier(((python("one", "print('said')"), python("two", "")), (python("three", ""),))))
    text = capfd.readouterr().err
    assert "said" in text
    assert text.index("Summary") < text.index("one    passed") < text.index("three  passed")


def test_run_tier_failure_does_not_hide_later_checks(capfd: pytest.CaptureFixture[str]) -> None:
    assert not run_tier(Tier(((python("first", "raise SystemExit(1)"),), (python("second", ""),))))
    text = capfd.readouterr().err
    assert "second  passed" in text
    assert "Failed: first\n" in text


def test_run_tier_stuck_check_is_ended(capfd: pytest.CaptureFixture[str]) -> None:
    assert not run_tier(Tier(((python("stuck", f"import time\n{LEAVE}\ntime.sleep(600)", 1), python("other", "")),)))
    text = capfd.readouterr().err
    assert "stuck  STUCK" in text
    assert "other  passed" in text


def test_run_tier_survivor_fails(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "SETTLE_SECONDS", 0)
    file = tmp_path / "pid"
    leave = f"import contextlib\nwith contextlib.redirect_stdout(open({str(file)!r}, 'w')):\n    {LEAVE}"
    assert not run_tier(Tier(((python("leaves", leave),),)))
    text = capfd.readouterr().err
    assert "leaves  passed" in text
    assert "Left running, now ended: " in text
    assert "Failed: processes left running" in text
    left = int(file.read_text())
    while command(left):  # it is being ended
        time.sleep(0.01)
