"""Warnings about log groups that an update deletes with their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pulumi

from components.adoption.adopted_resource import RESOURCE_TYPE
from components.adoption.inventory import type_and_name
from components.adoption.lookup import state_outputs
from components.adoption.resource_kinds import Kind
from components.secret_marking import program_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"


def watch_log_groups() -> Callable[[], None]:
    """Note each log group that is registered from now on, and return the function that warns about the others.

    The preview of a log group that is deleted looks like that of one that is retained.
    """
    kept: set[tuple[str, str]] = set()

    def noted(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == _LOG_GROUP:
            kept.add((str(args.props.get("region")), str(args.props.get("name"))))

    pulumi.runtime.register_stack_transformation(noted)

    def warn() -> None:
        for message in deleted_logs(state_outputs(), kept):
            pulumi.log.warn(program_secrets().without(message))

    return warn


def deleted_logs(outputs: Mapping[str, Mapping[str, Any]], kept: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield a message about each log group that is deleted with its logs.

    Args:
        outputs: Outputs of the resources in the state, by URN.
        kept: Region and name of each log group that the stack has from now on.
    """
    groups: list[tuple[str, str]] = []
    adopted: dict[tuple[str, str], Mapping[str, Any]] = {}
    for urn, each in outputs.items():
        token, place = type_and_name(urn)[0], (str(each.get("region")), str(each.get("name")))
        if token == _LOG_GROUP and not each.get("skipDestroy"):
            groups.append(place)
        elif token == RESOURCE_TYPE and each.get("kind") == Kind.LOG_GROUP:
            adopted[place] = each
    for region, name in sorted(groups):
        record = adopted.get((region, name))
        if (region, name) in kept or (record and ({"prior", "priorRecord"} & record.keys() or record.get("retain"))):
            continue
        fix = "Export the logs first, if they are needed"
        if record:
            fix = "To keep it, first set shell-access:sessionManager.retainLogs to true and run pulumi up, then make this change"
        yield f"The log group {name} in {region} is deleted with its logs. {fix}."
