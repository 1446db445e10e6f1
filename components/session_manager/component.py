"""Session Manager preferences in every Region of a stack."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.iam import Policy, RolePolicyAttachment

from common.problems import raise_problems
from components.adoption.adopted_resource import AdoptedResource
from components.adoption.resource_kinds import Kind
from components.session_manager.instance_policy import instance_policies
from components.session_manager.names import numbered
from components.session_manager.preferences import RegionalPreferences, RegionalPreferencesArgs
from components.session_manager.settings import cross_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.statements import Policy as PolicyDocument
    from components.account import Account
    from components.session_manager.settings import SessionManagerSettings


# IAM does not change descriptions: another text replaces the policy.
_DESCRIPTION = "What a node needs for governed sessions, on top of what the SSM Agent needs to run"


@dataclass(frozen=True, kw_only=True)
class SessionManagerArgs:
    """Arguments of `SessionManager`.

    Attributes:
        settings: Settings by governed Region; the first contains global resources.
        account: Account of the stack.
        instance_roles: Names of existing roles that get the instance policies.
        tags: Tags applied to all taggable resources.
        data_key_tags: Further tags of the keys for session data.
    """

    settings: Mapping[str, SessionManagerSettings]
    account: Account
    instance_roles: Sequence[str] = ()
    tags: dict[str, str] = field(default_factory=dict[str, str])
    data_key_tags: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            SettingsError: Settings contradict each other; lists all problems.
        """
        raise_problems(
            [each for region, own in self.settings.items() for each in cross_problems(own, ("sessionManager", region))]
        )


class SessionManager(pulumi.ComponentResource):
    """Preferences in every Region, and the permissions that nodes need for them.

    Attributes:
        preferences: Outputs by Region, see `RegionalPreferences.outputs`.
        instance_policy_arns: ARNs of the managed policies for instance roles, which need all of them; several only
            where one policy cannot hold all Regions, none where no feature needs a permission.
    """

    def __init__(self, name: str, args: SessionManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:sessionManager:SessionManager", name, None, opts)
        permissions = self._node_permissions(name, args)
        regional = {
            region: RegionalPreferences(
                f"{name}-{region}",
                RegionalPreferencesArgs(
                    region=region,
                    settings=settings,
                    account=args.account,
                    tags=args.tags,
                    data_key_tags=args.data_key_tags,
                    before_publication=permissions,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for region, settings in args.settings.items()
        }
        self.preferences = {region: each.outputs for region, each in regional.items()}
        self.register_outputs({"preferences": self.preferences, "instancePolicyArns": list(self.instance_policy_arns)})

    def _node_permissions(self, name: str, args: SessionManagerArgs) -> tuple[pulumi.Resource, ...]:
        documents = instance_policies(args.settings, partition=args.account.partition, account_id=args.account.id)
        policies = {
            logical: self._instance_policy(logical, physical, document, args)
            for logical, (physical, document) in numbered(f"{name}-node", documents.items()).items()
        }
        self.instance_policy_arns = tuple(policy.arn for policy in policies.values())
        return (
            *policies.values(),
            *(
                RolePolicyAttachment(
                    f"{logical}-{role}", role=role, policy_arn=policy.arn, opts=pulumi.ResourceOptions(parent=self)
                )
                for logical, policy in policies.items()
                for role in args.instance_roles
            ),
        )

    def _instance_policy(
        self, logical: str, physical: str, content: PolicyDocument, args: SessionManagerArgs
    ) -> Policy:
        arn = f"arn:{args.account.partition}:iam::{args.account.id}:policy/{physical}"
        document, region = json.dumps(content), next(iter(args.settings))
        made_of = json.dumps({"PolicyDocument": document, "Description": _DESCRIPTION})
        adopted = AdoptedResource(
            logical,
            kind=Kind.POLICY,
            region=region,
            physical_name=arn,
            value=made_of,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return Policy(
            logical,
            name=physical,
            description=_DESCRIPTION,
            policy=document,
            tags=args.tags,
            opts=adopted.import_options(self),
        )
