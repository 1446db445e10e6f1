"""Permissions boundary of the deployer: the most that it may do, whatever its policies allow.

A boundary grants nothing: its first statement allows what the policies may allow. All others are Deny statements, so
that they also apply to a policy for any resource (IAM User Guide, "Permissions boundaries for IAM entities").
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

from common.iam.statements import document
from components.approval.names import ROLE_NAME, TAG_KEY
from components.domain_controllers.names import TRAIL
from operations.deployer.detection import SERVICE_ROLES
from operations.deployer.iam import own_roles, policy_arns, record_arn
from operations.deployer.named_resources import approval_policy_arns, document_names, own_buckets, token_role
from operations.deployer.names import OWN, ROLES_BOUNDARY, Role
from operations.deployer.nodes import EARLIER_HOST_ROLES, association_documents, host_managed_policy
from operations.deployer.policies import permissions
from operations.deployer.read_permissions import LOG_BUCKET, parameter_arns
from operations.deployer.scope import ANY, DeploymentScope, System
from operations.deployer.statement import Policy, actions_of, fitting, statement
from operations.deployer.tagged_resources import ALIASES

_NAME_PREFIX: Final = "/ShellAccess"
"""Prefix of most roles and policies of stacks, and of the deployer's own."""

_PREFIX_LENGTH: Final = 24
"""Characters of a long name in a pattern, as the size of a policy is limited."""

_ANY_REGION: Final = (
    "cloudtrail:Describe*",
    "cloudtrail:Get*",
    "cloudwatch:GetMetric*",
    "events:*",
    "iam:*",
    "route53:*",
    *LOG_BUCKET,
    "sts:*",
)
"""Actions without a limit of Regions. IAM and Route 53 are global. IAM's events occur in one Region, and rules there
forward them: the policies name that Region.
"""

_ALLOWED_ACTIONS: Final = {
    "account-access": ("*Entitlement*", "Get*"),
    "cloudwatch": ("*Alarm*", "*ag*Resource", "GetMetric*"),
    "config": ("*ConfigRule*", "*Remediation*", "*ag*Resource", "DescribeConf*", "GetCustom*"),
    "glue": ("*Database", "*Table", "*ag*Resource", "Get*"),
    "guardduty": ("*eDetector", "*ag*Resource", "Get*", "List*"),
    "inspector2": ("*CisScanC*", "*able", "*ag*Resource", "BatchGetA*", "GetDel*"),
    "events": ("*Rule*", "*Targets*", "*ag*Resource"),
    "identitystore": ("DescribeUser", "Get*", "ListGroupM*"),
    "iam": ("*InstanceProfile*", "*Polic*", "*Role*", "Get*", "List*", "UntagUser"),
    "logs": ("*KmsKey", "*LogGroup*", "*MetricFilter*", "*RetentionPolicy", "*ag*Resource"),
    "s3": ("*Bucket*", "*EncryptionConfiguration", "*ag*Resource", "DeleteObject*", "Get*Configuration"),
    "securityhub": ("*Hub", "*Standards", "*ag*Resource", "GetAdm*"),
    "secretsmanager": ("Describe*", "GetRes*"),
    "sso": ("Describe*", "List*"),
    "ssm": (
        "*Association",
        "*Document*",
        "*Parameter*",
        "*ServiceSetting",
        "*Tags*",
        "DescribeAuto*",
        "GetAuto*",
        "ListAssociations",
    ),
}
"""Allowed actions of services whose other actions affect access, shells, session logs or settings of others."""

_WINDOWS: Final = ("*Patch*", "*Window*")
"""Actions of Systems Manager for maintenance windows, whose tasks run commands: only where they are needed."""

_CREDENTIALS: Final = actions_of(
    "iam: *AccountP* *Cred* *Group* DeleteServiceL* DeleteRolePerm* DeleteUserPolicy PutUserPolicy SetDefault*"
)
"""Actions that create or take over credentials, which bypass the approval."""

_SESSIONS: Final = actions_of(
    "config: *Org* StartR*",
    "ec2: CreateI* CreateRep* CreateSn* EnableSe* GetConsole* GetPass* *KeyPair SendDiag*",
    "ssm: ModifyDoc* UpdateDocumentM*",
)
"""Actions that give access to a shell or an approval, to the caller or to another principal."""

_ASSOCIATIONS: Final = ("ssm:*Association*",)
_SETTINGS: Final = ("ssm:*ServiceSetting",)
_ASSOCIATION_CHANGES: Final = ("ssm:CreateAssociation*", "ssm:UpdateAssociation")
_OTHERS: Final = ("sts:Assume*", "sts:Set*", "sts:Tag*")
"""Actions that trust policies allow by themselves; others that the first statement does not allow need no denial."""
_ROLE_CHANGES: Final = actions_of("iam: CreateRole DeleteRole* PassRole PutRole* TagRole Update*Role*")
_SERVICE_ROLES: Final = "iam:CreateServiceL*"
_DOCUMENT_CHANGES: Final = ("ssm:*teDocument*",)
"""CreateDocument, DeleteDocument and UpdateDocument..., as the size of a policy is limited."""
_RECORD_CHANGES: Final = actions_of(
    "cloudtrail: Delete* Put* Stop* Update*",
    "s3: Delete* Put*",
)
_KEY_USES: Final = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:ReplicateKey")
_KEY_CHANGES: Final = actions_of("kms: DisableKey PutKeyPolicy ScheduleKey* *agResource")

_deny: Final = partial(statement, effect="Deny")


def boundary(scope: DeploymentScope) -> Policy:
    """Return the permissions boundary of the deployer's role and the preview's role.

    Args:
        scope: DeploymentScope of their policies. The boundary names no account, as it applies within its own account only, and
            has to be short.

    Raises:
        TooMuchError: The settings have more names than fit into a policy.
    """
    scope = replace(scope, account=ANY)
    everything = {"Effect": "Allow", "Action": _allowed_actions(scope), "Resource": "*"}
    regions: Policy = {
        "Sid": "InTheseRegions",
        "Effect": "Deny",
        "NotAction": [*_ANY_REGION, *_in_other_regions(scope)],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(scope.regions)}},
    }
    nodes = System.NODES in scope.systems
    # One statement, as the size of a policy is limited.
    settings = (*(() if _has_associations(scope) else _ASSOCIATIONS), *(() if nodes else _settings(scope)))
    never = _deny("Never", (*_CREDENTIALS, *_OTHERS, *_SESSIONS, *settings))
    statements = [everything, regions, never, _others(scope), *_identities(scope), *_shells(scope), *_resources(scope)]
    return fitting(document([_short(each) for each in statements]), "the boundary of the deployer")


def own_resources(scope: DeploymentScope) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return actions, each with the only resources on which they are not denied.

    No action of an entry acts on a type of resource in another entry, so that one statement denies them all.
    """
    documents = [scope.arn("ssm", f"document/{name}") for name in document_names(scope)]
    roles = [scope.iam(f"role/{each.name}") for each in own_roles(scope)]
    earlier = [
        scope.iam(f"role/{name[:_PREFIX_LENGTH]}*") for name in EARLIER_HOST_ROLES if System.NODES in scope.systems
    ]
    tokens = [token_role(scope)] if scope.approval_policies else []
    return [
        (("iam:CreatePolicy*", "iam:DeletePolicy*"), _shortened([*policy_arns(scope), record_arn(scope)])),
        ((*_ROLE_CHANGES, _SERVICE_ROLES), _shortened([*roles, *earlier, *tokens, *_service_roles(scope)])),
        (_DOCUMENT_CHANGES, [*documents, *approval_policy_arns(scope)]),
        (("ssm:GetParameter*",), parameter_arns(scope)),
        (_RECORD_CHANGES, [scope.arn("cloudtrail", f"trail/{TRAIL}"), *own_buckets(scope)]),
    ]


def _service_roles(scope: DeploymentScope) -> list[str]:
    """Return the service-linked roles of detection services, which IAM lets no principal change."""
    services = (SERVICE_ROLES[each] for each in sorted(scope.detection))
    # The policies name each principal. Without its domain, as the size of a policy is limited.
    prefixes = (f"{'*' * (len(names) > 1)}{names[0].partition('.')[0]}.*" for names in services)
    return [scope.iam(f"role/aws-service-role/{each}") for each in prefixes]


def _others(scope: DeploymentScope) -> Policy:
    """Return the statement that denies changes of policies, roles, documents, trails and buckets of others."""
    entries = own_resources(scope)
    actions = [action for several, _ in entries for action in several]
    return {
        "Sid": "NothingOfOthers",
        "Effect": "Deny",
        "Action": actions,
        "NotResource": [arn for _, arns in entries for arn in arns],
    }


def _short(long: Policy) -> Policy:
    """Return the statement with the only element of a list in place of the list, which means the same."""
    return {
        name: value[0] if isinstance(value, list) and len(cast("list[Any]", value)) == 1 else value
        for name, value in long.items()
    }


def _in_other_regions(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the actions that have the Region of IAM Identity Center, or of AWS Organizations."""
    identities = ("identitystore:*", "sso:*") if scope.identity_regions or scope.read_applications else ()
    entitlements = ("account-access:*",) if scope.read_applications else ()
    organization = ("organizations:List*",) if scope.approval_policies or scope.applications else ()
    return (*identities, *entitlements, *organization)


def _allowed_actions(scope: DeploymentScope) -> list[str]:
    """Return patterns of the allowed services; of a service with one needed action, only that action."""
    services: dict[str, list[str]] = {}
    for action in sorted({action for each in permissions(scope) for action in each.actions}):
        services.setdefault(action.split(":", 1)[0], []).append(action)
    found = [
        each
        for service, actions in services.items()
        for each in (actions if len(actions) == 1 else [f"{service}:{name}" for name in _allowed_names(scope, service)])
    ]
    # Verification compares nodes with the policies.
    return [*found, "ssm:DescribeInstanceInformation"] if scope.approval_policies else found


def _allowed_names(scope: DeploymentScope, service: str) -> tuple[str, ...]:
    windows = _WINDOWS if service == "ssm" and System.CONTROLLER_PATCHING in scope.systems else ()
    return (*_ALLOWED_ACTIONS.get(service, ("*",)), *windows)


def _identities(scope: DeploymentScope) -> list[Policy]:
    aws_managed = [host_managed_policy(scope)] if System.NODES in scope.systems else []
    tokens = [token_role(scope)] if scope.approval_policies else []
    return [
        {
            "Sid": "NotItself",
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            # A path that begins with a wildcard is malformed: "must either be "*" or start with user/, ...".
            "Resource": [
                *(scope.iam(f"policy/*{name}*") for name in OWN),
                *(scope.iam(f"role/*{name}*") for name in Role),
            ],
        },
        _deny(
            "AttachOurs",
            ("iam:Attach*Policy",),
            conditions={"ArnNotEquals": {"iam:PolicyARN": [*policy_arns(scope), *aws_managed]}},
        ),
        *(_only_passed(each) for each in tokens),
        _deny(
            "BoundedRoles",
            ("iam:CreateRole", "iam:PutRole*", "iam:UpdateAssume*"),
            conditions={"ArnNotEquals": {"iam:PermissionsBoundary": scope.policy(ROLES_BOUNDARY)}},
        ),
        _deny(
            "RunbooksRole",
            ("iam:PassRole",),
            [scope.iam(f"role/{ROLE_NAME}")],
            {"StringNotEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        ),
        _deny(
            "NoGrants", ("iam:TagRole",), conditions={"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]}}
        ),
    ]


def _settings(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the denied actions on service settings; stacks with approval policies read one."""
    return ("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting") if scope.approval_policies else _SETTINGS


def _only_passed(role: str) -> Policy:
    reading = ["iam:Get*", "iam:List*", "iam:PassRole"]
    return {"Sid": "TokenRole", "Effect": "Deny", "NotAction": reading, "Resource": role}


def _shells(scope: DeploymentScope) -> list[Policy]:
    if not _has_associations(scope):
        return []
    # Not with the other documents: an association may not run those.
    excluded = [
        *association_documents(scope),
        scope.arn("ec2", "instance/*"),
        scope.arn("ssm", "managed-instance/*"),
        scope.arn("ssm", "association/*"),
    ]
    actions = list(_ASSOCIATION_CHANGES)
    return [{"Sid": "OurAssociations", "Effect": "Deny", "Action": actions, "NotResource": excluded}]


def _has_associations(scope: DeploymentScope) -> bool:
    return not scope.systems.isdisjoint({System.NODES, System.CONTROLLER_OPERATIONS})


def _resources(scope: DeploymentScope) -> list[Policy]:
    ours = {"ForAnyValue:StringNotLike": {"kms:ResourceAliases": list(ALIASES)}}
    return [
        _deny("NoKeysOfOthers", _KEY_CHANGES, conditions=ours),
        _deny("UseNoOtherKeys", _KEY_USES, conditions={"StringNotEquals": scope.tagged}),
    ]


def _shortened(arns: list[str]) -> list[str]:
    """Return the ARNs, with one pattern for all names with our prefix; `NotItself` denies the deployer's own."""
    return list(
        dict.fromkeys(f"{arn.split(_NAME_PREFIX)[0]}{_NAME_PREFIX}*" if _NAME_PREFIX in arn else arn for arn in arns)
    )
