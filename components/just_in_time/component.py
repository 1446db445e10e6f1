"""Approval policies of just-in-time node access, as a component resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from common.limits import excess_problems
from common.problems import raise_problems
from components.adoption.document_resource import ConvergingDocument
from components.adoption.lookup import program_clients, state_outputs
from components.just_in_time.documents import generated_texts, policy_documents
from components.just_in_time.prerequisites import check_prerequisites, open_requests_problems
from components.just_in_time.settings import just_in_time_problems

if TYPE_CHECKING:
    from components.just_in_time.settings import JustInTimeSettings


@dataclass(frozen=True, kw_only=True)
class JustInTimeAccessArgs:
    """Arguments of `JustInTimeAccess`.

    Attributes:
        settings: Settings of the policies.
        regions: Regions of the stack, each of which has all policies.
        owner: Name of the stack.
        take_over: Whether to take the documents over from another stack that owns them.
        replaced_documents: Names of the documents of a workflow that is removed.
        tags: Tags applied to all taggable resources.
    """

    settings: JustInTimeSettings
    regions: tuple[str, ...]
    owner: str
    take_over: bool = False
    replaced_documents: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict[str, str])


def check_just_in_time(args: JustInTimeAccessArgs) -> None:
    """Check the settings and what Quick Setup makes, before anything is registered.

    Raises:
        SettingsError: Settings contradict each other, a document is too large, or a prerequisite is missing.
    """
    raise_problems(just_in_time_problems(args.settings, ("approval", "justInTime")))
    clients = program_clients()
    found = check_prerequisites(args.settings, clients, args.regions, args.owner)
    for note in found.notes:
        pulumi.warn(note)
    unfinished = open_requests_problems(clients, state_outputs().values(), args.replaced_documents)
    raise_problems([*excess_problems(generated_texts(args.settings)), *found.problems, *unfinished])


class JustInTimeAccess(pulumi.ComponentResource):
    """Manual policies and the auto-approval policy in every Region.

    Attributes:
        outputs: `mode`, and `policies`: names of the documents. The outputs of a workflow are null.
    """

    def __init__(self, name: str, args: JustInTimeAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:justInTime:JustInTimeAccess", name, None, opts)
        documents = policy_documents(args.settings)
        for region in args.regions:
            for each in documents:
                ConvergingDocument(
                    f"{name}-{region}-{each.key}",
                    each,
                    region=region,
                    section="approval",
                    take_over=args.take_over,
                    tags=args.tags,
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.outputs: dict[str, pulumi.Input[str | None] | list[str]] = {
            "mode": "just-in-time",
            "runbookName": None,
            "changeTemplateName": None,
            "topicArn": None,
            "roleArn": None,
            "policies": [each.name for each in documents],
        }
        self.register_outputs(self.outputs)
