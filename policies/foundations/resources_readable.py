"""Resources inside other resources can be read by the pack.

Templates, Cloud Control resources and aws-native resources are evaluated like the program's own.
"""

from __future__ import annotations

import base64
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.embedded.containers import CONTAINERS, body_of, is_hiding
from policies.embedded.kinds import type_of_native
from policies.parameters import TEXTS, Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.stack import Stack

_HIDING = Parameter(
    name="hidingTypes",
    description="Types of resources that run code or create other resources (* stands for any text).",
    default=[
        *("command:*", "*:dynamic:Resource", "*:dynamic/*", "*:tf:aws*", "*:index:Module", "terraform:*", "awscc:*"),
        *("kubernetes:*.services.k8s.aws/*", "kubernetes:*aws.upbound.io/*", "kubernetes:*aws.crossplane.io/*"),
        *(
            "kubernetes:helm.sh/*",
            "kubernetes:yaml*",
            "kubernetes:kustomize*",
            "kubernetes:cloudformation.linki.space/*",
        ),
        *("aws:servicecatalog/provisionedProduct:*", "aws:serverlessrepository/cloudFormationStack:*"),
        *("aws:ssmquicksetup/*", "aws:lambda/invocation:*", "aws-native:index:CustomResourceEmulator"),
    ],
    schema=TEXTS,
)
_ACCEPTED = Parameter(
    name="acceptedTypes",
    description="Reviewed types among them, or types that create no resources in AWS (* stands for any text).",
    default=[],
    schema=TEXTS,
)

RESOURCES_READABLE = Rule(
    id="resources-readable",
    title="No resource creates others that the pack cannot read",
    severity=Severity.HIGH,
    risk="a template, a script or another provider creates resources that violate the rules",
    remedy="Write the resources in the program, give the template as text, or accept the type in acceptedTypes after a review",
    source="NIST SP 800-53 r5 CM-3, CM-7(5), SI-10; own",
    url="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-guide.html",
    parameters=(_HIDING, _ACCEPTED),
)

_DYNAMIC: Final = "pulumi-python:dynamic/"
_OWN: Final = frozenset(
    f"{_DYNAMIC}{name}"
    for name in (
        *(
            "iam:OperatorGrants",
            "shellaccess:AdoptedResource",
            "shellaccess:CisScanConfiguration",
            "shellaccess:DetectionService",
            "shellaccess:GoverningStack",
            "shellaccess:ReleaseGuard",
        ),
        *("ec2:PriorNetworkAcl", "ssm:Document", "ssm:PriorServiceSetting", "ssm:ServiceSetting"),
        "ssm:SessionPreferences",
    )
)
_OWN_MODULE: Final = b"components."
"""Pattern of the module in the pickled form of a dynamic provider."""


@RESOURCES_READABLE.on_stack
def _hide_nothing(stack: Stack) -> Findings:
    hiding, accepted = stack.settings[_HIDING.name], stack.settings[_ACCEPTED.name]
    for resource in stack.resources:
        if any(fnmatchcase(resource.type, each) for each in accepted) or _is_own(resource):
            continue
        if resource.type in CONTAINERS:
            yield from _in_body(resource)
        elif any(fnmatchcase(resource.type, each) for each in hiding) or _is_native_hiding(resource.type):
            yield resource.violation("type", "a resource that the pack can read", found=resource.type)


def _in_body(container: Resource) -> Findings:
    body = body_of(container)
    if body.unseen:
        yield container.unseen(body.unseen)
    for place, found in body.unread:
        yield container.violation(place, "what the pack can read", found=found)


def _is_native_hiding(token: str) -> bool:
    return token.startswith("aws-native:") and token.count(":") == 2 and is_hiding(type_of_native(token))  # noqa: PLR2004


def _is_own(resource: Resource) -> bool:
    """Return whether it is a dynamic resource of this project, by type and provider module."""
    if resource.type not in _OWN:
        return False
    provider = resource.value("__provider")
    if not isinstance(provider, str):
        return True  # the engine may omit the provider
    try:
        return _OWN_MODULE in base64.b64decode(provider)
    except ValueError:
        return False
