"""Events, and their evaluation by EventBridge ("Event patterns" in its User Guide)."""

from __future__ import annotations

from typing import Any


def call(service: str, operation: str, who: str = "", /, **parameters: Any) -> dict[str, Any]:
    """An API call that CloudTrail recorded."""
    detail = {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "userIdentity": {"arn": who},
        "requestParameters": parameters,
    }
    return {"source": f"aws.{service}", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


def matches(pattern: Any, event: Any) -> bool:
    """Match as EventBridge does, for the operators that the patterns have."""
    if isinstance(pattern, list):
        values = event if isinstance(event, list) else [event]
        return any(_value_matches(each, value) for each in pattern for value in values)
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    if not isinstance(event, dict):
        return False
    alternatives = pattern.get("$or")
    if alternatives and not any(matches(each, event) for each in alternatives):
        return False
    return all(key in event and matches(wanted, event[key]) for key, wanted in pattern.items() if key != "$or")


def _value_matches(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return wanted == value
    ((operator, operand),) = wanted.items()
    if operator == "prefix":
        return str(value).startswith(operand)
    if operator == "equals-ignore-case":
        return str(value).lower() == operand.lower()
    assert operator == "anything-but", operator
    return not str(value).startswith(operand["prefix"])
