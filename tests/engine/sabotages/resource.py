"""Resources of the stack, and the local AWS that is changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.emulator import change_settings

Aws = Callable[..., Any]

Undo = Callable[[], object]

ACCOUNT = "123456789012"

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}

ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@dataclass(frozen=True)
class Resource:
    """A resource of the stack's state.

    Attributes:
        type: its type, without the package: `Key`.
        name: its logical name.
        id: its ID.
        inputs: its inputs.
        arn: its ARN; "": it has none.
    """

    type: str
    name: str
    id: str
    inputs: dict[str, Any]
    arn: str = ""

    @property
    def region(self) -> str:
        return self.inputs.get("region", "eu-west-1")


@dataclass(frozen=True)
class Live:
    """The local AWS that is changed.

    Attributes:
        aws: clients by service and Region.
        endpoint: its address.
        states: states that it is to report.
    """

    aws: Aws
    endpoint: str
    states: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def report(self, id_: str, **state: Any) -> Undo:
        """Let AWS report a state that a resource comes to by itself."""
        self.states[id_] = state
        change_settings(self.endpoint, {"reportedStates": self.states})

        def undo() -> None:
            del self.states[id_]
            change_settings(self.endpoint, {"reportedStates": self.states})

        return undo


Change = Callable[[Live, Resource], Undo | None]


def policy_text(principal: object = "*") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**OPEN, "Principal": principal}]})
