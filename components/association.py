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

    Attributes:
        name: Name of the association.
        document: Name of the document that runs.
        schedule: Rate or cron expression, in UTC.
        targets: Values by key: `InstanceIds`, or `tag:` and the key of a tag.
        parameters: Parameters of the document.
        max_concurrency: Maximum of nodes at a time, a number or a percentage.
        max_errors: Maximum of failed nodes, a number or a percentage.
        controller: Name of the one domain controller that is its target, by the ID of its instance, besides `targets`; "": none.
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
    """Register an association.

    Args:
        name: Name of the resource.
        plan: The association.
        region: Region of the nodes.
        tags: Tags applied to all taggable resources.
        opts: Options of the resource.
        instance_ids: IDs of instances that are targets, too, as a plan cannot know them.
    """
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
