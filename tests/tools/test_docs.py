from pathlib import Path

import pytest

from tools.docs import PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_matches_the_code(page: Path) -> None:
    assert page.read_text() == PAGES[page](), "run: make docs"
