from typing import Any

import pytest

from policies.foundations.ssm_document_not_shared import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

DOCUMENT = "aws:ssm/document:Document"

both_keys = pytest.mark.parametrize("key", ["accountIds", "account_ids"])


@both_keys
@pytest.mark.parametrize("accounts", ["123456789012", "123456789012, 210987654321"])
def test_named_accounts_are_fine(key: str, accounts: str) -> None:
    assert judge(RULE, DOCUMENT, {"permissions": {"type": "Share", key: accounts}}) == SILENT


def test_document_that_is_not_shared_is_fine() -> None:
    assert judge(RULE, DOCUMENT, {}) == SILENT


@both_keys
@pytest.mark.parametrize("accounts", ["all", "All", "ALL", "123456789012,all", "*"])
def test_sharing_with_every_account_is_refused(key: str, accounts: str) -> None:
    (said,) = violations(RULE, DOCUMENT, {"permissions": {"type": "Share", key: accounts}})
    assert said.startswith(f'{DOCUMENT} "subject": permissions.{key}: found "{accounts}"')


@pytest.mark.parametrize("permissions", [UNKNOWN, {"accountIds": UNKNOWN}])
def test_accounts_that_are_not_known_yet_are_said(permissions: Any) -> None:
    assert judge(RULE, DOCUMENT, {"permissions": permissions}).unseen
