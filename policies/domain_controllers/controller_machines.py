"""Instances of domain controllers: metadata service, termination protection, user data, volumes, patching."""

from __future__ import annotations

import json
import re
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.json_values import listed, mapping
from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    SPOT_INSTANCE,
    VOLUME,
    on_controllers,
)
from policies.domain_controllers.machines import Machines
from policies.findings import UNKNOWN, Findings, Resource, is_given, is_true
from policies.parameters import Parameter
from policies.rule import CONTROLLERS_POST, Rule
from policies.session_manager.session_documents import DOCUMENT, OWN_DOCUMENT, content_of, is_session_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policies.stack import Stack

_HOPS: Final = Parameter(
    name="maximumHopLimit",
    description="Maximum hop limit of the instance metadata service. No value counts as 1.",
    default=1,
    schema={"type": "integer", "minimum": 1, "maximum": 64},
)

CONTROLLER_IMDSV2 = Rule(
    id="controller-imdsv2",
    title="Domain controllers require IMDSv2",
    severity=Severity.HIGH,
    risk="server-side request forgery in a service on the controller discloses the credentials of its role",
    remedy="Set metadataOptions.httpTokens to required and httpPutResponseHopLimit to 1",
    source="AWS Security Hub EC2.8, EC2.170, AutoScaling.4; CIS AWS Foundations Benchmark 5.0, 5.7; NIST SP 800-53 r5 AC-3, "
    "AC-6; Control Tower CT.EC2.PR.1, CT.EC2.PR.2",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8",
    parameters=(_HOPS, *MARKS),
)
"""The instance must set the option itself, as a launch template may change."""

_PATH: Final = "metadataOptions"


@on_controllers(CONTROLLER_IMDSV2, INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE)
def _requires_tokens(machine: Resource) -> Findings:
    given = machine.value(_PATH)
    if given is UNKNOWN:
        yield machine.unseen(_PATH)
        return
    options = machine.part(_PATH, mapping(given))
    if options.value("httpEndpoint") == "disabled":
        return
    yield from options.require("httpTokens", lambda tokens: tokens == "required", '"required"')
    hops = machine.settings[_HOPS.name]
    yield from options.require(
        "httpPutResponseHopLimit", lambda limit: limit is None or limit <= hops, f"at most {hops:g}"
    )


@CONTROLLER_IMDSV2.remediates(INSTANCE, LAUNCH_TEMPLATE)
def _require_tokens(machine: Resource) -> Mapping[str, Any]:
    options = machine.value(_PATH)
    limit = mapping(options).get("httpPutResponseHopLimit")
    most = int(machine.settings[_HOPS.name])
    too_many = isinstance(limit, int) and limit > most
    return {f"{_PATH}.httpTokens": "required"} | ({f"{_PATH}.httpPutResponseHopLimit": most} if too_many else {})


CONTROLLER_TERMINATION_PROTECTION = Rule(
    id="controller-termination-protection",
    title="Domain controllers are protected from termination",
    severity=Severity.MEDIUM,
    risk="one wrong click or call deletes a controller with changes that were not replicated",
    remedy="Set disableApiTermination to true (here: shell-access:domainControllers.terminationProtection)",
    source=f"NIST SP 800-53 r5 CP-9, CP-10; {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html",
    parameters=MARKS,
)


@on_controllers(CONTROLLER_TERMINATION_PROTECTION, INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE)
def _is_protected(machine: Resource) -> Findings:
    yield from machine.require("disableApiTermination", is_true, "true")


ASSOCIATION: Final = "aws:ssm/association:Association"
SECRET_VERSION: Final = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 -- a type of resources

CONTROLLER_NO_SECRETS = Rule(
    id="controller-no-secrets",
    title="Programs with domain controllers hold no passwords in user data, documents, parameters or secret versions",
    severity=Severity.HIGH,
    risk="any principal that can read an instance's user data, a document, a command's history or the stack's state has the "
    "password of a domain administrator",
    remedy="Put the value into the secret yourself, and let the controller read it with its role (here: "
    "shell-access:domainControllers.promotion)",
    source="AWS Security Hub SSM.4, SecretsManager.1; AWS Secrets Manager User Guide, best practices; "
    f"CWE-798; NIST SP 800-53 r5 IA-5(7); {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
    parameters=MARKS,
)

_LITERAL: Final = re.compile(
    r"""ConvertTo-SecureString\s[^\n|]*?(?:["'][^"'$]{4,}["'][^\n]*-AsPlainText|-AsPlainText[^\n]*["'][^"'$]{4,}["'])"""
    r"""|password["']?\s*[=:]\s*["'][^"'$%{][^"']{3,}["']"""
    r"""|\bnet(?:\.exe)?\s+user\s+\S+\s+[^\s/$*]{4,}""",
    re.IGNORECASE,
)
"""A password as text: of ConvertTo-SecureString, as a value, or of `net user`."""
_NAMED: Final = re.compile(r"passw(?:or)?d|secret(?!.?(?:arn|id|name))", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\{\{\s*(?:ssm-secure|resolve:secretsmanager)|^arn:aws[a-z-]*:secretsmanager:")


@CONTROLLER_NO_SECRETS.on_stack
def _hold_no_secrets(stack: Stack) -> Findings:
    machines = Machines(stack)
    for instance in (each for each in machines.instances if each.type == INSTANCE):
        for name in ("userData", "userDataBase64"):
            yield from _in_text(instance, name, instance.value(name))
    regions = {each.given("region") for each in machines.instances}
    for holder in (each for each in stack.of(*_HOLDERS) if each.given("region") in regions):
        yield from _HOLDERS[holder.type](holder)


def _in_version(version: Resource) -> Iterator[Any]:
    for name in ("secretString", "secretBinary"):
        if version.value(name) not in (None, ""):
            yield version.violation(name, "none: put it with put-secret-value", found="a value, which is in the state")


def _in_document(document: Resource) -> Iterator[Any]:
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
        return
    content = None if is_session_document(document) else content_of(document)
    if content is not None and any(_LITERAL.search(each) for each in _texts(content)):
        yield document.violation("content", "a secret that the controller reads", found="a password as text")


def _in_text(resource: Resource, name: str, value: Any) -> Iterator[Any]:
    # In a preview user data is never known where an instance has none; the rule is applied in the update.
    if value is not UNKNOWN and value and (name == "userDataBase64" or _LITERAL.search(str(value))):
        found = "text that is not readable" if name == "userDataBase64" else "a password as text"
        yield resource.violation(name, "no user data with a password", found=found)


def _in_parameters(association: Resource) -> Iterator[Any]:
    value = association.value("parameters")
    if value is UNKNOWN:
        yield association.unseen("parameters")
        return
    parameters = mapping(value)
    for name, each in parameters.items():
        text = each if isinstance(each, str) else json.dumps(each, default=str)
        literal = _NAMED.search(name) and not _REFERENCE.search(text)
        if each is not UNKNOWN and (literal or _LITERAL.search(text)):
            yield association.violation(
                f"parameters.{name}", "the ARN of a secret that the controller reads", found="a value"
            )


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a document; lines of a script are joined, as PowerShell continues statements over lines."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        yield "\n".join(each for each in items if isinstance(each, str))
        for each in items:
            if not isinstance(each, str):
                yield from _texts(each)


_HOLDERS: Final = {
    DOCUMENT: _in_document,
    OWN_DOCUMENT: _in_document,
    ASSOCIATION: _in_parameters,
    SECRET_VERSION: _in_version,
}
"""Resource types that may have a password, besides instances."""

CONTROLLER_VOLUMES_ENCRYPTED = Rule(
    id="controller-volumes-encrypted",
    title="Volumes of domain controllers are encrypted with a customer managed KMS key",
    severity=Severity.HIGH,
    risk="a principal that copies a volume or a snapshot reads the password hashes of all users in the directory",
    remedy="Set encrypted to true and kmsKeyId to the key of the directory, for the root volume, too",
    source="AWS Security Hub EC2.3, EC2.181; checkov CKV_AWS_189; NIST SP 800-53 r5 SC-13, SC-28(1); "
    f'Microsoft "Securing domain controllers against attack"; {CONTROLLERS_POST}',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3",
    parameters=MARKS,
)

_DEFAULT_KEY: Final = "alias/aws/ebs"
_NO_VOLUMES: Final = "encrypted set to true on all volumes, including the root volume"


@on_controllers(CONTROLLER_VOLUMES_ENCRYPTED, VOLUME)
def _is_encrypted(volume: Resource) -> Findings:
    yield from _encrypted(volume)


@on_controllers(CONTROLLER_VOLUMES_ENCRYPTED, INSTANCE, SPOT_INSTANCE)
def _has_encrypted_volumes(instance: Resource) -> Findings:
    # An unspecified root volume is encrypted only where the account's default is.
    yield from _parts(instance, "rootBlockDevice", instance.value("rootBlockDevice") or {})
    for index, device in enumerate(listed(instance.value("ebsBlockDevices"))):
        yield from _parts(instance, f"ebsBlockDevices[{index}]", device)


@on_controllers(CONTROLLER_VOLUMES_ENCRYPTED, LAUNCH_TEMPLATE)
def _makes_encrypted_volumes(template: Resource) -> Findings:
    mappings = listed(template.value("blockDeviceMappings"))
    if not mappings:
        yield template.violation("blockDeviceMappings", _NO_VOLUMES)
    for index, value in enumerate(mappings):
        path = f"blockDeviceMappings[{index}]"
        if value is UNKNOWN:
            yield template.unseen(path)
            continue
        device = cast("dict[str, Any]", value)
        if "ebs" in device or not (device.get("virtualName") or device.get("noDevice")):
            yield from _parts(template, f"{path}.ebs", device.get("ebs") or {})


def _parts(holder: Resource, path: str, device: Any) -> Findings:
    if device is UNKNOWN:
        yield holder.unseen(path)
        return
    yield from _encrypted(holder.part(path, device))


def _encrypted(volume: Resource) -> Findings:
    # Launch templates have Booleans as strings.
    yield from volume.require("encrypted", lambda value: value is True or value == "true", "true")
    key = volume.value("kmsKeyId")
    if not is_given(key) or (isinstance(key, str) and key.endswith(_DEFAULT_KEY)):
        yield volume.violation("kmsKeyId", "the ARN of a customer managed KMS key")


TASK: Final = "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask"
_LIMITS: Final = {"maxConcurrency": "1", "maxErrors": "0"}

CONTROLLER_PATCHED_SINGLY = Rule(
    id="controller-patched-singly",
    title="Maintenance windows patch domain controllers one at a time, and stop after an error",
    severity=Severity.HIGH,
    risk="a bad patch, or a restart of all at once, makes the directory unavailable to all users",
    remedy='Set maxConcurrency to "1" and maxErrors to "0" (here: shell-access:domainControllers.patching)',
    source='Microsoft "Securing domain controllers against attack"; AWS Systems Manager User Guide, tasks of maintenance '
    "windows; NIST SP 800-53 r5 CM-3, SI-2",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/assign-tasks-mw.html",
    parameters=MARKS,
)


@CONTROLLER_PATCHED_SINGLY.on_stack
def _are_single(stack: Stack) -> Findings:
    regions = {each.given("region") for each in Machines(stack).instances}
    for task in stack.of(TASK):
        if task.given("region") in regions:
            for name, limit in _LIMITS.items():
                yield from task.require(name, partial(eq, limit), f'"{limit}"')
