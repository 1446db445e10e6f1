"""The command `policy-pack`; tests/test_packaging.py has it installed and under the engine."""

from pathlib import Path

from tests.operations.arrangement import Command, configuration
from tests.support.golden_files import Golden


def test_policy_pack_is_golden(command: Command, tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "file").touch()
    results = {
        "written": command("policy-pack", "--output", str(tmp_path / "pack"), stack=configuration()),
        "not a folder": command("policy-pack", "--output", str(tmp_path / "file" / "pack"), stack=configuration()),
        "a folder with other files": command("policy-pack", "--output", str(tmp_path), stack=configuration()),
    }
    golden.command("policy-pack", results)
