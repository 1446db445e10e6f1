"""docs/configuration.md, from the settings' own descriptions."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from components.approval.settings import ApprovalSettings, Approver
from components.domain_controllers.settings import (
    ClientPrefixList,
    ControllerSettings,
    DomainControllersSection,
    MonitoringSettings,
    QuotaSettings,
    SiteSettings,
    VolumeSettings,
)
from components.nodes.settings import (
    AgentsSettings,
    DefaultHostManagementSettings,
    NodesSection,
    RoleComplianceSettings,
)
from components.session_manager.settings import EndpointSettings, SessionManagerSection
from tools.docs.markdown import table

_INTRODUCTION = """<!-- Made by `make docs` from components/**/settings.py. -->
# Configuration

Keys of a stack's configuration (`Pulumi.<stack>.yaml`), under `shell-access:`. Every section is optional. A wrong value
stops before anything is touched, and every problem is named at once: the key, what was given, what is allowed.
Credentials, roles and endpoints are those of the AWS provider (`aws:region`, `aws:profile`, `aws:assumeRoles`, ...), and
what the stack does beside that provider (documents, the end of session grants) is done with the same ones.

| key | allowed | default | meaning |
| --- | --- | --- | --- |
| `regions` | a list of Regions, each once | the provider's Region | The Regions to govern. |
| `tags` | a mapping of names to text | none | Tags for everything that can carry them. |
| `permissionsBoundary` | the name or the ARN of a managed policy | none | The permissions boundary of every role that the stack makes. Ours, not the post's: see [deployer.md](deployer.md). |
| `takeOver` | true or false | false | Take the account over from another stack that governs it, with all that the sections of this stack name. Ours, not the post's: see [guarantees.md](guarantees.md). |
"""

_PREFERENCES = """Session Manager preferences in every Region. An empty section, `sessionManager: {}`, gives the
defaults of the AWS post; no section governs nothing. In `regionOverrides` any of these keys but `enabled`,
`instanceRoles` and `regionOverrides` may stand again for a Region."""

_ENDPOINTS = """VPC endpoints for nodes without a way to the internet: `ssm`, `ssmmessages` and `ec2messages`, `logs`
where sessions are logged to CloudWatch, `kms` where session data is encrypted, and the S3 gateway."""

_APPROVAL = """A session only after somebody else said yes: see docs/approval.md. The workflow lives in the first Region of
the stack and holds for all of them. Operators and approvers are principals of this account that exist."""

_CONTROLLERS = """Active Directory domain controllers that only the listed ports can reach, as the AWS post has it: security
groups and network ACLs from its port tables, their key, alerts, flow logs and a trail, and, where a site lists some,
the controllers themselves. `python -m operations ports` prints what is open to whom. Policies for people are made and
attached to nobody: see the output `domainControllerPolicyArns`."""

_SITE = """One site a Region; sites admit each other's controllers. The VPC gets the endpoints `ssm`, `ssmmessages`,
`ec2messages` and `ec2`, and what session logs need, unless `shell-access:endpoints` names the same VPC."""

_NODES = """Nodes that can hold a governed session: see docs/nodes.md. Each of the three parts is optional, and `{}` gives its
defaults."""

_SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("sessionManager", _PREFERENCES, SessionManagerSection),
    ("endpoints.<Region>", _ENDPOINTS, EndpointSettings),
    ("approval", _APPROVAL, ApprovalSettings),
    ("approval.approvers", "A list of these.", Approver),
    ("domainControllers", _CONTROLLERS, DomainControllersSection),
    ("domainControllers.sites.<Region>", _SITE, SiteSettings),
    ("domainControllers.sites.<Region>.controllers", "A list of these.", ControllerSettings),
    ("domainControllers.sites.<Region>.controllers.volumes", "A list of these.", VolumeSettings),
    ("domainControllers.clientPrefixLists.<name>", "By name.", ClientPrefixList),
    ("domainControllers.monitoring", "Who hears of what, and where it is kept.", MonitoringSettings),
    ("domainControllers.quotas", "Asked of AWS in the Service Quotas console.", QuotaSettings),
    ("nodes", _NODES, NodesSection),
    ("nodes.roleCompliance", "A rule of AWS Config, and its remediation.", RoleComplianceSettings),
    ("nodes.defaultHostManagement", "In every Region of the stack.", DefaultHostManagementSettings),
    ("nodes.agents", "An association of State Manager in every Region of the stack.", AgentsSettings),
)

_OUTPUTS = """## Outputs

| output | shape |
| --- | --- |
| `accountId`, `regions` | text, list of texts |
| `preferences` | by Region: `documentVersion`, `contentSha256`, `dataKeyArn`, `logsKeyArn`, `logGroupName` |
| `instancePolicyArn`, `operatorPolicyArn` | ARN |
| `instancePolicyArns` | list of ARNs: the instance policy, and further ones where its names are too long for one |
| `approval` | `mode`, `runbookName`, `changeTemplateName` (null in mode `automation`), `topicArn`, `roleArn` |
| `domainControllers` | by Region: `securityGroupIds`, `networkAclId`, `keyArn`, `instanceIds`, `ruleCounts` (by group: `ingress`, `egress`), `quotaHeadroom` |
| `domainControllerPolicyArns` | `portForwarding`, `accessRestriction` |
| `nodes` | `roleCompliance` (`ruleName`, `ruleArn`, `region`, `remediation`, `runbookName`, `remediationRoleArn`), `defaultHostManagement` (`roleName`, `roleArn`), `agents` (by Region: ID of the association), `minimumAgentVersions` (by Region) |

An output of a section that is absent is null, which the engine keeps as no value at all: it is missing from
`pulumi stack output --json`, and a stack reference gets `None`.
"""

_SECRETS = """## Secret settings

Set a key with `--secret`, and its values stay secret: the properties and outputs that hold one are encrypted in the state and
read `[secret]` in diffs, outputs and messages. The engine reports only which section of the configuration holds a secret, so
every text in that section counts as one; names of Regions and fixed words such as `automation` do not.

    pulumi config set --secret --path shell-access:sessionManager.linuxShellProfile "$(cat profile.sh)"

What the engine keeps in the clear all the same: URNs, which hold names of roles, e-mail addresses and networks; IDs and ARNs;
and, in a diff, what an existing resource is like before it is imported. A setting that becomes secret later is encrypted in what
an update then changes, and in every document and claim of this program; earlier states in the backend still hold it.
"""

_SIZES = """## Sizes

Everything that the settings make long is measured before anything is registered, against AWS' quotas: policies of IAM (6,144
characters each, 10,240 in a role, 2,048 of trust), of keys and topics, documents (64 KB), event patterns, and the managed
policies of roles and users that the settings name (10 by default, or what the account has). What does not fit is refused, with
its key.

The instance policy names what nodes write to, Region by Region. Where that is too long for one policy, the Regions move from the
ARNs into conditions, and what is too long even so becomes further policies (`ShellAccessSessionManagerNode-2`, ...), which nodes
need as well: the stack attaches all of them, and the rule and the remediation of `nodes.roleCompliance` know them. So do
`python -m operations verify` and the outputs. One name of a log group for all Regions, and a short prefix, keep it one policy.
"""


def configuration_page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION]
    for key, meaning, model in _SECTIONS:
        parts.append(f"## `shell-access:{key}`\n\n{meaning}\n\n{fields(model)}\n")
    return "\n".join([*parts, _SECRETS, _SIZES, _OUTPUTS])


def fields(model: type[BaseModel]) -> str:
    """Return a table of a section's keys."""
    rows: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        extra = cast("dict[str, str]", field.json_schema_extra or {})
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = "required" if default is PydanticUndefined else _value(default)
        rows.append((f"`{field.alias or name}`", extra.get("allowed", ""), shown, field.description or ""))
    return table(("key", "allowed", "default", "meaning"), rows)


def _value(default: Any) -> str:
    several = cast("list[Any]", default) if isinstance(default, list) else [default]
    if any(isinstance(each, BaseModel) for each in several):
        return "theirs"
    return "none" if default is None else f"`{json.dumps(default)}`"
