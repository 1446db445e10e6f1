"""Reading of properties of which some are not known yet."""

from typing import Any

import pytest
from pulumi_policy.proxy import unknown_checking_proxy

from policies.findings import UNKNOWN, Resource, Unseen, Violation, is_given, is_true
from tests.policies.judging import UNKNOWN as UNKNOWN_ON_THE_WIRE


def resource(properties: dict[str, Any], path: str = "") -> Resource:
    return Resource(type="aws:kms/key:Key", name="key", properties=unknown_checking_proxy(properties), path=path)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param(False, False, id="switch"),
        pytest.param(90.0, 90, id="number"),
        pytest.param(0.5, 0.5, id="fraction"),
        pytest.param(None, None, id="null"),
        pytest.param(UNKNOWN_ON_THE_WIRE, UNKNOWN, id="unknown"),
        pytest.param(["a", UNKNOWN_ON_THE_WIRE], ["a", UNKNOWN], id="list with an unknown"),
        pytest.param(
            {"known": [{"from": 1.0}], "not": UNKNOWN_ON_THE_WIRE},
            {"known": [{"from": 1}], "not": UNKNOWN},
            id="nested",
        ),
    ],
)
def test_value_is_read_as_plain_data(sent: Any, read: Any) -> None:
    assert resource({"value": sent, "other": UNKNOWN_ON_THE_WIRE}).value("value") == read


def test_absent_property_reads_as_none() -> None:
    assert resource({}).value("value") is None


def test_require_reports_violations_and_unknown_values() -> None:
    some = resource({"on": True, "off": False, "unknown": UNKNOWN_ON_THE_WIRE}, path="content.")
    assert list(some.require("on", is_true, "true")) == []
    assert list(some.require("off", is_true, "true")) == [Violation("content.off", "false", "true")]
    assert list(some.require("absent", is_true, "true")) == [Violation("content.absent", "no value", "true")]
    assert list(some.require("unknown", is_true, "true")) == [Unseen("content.unknown")]


def test_require_given_takes_what_is_not_known_for_given() -> None:
    some = resource({"given": "x", "empty": "", "unknown": UNKNOWN_ON_THE_WIRE})
    assert list(some.require_given("given", "a name")) == []
    assert list(some.require_given("unknown", "a name")) == []
    assert list(some.require_given("empty", "a name")) == [Violation("empty", '""', "a name")]


@pytest.mark.parametrize(
    ("value", "given"), [("x", True), (UNKNOWN, True), ("", False), (" ", False), (None, False), (1, False)]
)
def test_what_is_given(value: object, *, given: bool) -> None:
    assert is_given(value) is given


def test_long_value_is_shortened_in_messages() -> None:
    violation = resource({"value": "x" * 200}).violation("value", "less")
    assert violation.found == '"' + "x" * 79 + "..."
