from pathlib import Path

import pytest

from operations.file_replacement import replaced_file


def test_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("old")
    file.chmod(0o640)
    with replaced_file(file) as opened:
        opened.write("new")
        assert file.read_text() == "old"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["Pulumi.dev.yaml"]


@pytest.mark.parametrize("before", ["old", None])
@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_replaced_file_stays_after_a_failure(tmp_path: Path, before: str | None, failure: type[BaseException]) -> None:
    file = tmp_path / "records.jsonl"
    if before:
        file.write_text(before)
    context = replaced_file(file)
    context.__enter__().write("ne")
    assert not context.__exit__(failure, failure(), None)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == ({"records.jsonl": before} if before else {})


def test_replaced_file_is_new_with_the_default_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with replaced_file(tmp_path / "new") as opened:
        opened.write("text")
    assert (tmp_path / "new").stat().st_mode == plain.stat().st_mode


def test_replaced_file_behind_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with replaced_file(tmp_path / "link") as opened:
        opened.write("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
