"""State Manager associations: the plan as plain data, and the registration of its resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi_aws import ssm


@dataclass(frozen=True, kw_only=True)
class AssociationPlan:
    """An association.

    The schedule is a rate or a cron expression in UTC; targets are values by `InstanceIds`, or `tag:` and the key of a
    tag; maxima are numbers or percentages of nodes. A `controller` is a target, too, by the ID of its instance.
    """

    name: str
    document: str
    schedule: str
    targets: Mapping[str, Sequence[str]]
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    max_concurrency: str = "1"
    max_errors: str = "0"
    controller: str = ""


def register_association(  # noqa: PLR0913 -- keyword arguments of a resource
    name: str,
    plan: AssociationPlan,
    *,
    region: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
    instance_ids: Sequence[pulumi.Input[str]] = (),
) -> ssm.Association:
    """Register an association; instances are targets, too, where a plan cannot know their IDs."""
    # Imported here, as commands need the class only.
    from pulumi_aws.ssm import Association, AssociationTargetArgs  # noqa: PLC0415

    targets: dict[str, Sequence[pulumi.Input[str]]] = {
        **plan.targets,
        **({"InstanceIds": instance_ids} if instance_ids else {}),
    }
    return Association(
        name,
        name=plan.document,
        association_name=plan.name,
        schedule_expression=plan.schedule,
        max_concurrency=plan.max_concurrency,
        max_errors=plan.max_errors,
        parameters=plan.parameters,
        targets=[AssociationTargetArgs(key=key, values=list(values)) for key, values in sorted(targets.items())],
        region=region,
        tags=tags,
        opts=opts,
    )
