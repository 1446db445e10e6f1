from pathlib import Path

import pytest

from common.validation import Section
from tools.docs import PAGES
from tools.docs.configuration import SECTIONS, section_model


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_matches_the_code(page: Path) -> None:
    assert page.read_text() == PAGES[page](), "run: make docs"


def test_configuration_page_has_every_section() -> None:
    shown = [section_model(key) for key in SECTIONS]
    kinds = [each for each in sections(Section) if each.__module__.startswith("components.")]
    assert len(kinds) > 30
    assert [each.__name__ for each in kinds if not any(issubclass(one, each) for one in shown)] == []


def sections(base: type[Section]) -> list[type[Section]]:
    return [one for each in base.__subclasses__() for one in (each, *sections(each))]
