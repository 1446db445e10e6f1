"""Transcripts of the documentation: what counts as the same output."""

import pytest

from local.workspace import REPOSITORY
from tests.support.transcripts import Step, masked, transcripts, with_outputs

PAGE = """\
Text.

```console
$ first | head -n 1
one
two
$ second
```

```console
$ third
```
"""


def test_transcript_has_commands_with_their_outputs() -> None:
    assert transcripts(PAGE) == [
        [Step("first | head -n 1", "one\ntwo"), Step("second", "")],
        [Step("third", "")],
    ]


def test_page_with_its_own_outputs_is_unchanged() -> None:
    assert with_outputs(PAGE, transcripts(PAGE)) == PAGE
    page = (REPOSITORY / "docs" / "first-minutes.md").read_text()
    assert with_outputs(page, transcripts(page)) == page
    assert len(transcripts(page)) == 5


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("target i-0123456789abcdef0", "target i-fedcba98", True),
        ("ended 01:44, in 3 s", "ended 23:59, in 12 s", True),
        ("206 of 206 checks ok", "7 of 9 checks ok", True),
        ("│ e39ab11f │", "│ 2e40c43e │", True),
        ("group clients-ipv4-3-188010-1", "group clients-ipv4-3-5478cc-1", True),
        ("group clients-ipv4-3-188010-1", "group clients-ipv4-7-188010-1", False),
        ("denied", "permitted", False),
        ("10.10.3.4", "10.10.3.5", False),
        ("account 123456789012", "account 210987654321", False),
        ("1 critical", "2 critical", False),
    ],
)
def test_masks_hide_ids_times_and_totals_only(one: str, other: str, *, is_same: bool) -> None:
    assert (masked(one) == masked(other)) == is_same
