"""No secret is in what a program gives domain controllers: user data, documents, parameters of associations, secret versions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import INSTANCE, MARKS
from policies.domain_controllers.machines import Machines
from policies.domain_controllers.references import given
from policies.findings import UNKNOWN, Unseen, Violation
from policies.rule import Rule
from policies.session_manager.session_documents import DOCUMENT, OWN_DOCUMENT, content_of, is_session_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Findings, Resource
    from policies.stack import Stack

ASSOCIATION: Final = "aws:ssm/association:Association"
SECRET_VERSION: Final = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 -- a type of resources

RULE = Rule(
    id="controller-no-secrets",
    title="Programs with domain controllers hold no passwords in user data, documents, parameters or secret versions",
    severity=Severity.HIGH,
    risk="any principal that can read an instance's user data, a document, a command's history or the stack's state has the "
    "password of a domain administrator",
    remedy="Put the value into the secret yourself, and let the controller read it with its role (here: "
    "shell-access:domainControllers.promotion)",
    source="AWS Security Hub SSM.4, SecretsManager.1; AWS Secrets Manager User Guide, best practices; CWE-798; NIST SP 800-53 r5 "
    'IA-5(7); AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS"',
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


@RULE.on_stack
def _hold_no_secrets(stack: Stack) -> Findings:
    machines = Machines(stack)
    for instance in (each for each in machines.instances if each.type == INSTANCE):
        for name in ("userData", "userDataBase64"):
            yield from _in_text(instance, name, instance.value(name))
    regions = {given(each, "region") for each in machines.instances}
    for document in (each for each in stack.of(DOCUMENT, OWN_DOCUMENT) if given(each, "region") in regions):
        yield from _in_document(document)
    for association in (each for each in stack.of(ASSOCIATION) if given(each, "region") in regions):
        yield from _in_parameters(association)
    for version in (each for each in stack.of(SECRET_VERSION) if given(each, "region") in regions):
        for name in ("secretString", "secretBinary"):
            if version.value(name) not in (None, ""):
                yield Violation(
                    name, "a value, which is in the state", "none: put it with put-secret-value", about=version
                )


def _in_document(document: Resource) -> Iterator[Any]:
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
        return
    content = None if is_session_document(document) else content_of(document)
    if content is not None and any(_LITERAL.search(each) for each in _texts(content)):
        yield Violation("content", "a password as text", "a secret that the controller reads", about=document)


def _in_text(resource: Resource, name: str, value: Any) -> Iterator[Any]:
    # In a preview user data is never known where an instance has none; the rule is applied in the update.
    if value is not UNKNOWN and value and (name == "userDataBase64" or _LITERAL.search(str(value))):
        found = "text that is not readable" if name == "userDataBase64" else "a password as text"
        yield Violation(name, found, "no user data with a password", about=resource)


def _in_parameters(association: Resource) -> Iterator[Any]:
    value = association.value("parameters")
    if value is UNKNOWN:
        yield Unseen("parameters", about=association)
        return
    parameters = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    for name, each in parameters.items():
        text = each if isinstance(each, str) else json.dumps(each, default=str)
        literal = _NAMED.search(name) and not _REFERENCE.search(text)
        if each is not UNKNOWN and (literal or _LITERAL.search(text)):
            yield Violation(
                f"parameters.{name}", "a value", "the ARN of a secret that the controller reads", about=association
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
