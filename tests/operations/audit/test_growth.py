"""The work of an audit grows as the account does."""

from functools import partial

from bench.growth import audited
from tests.support.work import work_of


def test_audit_of_more_principals_takes_work_in_proportion() -> None:
    few, many = (work_of(partial(audited, size)) for size in (100, 600))
    assert many < 9 * few
