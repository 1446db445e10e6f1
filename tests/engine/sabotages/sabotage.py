"""The form of a sabotage."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.engine.sabotages.findings import base_check
from tests.engine.sabotages.resource import Change, Live, Resource, Undo

REFRESH = ""
"""In place of a finding: `verify` does not look at it."""


@dataclass(frozen=True)
class Sabotage:
    """A change of one attribute.

    Attributes:
        type: type of the resource.
        attribute: input of the resource, or a state that AWS reports.
        change: makes the change.
        check: ID of the finding, with `{}` for that of the resource; REFRESH: only a refresh shows it.
        applies: names of the resources begin or end so; all, where it is empty.
        also: findings that report it, too.
    """

    type: str
    attribute: str
    change: Change
    check: str = "{}"
    applies: str = ""
    also: tuple[str, ...] = ()

    def concerns(self, resource: Resource) -> bool:
        """Return whether the sabotage can be tried on a resource."""
        fits = resource.name.startswith(self.applies) or resource.name.endswith(self.applies)
        return self.type == resource.type and fits

    def expected(self, resource: Resource) -> str:
        """Return the ID of the finding about a resource."""
        return self.check.format(base_check(resource))


def do(change: Callable[..., Undo], /, **given: Any) -> Change:
    """Return a change with its arguments."""
    return lambda live, each: change(live, each, **given)


def deleted(service: str, operation: str, parameter: str, source: str = "") -> Change:
    """Return the deletion of a resource by one call; `source` is the input that names it, its ID by default."""

    def delete(live: Live, each: Resource) -> None:
        value: Any = each.inputs[source] if source else each.id
        several = parameter.endswith("s")
        getattr(live.aws(service, each.region), operation)(**{parameter: [value] if several else value})

    return delete
