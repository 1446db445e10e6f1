"""Session Manager preferences in every Region of a stack, with the resources that they name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.iam import Policy, RolePolicyAttachment
from pulumi_aws.ssm import Parameter

from common.problems import raise_problems
from components.adoption.adopted_resource import AdoptedResource, with_prior_tags
from components.adoption.resource_kinds import Kind
from components.secret_marking import marked
from components.session_manager.document_provider import RunShellDocument, RunShellDocumentArgs
from components.session_manager.instance_policy import instance_policies
from components.session_manager.key_policies import data_key_policy, logs_key_policy
from components.session_manager.keys import AliasedKey
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS, numbered
from components.session_manager.settings import cross_problems, preferences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.statements import Policy as PolicyDocument
    from components.account import Account
    from components.session_manager.settings import SessionManagerSettings


@dataclass(frozen=True, kw_only=True)
class RegionalPreferencesArgs:
    """Arguments of `RegionalPreferences`.

    Attributes:
        region: Region of the preferences.
        settings: Settings of this Region, with overrides merged.
        account: Account of the stack.
        tags: Tags applied to all taggable resources.
        data_key_tags: Further tags of the key for session data.
        before_publication: Resources that must exist before sessions use the document.
    """

    region: str
    settings: SessionManagerSettings
    account: Account
    tags: dict[str, str] = field(default_factory=dict[str, str])
    data_key_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    before_publication: tuple[pulumi.Resource, ...] = ()


class RegionalPreferences(pulumi.ComponentResource):
    """Keys, log group and, once all of them exist, the preferences document of one Region.

    Attributes:
        outputs: `documentVersion`, `contentSha256`, `dataKeyArn`, `logsKeyArn`, `logGroupName`; null where the
            settings do not use them.
    """

    def __init__(self, name: str, args: RegionalPreferencesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:sessionManager:RegionalPreferences", name, None, opts)
        self._name, self._args = name, args
        self._named: list[pulumi.Resource] = [*args.before_publication]
        data_key = self._data_key() if args.settings.session_data_encryption else None
        logs_key = self._logs_key() if args.settings.encrypts_created_log_group else None
        if args.settings.create_cw_log_group:
            self._log_group(logs_key)
        document = self._document(data_key)
        self.outputs: dict[str, pulumi.Input[str | None]] = {
            "documentVersion": document.document_version,
            "contentSha256": document.content_sha256,
            "dataKeyArn": data_key.key.arn if data_key else None,
            "logsKeyArn": logs_key.key.arn if logs_key else None,
            "logGroupName": marked(args.settings.cw_log_group_name or None),
        }
        self.register_outputs(self.outputs)

    def _data_key(self) -> AliasedKey:
        account, retained = self._args.account, self._args.settings.retains_document
        key = AliasedKey(
            f"{self._name}-data",
            alias=DATA_KEY_ALIAS,
            description="Session Manager: session data",
            policy=data_key_policy(partition=account.partition, account_id=account.id),
            region=self._args.region,
            tags={**self._args.tags, **self._args.data_key_tags},
            retain=retained,
            opts=pulumi.ResourceOptions(parent=self),
        )
        adopted = self._adopted(Kind.PARAMETER, DATA_KEY_PARAMETER, key.key.key_id, retain=retained)
        parameter = Parameter(
            f"{self._name}-data-key",
            name=DATA_KEY_PARAMETER,
            type="String",
            insecure_value=key.key.key_id,
            description="ID of the KMS key for Session Manager session data",
            region=self._args.region,
            tags=with_prior_tags(Kind.PARAMETER, self._args.region, DATA_KEY_PARAMETER, self._args.tags),
            opts=adopted.import_options(self),
        )
        self._named += [key, parameter]
        return key

    def _logs_key(self) -> AliasedKey:
        account, region = self._args.account, self._args.region
        key = AliasedKey(
            f"{self._name}-logs",
            alias=LOGS_KEY_ALIAS,
            description="Session Manager: session logs",
            policy=logs_key_policy(
                partition=account.partition,
                account_id=account.id,
                region=region,
            ),
            region=region,
            tags=self._args.tags,
            retain=self._args.settings.retains_logs,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._named.append(key)
        return key

    def _log_group(self, logs_key: AliasedKey | None) -> None:
        settings, name = self._args.settings, self._args.settings.cw_log_group_name
        key_arn = logs_key.key.arn if logs_key else None
        adopted = self._adopted(
            Kind.LOG_GROUP,
            name,
            key_arn or "",
            retain=settings.retains_logs,
            retention_days=None if settings.shorten_log_retention else settings.log_retention_days,
        )
        self._named.append(
            LogGroup(
                f"{self._name}-logs",
                name=name,
                retention_in_days=settings.log_retention_days,
                kms_key_id=key_arn,
                region=self._args.region,
                tags=with_prior_tags(
                    *(Kind.LOG_GROUP, self._args.region, name, self._args.tags),
                    key_alias=LOGS_KEY_ALIAS if logs_key else "",
                ),
                opts=adopted.import_options(self),
            )
        )

    def _adopted(
        self, kind: Kind, name: str, value: pulumi.Input[str], *, retain: bool, retention_days: int | None = None
    ) -> AdoptedResource:
        return AdoptedResource(
            f"{self._name}-{kind}",
            kind=kind,
            region=self._args.region,
            physical_name=name,
            value=value,
            retain=retain,
            retention_days=retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _document(self, data_key: AliasedKey | None) -> RunShellDocument:
        """Publish the document last: sessions fail or are not logged while a resource that it names is missing."""
        args = self._args
        return RunShellDocument(
            self._name,
            RunShellDocumentArgs(
                region=args.region,
                preferences=preferences(
                    args.settings,
                    account_id=args.account.id,
                    region=args.region,
                    kms_key_id=data_key.key.key_id if data_key else "",
                ),
                account_id=args.account.id,
                on_destroy=args.settings.on_destroy,
                take_over=args.settings.take_over,
                bucket_owner=args.settings.s3_bucket_owner if args.settings.s3_logging else "",
                bucket_key_arn=args.settings.s3_kms_key_arn if args.settings.s3_logging else "",
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._named),
        )


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
