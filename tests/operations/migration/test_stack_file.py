from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.errors import UnusableError
from operations.migration.stack_file import SECTION, stack_file, with_approval

FILE = """\
# Production
encryptionsalt: v1:abc=
config:
  aws:region: eu-west-1
  shell-access:approval:  # reviewed by security
    mode: automation
    # The people on call.
    operatorRoles:
      - Operator   # shared
      - Other

    approvers: [{type: IamRole, name: Approver}]
    # minutes
    approvalValidityMinutes: 10

  # Ends idle sessions.
  shell-access:sessionManager: {idleSessionTimeout: 15}
"""


def content(text: str) -> Any:
    return yaml.safe_load(text)["config"][SECTION]


def test_changed_key_replaces_its_lines_only() -> None:
    changed = with_approval(FILE, {"operatorRoles": ["Third"]})
    assert changed == FILE.replace("      - Operator   # shared\n      - Other\n", "    - Third\n")


def test_new_key_follows_the_section() -> None:
    changed = with_approval(FILE, {"justInTimeMigration": "parallel"})
    line = "    approvalValidityMinutes: 10\n"
    assert changed == FILE.replace(line, f"{line}    justInTimeMigration: parallel\n")


def test_removed_keys_keep_comments_of_others() -> None:
    changed = with_approval(FILE, {"mode": "just-in-time", "operatorRoles": None, "approvalValidityMinutes": None})
    assert content(changed) == {"mode": "just-in-time", "approvers": [{"type": "IamRole", "name": "Approver"}]}
    for kept in ("# Production", "# reviewed by security", "# Ends idle sessions.", "encryptionsalt: v1:abc="):
        assert kept in changed


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
def test_section_at_the_end_of_the_file_is_changed(end: str) -> None:
    text = f"config:\n  {SECTION}:\n    mode: automation\n    takeOver: true{end}"
    assert content(with_approval(text, {"takeOver": None, "guardRails": True})) == {
        "mode": "automation",
        "guardRails": True,
    }
    assert content(with_approval(text, {"takeOver": False})) == {"mode": "automation", "takeOver": False}


@pytest.mark.parametrize(
    "value",
    ["{mode: automation, takeOver: true}", '{"mode": "automation",\n    "takeOver": true}'],
    ids=["flow", "JSON over two lines"],
)
def test_flow_style_is_kept(value: str) -> None:
    text = f"config:\n  {SECTION}: {value}\n  aws:region: eu-west-1  # home\n"
    changed = with_approval(text, {"mode": "just-in-time", "takeOver": None, "justInTime": {"autoApprovals": []}})
    assert content(changed) == {"mode": "just-in-time", "justInTime": {"autoApprovals": []}}
    assert changed.endswith("  aws:region: eu-west-1  # home\n")


def test_secret_stays_encrypted() -> None:
    text = f"config:\n  {SECTION}:\n    mode: automation\n    chatTopicArn:\n      secure: v1:xyz\n"
    assert "secure: v1:xyz" in with_approval(text, {"mode": "just-in-time"})


def test_section_encrypted_as_a_whole_is_refused() -> None:
    with pytest.raises(UnusableError, match="encrypted as a whole"):
        with_approval(f"config:\n  {SECTION}:\n    secure: v1:xyz\n", {"mode": "just-in-time"})


@pytest.mark.parametrize(
    "text",
    ["config: {}\n", "config:\n  aws:region: eu-west-1\n", f"config:\n  {SECTION}: '{{}}'\n", "[]\n", ""],
)
def test_file_without_the_section_is_refused(text: str) -> None:
    with pytest.raises(UnusableError, match="has no mapping"):
        with_approval(text, {"mode": "just-in-time"})


def test_anchors_are_refused_not_broken() -> None:
    text = f"config:\n  {SECTION}:\n    operatorRoles: &roles [Operator]\n    sharedOperatorRoles: *roles\n"
    with pytest.raises((UnusableError, yaml.YAMLError)):
        with_approval(text, {"operatorRoles": None})


def test_file_is_found_where_the_project_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shell-access\n")
    with pytest.raises(UnusableError, match="fleet up"):
        stack_file(tmp_path, "acme/shell-access/dev")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    assert stack_file(tmp_path, "acme/shell-access/dev") == tmp_path / "Pulumi.dev.yaml"
    (tmp_path / "Pulumi.yaml").write_text("name: shell-access\nstackConfigDir: stacks\n")
    with pytest.raises(UnusableError, match="stacks/Pulumi"):
        stack_file(tmp_path, "dev")
