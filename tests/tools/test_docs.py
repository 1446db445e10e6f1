from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.docs import PAGES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_is_what_the_code_says(page: Path) -> None:
    assert page.read_text() == PAGES[page](), "run: make docs"
