"""Conversion of CloudFormation resources into the form of pulumi-aws, which the rules know.

Sources: CloudFormation template reference; pulumi-aws 7 SDK.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from common.json_values import listed, mapping
from policies.embedded.templates import widened
from policies.findings import UNKNOWN

Properties = Mapping[str, Any]
Form = tuple[str, dict[str, Any], dict[str, str]]
"""Type token, properties, and the CloudFormation property of each."""

_POLICY: Final = "aws:iam/policy:Policy"
_ROLE: Final = "aws:iam/role:Role"
_USER: Final = "aws:iam/user:User"
_DOCUMENT: Final = "aws:ssm/document:Document"
_ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_USER_POLICY: Final = "aws:iam/userPolicy:UserPolicy"
_GROUP_POLICY: Final = "aws:iam/groupPolicy:GroupPolicy"
_INLINE: Final = {"role": _ROLE_POLICY, "user": _USER_POLICY, "group": _GROUP_POLICY}
_ATTACHMENTS: Final = {
    "user": "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "group": "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
}
_CIS_SCAN: Final = "aws:inspector2/cisScanConfiguration:CisScanConfiguration"
_HUB: Final = "aws:securityhub/account:Account"
_STANDARD: Final = "aws:securityhub/standardsSubscription:StandardsSubscription"
_PERMISSION_SET: Final = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
_SET_ATTACHMENTS: Final = "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive"


def _renamed(
    token: str, names: Mapping[str, str], documents: tuple[str, ...] = ()
) -> Callable[[Properties], Iterator[Form]]:
    """Return a conversion that renames properties, reads tags, and lowercases the first letter of the rest."""

    def convert(given: Properties) -> Iterator[Form]:
        found: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for key, value in given.items():
            name = names.get(key, key[:1].lower() + key[1:])
            found[name] = _tags(value) if key == "Tags" else widened(value) if key in documents else value
            origin[name] = key
        yield token, found, origin

    return convert


def _tags(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    found: dict[Any, Any] = {}
    for each in cast("list[Any]", value):
        fields = cast("dict[str, Any]", each) if isinstance(each, dict) else {"Key": UNKNOWN}
        found[fields.get("Key")] = fields.get("Value")
    return found


def _inner(given: Properties, name: str) -> Iterator[dict[str, Any]]:
    """Return the inline policies of a principal."""
    for each in listed(given.get(name)):
        fields = mapping(each)
        document = UNKNOWN if each is UNKNOWN else widened(fields.get("PolicyDocument"))
        yield {"name": fields.get("PolicyName"), "policy": document}


def _role(given: Properties) -> Iterator[Form]:
    properties = {
        "name": given.get("RoleName"),
        "assumeRolePolicy": given.get("AssumeRolePolicyDocument"),
        "managedPolicyArns": given.get("ManagedPolicyArns"),
        "inlinePolicies": list(_inner(given, "Policies")),
        "tags": _tags(given.get("Tags")),
        "permissionsBoundary": given.get("PermissionsBoundary"),
    }
    yield _ROLE, properties, {"managedPolicyArns": "ManagedPolicyArns"}


def _principal(kind: str) -> Callable[[Properties], Iterator[Form]]:
    def convert(given: Properties) -> Iterator[Form]:
        name = given.get(f"{kind.title()}Name")
        if kind == "user":
            yield _USER, {"name": name, "tags": _tags(given.get("Tags"))}, {}
        for each in _inner(given, "Policies"):
            yield _INLINE[kind], {kind: name, **each}, {}
        for arn in listed(given.get("ManagedPolicyArns")):
            yield _ATTACHMENTS[kind], {kind: name, "policyArn": arn}, {"policyArn": "ManagedPolicyArns"}

    return convert


def _managed(given: Properties) -> Iterator[Form]:
    yield _POLICY, {"name": given.get("ManagedPolicyName"), "policy": widened(given.get("PolicyDocument"))}, {}


def _shared_inline(given: Properties) -> Iterator[Form]:
    """Return the inline policy of an AWS::IAM::Policy for each principal that it names."""
    policy = {"name": given.get("PolicyName"), "policy": widened(given.get("PolicyDocument"))}
    holders = [(kind, each, f"{kind.title()}s") for kind in _INLINE for each in listed(given.get(f"{kind.title()}s"))]
    for kind, holder, origin in holders:
        yield _INLINE[kind], {kind: holder, **policy}, {kind: origin}
    if not holders:
        yield _POLICY, policy, {}


def _inline(kind: str) -> Callable[[Properties], Iterator[Form]]:
    return _renamed(
        _INLINE[kind],
        {f"{kind.title()}Name": kind, "PolicyName": "name", "PolicyDocument": "policy"},
        ("PolicyDocument",),
    )


def _permission_set(given: Properties) -> Iterator[Form]:
    holder = f"permission set {given.get('Name')}"
    if given.get("InlinePolicy"):
        policy = widened(given["InlinePolicy"])
        yield _PERMISSION_SET, {"permissionSetArn": holder, "inlinePolicy": policy}, {}
    if given.get("ManagedPolicies"):
        yield _SET_ATTACHMENTS, {"permissionSetArn": holder, "managedPolicyArns": given["ManagedPolicies"]}, {}


def _attributes(given: Properties) -> Iterator[Form]:
    attributes = [
        {"key": cast("dict[str, Any]", each).get("Key")} if isinstance(each, dict) else UNKNOWN
        for each in listed(given.get("AccessControlAttributes"))
    ]
    yield "aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes", {"attributes": attributes}, {}


def _document(given: Properties) -> Iterator[Form]:
    content = given.get("Content")
    text = json.dumps(content, default=lambda _: "{{ not known yet }}") if isinstance(content, dict) else content
    # A mapping is JSON, regardless of the document's format.
    stated = None if isinstance(content, dict) else given.get("DocumentFormat")
    kind = given.get("DocumentType", "Command")
    yield _DOCUMENT, {"name": given.get("Name"), "documentType": kind, "documentFormat": stated, "content": text}, {}


def _group(given: Properties) -> Iterator[Form]:
    properties: dict[str, Any] = {"name": given.get("GroupName"), "tags": _tags(given.get("Tags"))}
    for name, direction in (("ingress", "SecurityGroupIngress"), ("egress", "SecurityGroupEgress")):
        properties[name] = [_block(each) for each in listed(given.get(direction))]
    yield (
        "aws:ec2/securityGroup:SecurityGroup",
        properties,
        {"ingress": "SecurityGroupIngress", "egress": "SecurityGroupEgress"},
    )


_ENDS: Final = {
    "CidrIp": ("cidrBlocks", "cidrIpv4"),
    "CidrIpv6": ("ipv6CidrBlocks", "cidrIpv6"),
    "SourceSecurityGroupId": ("securityGroups", "referencedSecurityGroupId"),
    "DestinationSecurityGroupId": ("securityGroups", "referencedSecurityGroupId"),
    "SourcePrefixListId": ("prefixListIds", "prefixListId"),
    "DestinationPrefixListId": ("prefixListIds", "prefixListId"),
}


def _block(each: Any) -> Any:
    if not isinstance(each, dict):
        return UNKNOWN
    given = cast("dict[str, Any]", each)
    ports = {"protocol": given.get("IpProtocol"), "fromPort": given.get("FromPort"), "toPort": given.get("ToPort")}
    return ports | {lists: [given[name]] for name, (lists, _) in _ENDS.items() if given.get(name) is not None}


_GROUP_RULE: Final = {
    "GroupId": "securityGroupId",
    "IpProtocol": "ipProtocol",
    **{name: single for name, (_, single) in _ENDS.items()},
}

_ENTITLEMENT: Final = "aws:accountaccess/entitlement:Entitlement"


def _entitlement(given: Properties) -> Iterator[Form]:
    value = _lowered(given.get("Entitlement"))
    application = {"applicationArn": given.get("ApplicationArn")}
    yield _ENTITLEMENT, {**application, "entitlement": value}, {"entitlement": "Entitlement"}


def _lowered(value: Any) -> Any:
    """Return a mapping with the first letter of each name in lower case, at every level."""
    if not isinstance(value, dict):
        return value
    return {key[:1].lower() + key[1:]: _lowered(each) for key, each in cast("dict[str, Any]", value).items()}


KINDS: Final[dict[str, Callable[[Properties], Iterator[Form]]]] = {
    "AWS::IAM::Role": _role,
    "AWS::IAM::User": _principal("user"),
    "AWS::IAM::Group": _principal("group"),
    "AWS::IAM::ManagedPolicy": _managed,
    "AWS::IAM::Policy": _shared_inline,
    "AWS::IAM::RolePolicy": _inline("role"),
    "AWS::IAM::UserPolicy": _inline("user"),
    "AWS::IAM::GroupPolicy": _inline("group"),
    "AWS::SSO::PermissionSet": _permission_set,
    "AWS::SSO::InstanceAccessControlAttributeConfiguration": _attributes,
    "AWS::AccountAccess::Entitlement": _entitlement,
    "AWS::SSM::Document": _document,
    "AWS::SSM::Association": _renamed("aws:ssm/association:Association", {}),
    "AWS::Cognito::IdentityPoolPrincipalTag": _renamed(
        "aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag", {}
    ),
    "AWS::KMS::ReplicaKey": _renamed(
        "aws:kms/replicaKey:ReplicaKey",
        {"KeyPolicy": "policy", "PendingWindowInDays": "deletionWindowInDays"},
        ("KeyPolicy",),
    ),
    "AWS::KMS::Key": _renamed(
        "aws:kms/key:Key",
        {"KeyPolicy": "policy", "PendingWindowInDays": "deletionWindowInDays", "KeySpec": "customerMasterKeySpec"},
        ("KeyPolicy",),
    ),
    "AWS::GuardDuty::Detector": _renamed("aws:guardduty/detector:Detector", {}),
    "AWS::InspectorV2::CisScanConfiguration": _renamed(_CIS_SCAN, {}),
    "AWS::SecurityHub::Hub": _renamed(_HUB, {}),
    "AWS::SecurityHub::Standard": _renamed(_STANDARD, {}),
    "AWS::Logs::LogGroup": _renamed("aws:cloudwatch/logGroup:LogGroup", {"LogGroupName": "name"}),
    "AWS::Logs::ResourcePolicy": _renamed("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", {}),
    "AWS::SNS::Topic": _renamed("aws:sns/topic:Topic", {"TopicName": "name"}),
    "AWS::SNS::TopicPolicy": _renamed("aws:sns/topicPolicy:TopicPolicy", {"PolicyDocument": "policy"}),
    "AWS::EC2::SecurityGroup": _group,
    "AWS::EC2::SecurityGroupIngress": _renamed(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", _GROUP_RULE
    ),
    "AWS::EC2::SecurityGroupEgress": _renamed("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", _GROUP_RULE),
    "AWS::EC2::Instance": _renamed(
        "aws:ec2/instance:Instance", {"SecurityGroupIds": "vpcSecurityGroupIds", "ImageId": "ami"}
    ),
}
"""Conversions by CloudFormation type."""

PRODUCED: Final = frozenset(
    {
        *(
            _ROLE,
            _USER,
            _POLICY,
            _DOCUMENT,
            _PERMISSION_SET,
            _SET_ATTACHMENTS,
            _ENTITLEMENT,
            *_INLINE.values(),
            *_ATTACHMENTS.values(),
        ),
        *("aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes", "aws:kms/key:Key"),
        "aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag",
        "aws:kms/replicaKey:ReplicaKey",
        *("aws:ssm/association:Association", "aws:cloudwatch/logGroup:LogGroup", "aws:sns/topic:Topic"),
        *("aws:guardduty/detector:Detector", _CIS_SCAN, _HUB, _STANDARD),
        *("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "aws:sns/topicPolicy:TopicPolicy"),
        *("aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
        *("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "aws:ec2/instance:Instance"),
    }
)
"""Type tokens of the conversions."""

_SERVICES: Final = {
    "cloudformation": "CloudFormation",
    "guardduty": "GuardDuty",
    "inspectorv2": "InspectorV2",
    "logs": "Logs",
    "securityhub": "SecurityHub",
    "servicecatalog": "ServiceCatalog",
    "ssmquicksetup": "SSMQuickSetup",
    "autoscaling": "AutoScaling",
}


def type_of_native(token: str) -> str:
    """Return CloudFormation's type of an aws-native token: `aws-native:iam:Role`."""
    _, service, name = token.split(":", 2)
    return f"AWS::{_SERVICES.get(service, service.upper())}::{name}"


NATIVE: Final = {f"aws-native:{kind.split('::')[1].lower()}:{kind.split('::')[2]}": kind for kind in KINDS}
"""aws-native type tokens of the conversions."""


def pascal(value: Any, *, inside: str = "") -> Any:
    """Return properties of aws-native with CloudFormation's names; policy documents and contents keep theirs."""
    if inside in {"PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "InlinePolicy", "Content"}:
        return value
    if isinstance(value, dict):
        renamed = {key[:1].upper() + key[1:]: each for key, each in cast("dict[str, Any]", value).items()}
        return {key: pascal(each, inside=key) for key, each in renamed.items()}
    if isinstance(value, list):
        return [pascal(each) for each in cast("list[Any]", value)]
    return value
