"""EventBridge rules: their state, event pattern and targets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.inventory.monitoring import EventRule


@dataclass(frozen=True, kw_only=True)
class WantedTarget:
    """A target of a rule.

    Attributes:
        arn: ARN of the target.
        role: ARN of the role that EventBridge assumes; None: none.
    """

    arn: str
    role: str | None = None


def rule_faults(
    pattern: Mapping[str, Any] | None, wanted: Mapping[str, WantedTarget], live: EventRule | None
) -> list[str] | Unread:
    """Return the differences between a rule and the settings, as text.

    Args:
        pattern: Event pattern; None: not known, and not compared.
        wanted: Targets by ID.
        live: The rule of the account.
    """
    if live is None:
        return ["no such rule"]
    if isinstance(live.targets, Unread):
        return live.targets
    said = [] if live.state != "DISABLED" else ["it is disabled"]
    if pattern is not None and _sorted(pattern) != _sorted(json.loads(live.pattern)):
        said.append("its pattern differs")
    targets = {str(each["Id"]): each for each in live.targets}
    for target_id, each in wanted.items():
        target = targets.get(target_id)
        if target is None or target["Arn"] != each.arn:
            said.append(f"it does not send to {each.arn}")
        elif target.get("RoleArn") != each.role:
            said.append(f"it sends to {each.arn} with the role {target.get('RoleArn')}")
        elif any(target.get(name) for name in ("Input", "InputPath", "InputTransformer")):
            said.append(f"it changes the message to {each.arn}")
    return said


def _sorted(pattern: Any) -> Any:
    """Sort values, whose order is irrelevant in a pattern (EventBridge User Guide, "Event patterns")."""
    if isinstance(pattern, dict):
        return {key: _sorted(value) for key, value in cast("dict[str, Any]", pattern).items()}
    if isinstance(pattern, list):
        return sorted((_sorted(each) for each in cast("list[Any]", pattern)), key=repr)
    return pattern
