"""Pages of lists; a token is the number of items before the page."""

from typing import Any


def page(items: list[Any], size: int, token: Any) -> tuple[list[Any], dict[str, str]]:
    """Return the page that begins at a token, and `NextToken` of the next page if there is one."""
    start = int(token or 0)
    end = start + size
    return items[start:end], {"NextToken": str(end)} if end < len(items) else {}
