from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.approval.scripts import check_request, grants, people, reason
from tests.components.approval.scripted_account import Account

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Account]:
    """Makes the account that the scripts see: `account(run(OWN), trusting=...)`."""

    def make(*runs: Any, **more: Any) -> Account:
        made = Account(*runs, **more)
        for module in (check_request, grants, people, reason):
            monkeypatch.setattr(module, "client", made.client)
        monkeypatch.setattr(grants.time, "monotonic", made.monotonic)
        monkeypatch.setattr(grants.time, "sleep", made.sleep)
        return made

    return make
