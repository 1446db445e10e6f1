"""docs/configuration.md and docs/fleet-file.md, from the settings' own descriptions."""

import json
from typing import Any, Final, cast, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from components.settings import SECTION_MODELS
from operations.fleet.fleet_file import FleetSettings
from tools.docs.markdown import table

_INTRODUCTION = """<!-- Made by `make docs` from components/**/settings.py. -->
# Configuration

Keys of a stack's configuration (`Pulumi.<stack>.yaml`), in the namespace `shell-access:`. Every section is optional. All invalid
values are reported together, before any resource changes, with the key, the expected value and the actual value. Write an
account ID, or a tag whose value is a number, in quotes; with `pulumi config set --path`, add `--type string`.
Credentials, roles and endpoints are those of the AWS provider (`aws:region`, `aws:profile`, `aws:assumeRoles`, ...). Calls
that the stack makes itself (documents, the end of session grants) use the same ones. *The AWS post* of a section is the one in
the [README](../README.md); keys that it does not have say so.

| key | allowed | default | meaning |
| --- | --- | --- | --- |
| `regions` | a list of Regions, each once | the provider's Region | Regions of the stack. |
| `tags` | a mapping of names to text | none | Tags applied to all taggable resources. |
| `permissionsBoundary` | the name or the ARN of a managed policy | none | Permissions boundary of every role that the stack creates. Not part of the AWS post: see [deployer.md](deployer.md). |
| `takeOver` | true or false | false | Take over the account from another stack, with all resources of the sections of this stack. Not part of the AWS post: see [guarantees.md](guarantees.md). |
"""

_PREFERENCES = """Session Manager preferences in every Region. An empty section, `sessionManager: {}`, uses the
defaults of the AWS post; without the section, the stack does not manage preferences. `regionOverrides` sets any of these keys
except `enabled`, `instanceRoles` and `regionOverrides` for a Region."""

_ENDPOINTS = """VPC endpoints for nodes without internet access: `ssm`, `ssmmessages` and `ec2messages`, `logs`
if sessions are logged to CloudWatch, `kms` if session data is encrypted, and the S3 gateway."""

_APPROVAL = """Session approval (separation of duties): see [approval.md](approval.md). The workflow is in the first Region of
the stack and applies to all of them. Operators and approvers are existing principals of this account."""

_CONTROLLERS = """Active Directory domain controllers that are reachable on the listed ports only, as in the AWS post: security
groups and network ACLs from its port tables, a key, alerts, flow logs and a trail, and, if a site lists some,
the controllers themselves. `python -m operations ports` prints the open ports by source. Policies for administrators are created
and not attached: see the output `domainControllerPolicyArns`."""

_SITE = """One site per Region; sites admit each other's controllers. The VPC gets the endpoints `ssm`, `ssmmessages`,
`ec2messages` and `ec2`, and those for session logs and for the operation of controllers (`logs`, `monitoring`, a gateway for
S3), unless `shell-access:endpoints` names the same VPC."""

_ACCOUNT_ACCESS = """Entitlements of account access manager, in the account of its application or its delegated administrator: one for
each person and account, for the stacks with `approval.identityCenter.access: account-access-manager`. See
[Operators of IAM Identity Center](approval.md#operators-of-iam-identity-center)."""

_NODES = """Preparation of nodes for sessions: see [nodes.md](nodes.md). Each of the three parts is optional, and `{}` gives its
defaults."""

SECTIONS: Final = {
    "sessionManager": _PREFERENCES,
    "endpoints.<Region>": _ENDPOINTS,
    "approval": _APPROVAL,
    "approval.approvers": "A list of mappings with these keys.",
    "approval.operators": "A list of mappings with these keys: see [Operators of IAM Identity Center](approval.md#operators-of-iam-identity-center).",
    "approval.identityCenter": "Sign-in of the operators in `operators`.",
    "approval.breakGlass": "[Emergency access](approval.md#emergency-access).",
    "approval.evidence": "[Keeping the records](evidence.md#keeping-the-records).",
    "approval.evidence.trail": "Existing trail that `evidence --athena` reads.",
    "approval.justInTime": "Policies in every Region of the stack: see [just-in-time.md](just-in-time.md).",
    "approval.justInTime.manualPolicies": "A list of mappings with these keys.",
    "approval.justInTime.manualPolicies.levels": "A list of mappings with these keys.",
    "approval.justInTime.manualPolicies.levels.approvers": "A list of mappings with these keys.",
    "approval.justInTime.autoApprovals": "A list of mappings with these keys.",
    "accountAccess": _ACCOUNT_ACCESS,
    "accountAccess.operators": "A list of mappings with these keys.",
    "domainControllers": _CONTROLLERS,
    "domainControllers.sites.<Region>": _SITE,
    "domainControllers.sites.<Region>.controllers": "A list of mappings with these keys.",
    "domainControllers.sites.<Region>.controllers.volumes": "A list of mappings with these keys.",
    "domainControllers.clientPrefixLists.<name>": "A mapping by name. Each value has these keys.",
    "domainControllers.monitoring": "Alerts, flow logs and the trail.",
    "domainControllers.eventLogs": "For sites that create controllers: see [Event logs](domain-controllers.md#event-logs).",
    "domainControllers.backups": "For sites that create controllers: see [recovery.md](recovery.md).",
    "domainControllers.backups.buckets.<Region>": "One for each site that creates controllers.",
    "domainControllers.patching": "For sites that create controllers: see [Patching](domain-controllers.md#patching).",
    "domainControllers.health": "For sites that create controllers: see [Health](domain-controllers.md#health).",
    "domainControllers.promotion": "For sites that create controllers: see [Promotion](domain-controllers.md#promotion).",
    "domainControllers.promotion.secrets.<Region>": "One for each site that creates controllers.",
    "domainControllers.promotion.newForest": "Only for the first controllers of a new forest.",
    "domainControllers.additionalDestinations.<name>": "A mapping by name. Each value has these keys, also in `additionalSources`.",
    "domainControllers.resolverEndpoints": "See [Name resolution](domain-controllers.md#name-resolution).",
    "domainControllers.resolverEndpoints.sites.<Region>": "One per site with endpoints.",
    "domainControllers.detection": "See [Detection services](domain-controllers.md#detection-services).",
    "domainControllers.detection.guardDuty": "One detector per site.",
    "domainControllers.detection.inspector": "Scans of EC2 instances.",
    "domainControllers.detection.inspector.cisScans": "One scan configuration per site.",
    "domainControllers.detection.securityHub": "One hub per site.",
    "domainControllers.quotas": "Quotas as shown in the Service Quotas console.",
    "nodes": _NODES,
    "nodes.roleCompliance": "A rule of AWS Config, and its remediation.",
    "nodes.defaultHostManagement": "In every Region of the stack.",
    "nodes.agents": "An association of State Manager in every Region of the stack.",
}
"""Meaning of each section, by its key."""

_OUTPUTS = """## Outputs

| output | shape |
| --- | --- |
| `accountId`, `regions` | text, list of texts |
| `preferences` | by Region: `documentVersion`, `contentSha256`, `dataKeyArn`, `logsKeyArn`, `logGroupName` |
| `instancePolicyArn`, `operatorPolicyArn` | ARN |
| `instancePolicyArns` | list of ARNs: the instance policy, and further ones where its names are too long for one |
| `approval` | `mode`, `runbookName`, `changeTemplateName` (null in mode `automation`), `topicArn`, `roleArn`; in mode `just-in-time` only `mode` and `policies`, the names of the documents. With operators of IAM Identity Center, `operatorRoleArns` (by user name) and `operatorAccess` |
| `accountAccess` | `applicationArn`, `entitledRoleArns` (by account); only with this section |
| `domainControllers` | by Region: `securityGroupIds`, `networkAclId`, `keyArn`, `instanceIds`, `ruleCounts` (by group: `ingress`, `egress`), `quotaHeadroom`, `subnets` (their networks, by name) |
| `domainControllerPolicyArns` | `portForwarding`, `accessRestriction` |
| `nodes` | `roleCompliance` (`ruleName`, `ruleArn`, `region`, `remediation`, `runbookName`, `remediationRoleArn`), `defaultHostManagement` (`roleName`, `roleArn`), `agents` (by Region: ID of the association), `minimumAgentVersions` (by Region) |

The output of an absent section is null, which the engine does not store: it is missing from
`pulumi stack output --json`, and a stack reference returns `None`.
"""

_SECRETS = """## Secret settings

Values of a key that is set with `--secret` stay secret: properties and outputs that contain one are encrypted in the state and
shown as `[secret]` in diffs, outputs and messages. The engine reports only the section of the configuration that contains a
secret, so every text in that section is treated as one, except names of Regions and fixed words such as `automation`.

    pulumi config set --secret --path shell-access:sessionManager.linuxShellProfile "$(cat profile.sh)"

The engine does not encrypt URNs, which contain names of roles, e-mail addresses and networks; IDs and ARNs;
and, in a diff, the properties of an existing resource before its import. A setting that becomes secret later is encrypted in
whatever an update then changes, and in every document and claim of this program; earlier states in the backend still contain it.
"""

_SIZES = """## Sizes

Everything whose size depends on the settings is checked against AWS' quotas before any resource is registered: policies of IAM (6,144
characters each, 10,240 in a role, 2,048 of trust), of keys and topics, documents (64 KB), event patterns, and the managed
policies of roles and users that the settings name (10 by default, or what the account has). A size above its quota is refused, with
the key.

The instance policy names the log destinations of nodes per Region. If that is too long for one policy, the Regions move from the
ARNs to conditions, and the rest becomes additional policies (`ShellAccessSessionManagerNode-2`, ...), which nodes
need as well: the stack attaches all of them, and the rule and remediation of `nodes.roleCompliance`,
`python -m operations verify` and the outputs include them. One log group name for all Regions, and a short prefix, keep it one policy.
"""

_FLEET_INTRODUCTION = """<!-- Made by `make docs` from operations/fleet/fleet_file.py. -->
# The fleet file

Keys of a fleet file. [fleet.md](fleet.md) describes its use; [fleet.schema.json](fleet.schema.json) is the JSON schema for
editors:

    # yaml-language-server: $schema=docs/fleet.schema.json
"""

_FLEET_SECTIONS: Final = {
    "The file": "",
    "`accounts`": "accounts",
    "`accounts.list`, each": "accounts.list",
    "`accounts.discover`": "accounts.discover",
    "`overrides`": "overrides",
    "`waves`, each": "waves",
}
"""Key of each section of the fleet file, by its heading."""


def configuration_page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION]
    for key, meaning in SECTIONS.items():
        parts.append(f"## `shell-access:{key}`\n\n{meaning}\n\n{_fields(section_model(key))}\n")
    return "\n".join([*parts, _SECRETS, _SIZES, _OUTPUTS])


def section_model(key: str) -> type[BaseModel]:
    """Return the model of a section of the configuration, by its path."""
    section, _, rest = key.partition(".")
    return _model_at(SECTION_MODELS[section], rest)


def _model_at(model: type[BaseModel], path: str) -> type[BaseModel]:
    for name in filter(None, path.split(".")):
        if not name.startswith("<"):
            field = next(each for key, each in model.model_fields.items() if name == (each.alias or key))
            model = _model_in(field.annotation) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model in a type, such as a list or a mapping of models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _fields(model: type[BaseModel]) -> str:
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
        return "see below"
    return "none" if default is None else f"`{json.dumps(default)}`"


def fleet_file_page() -> str:
    """Return the whole page."""
    return "\n".join(
        [
            _FLEET_INTRODUCTION,
            *(
                f"## {heading}\n\n{_fields(_model_at(FleetSettings, path))}\n"
                for heading, path in _FLEET_SECTIONS.items()
            ),
        ]
    )
