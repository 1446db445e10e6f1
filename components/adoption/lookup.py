"""What the program has to know of the account before it registers something that may be there already."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.config import CONFIG

from components.adoption.kinds import MADE_HERE_TAG, SERVICES, Kind, Service, holder
from components.aws_session import AwsClients, UnsupportedConfigurationError
from components.documents.errors import DocumentError, explained

if TYPE_CHECKING:
    from collections.abc import Generator


def import_id(kind: Kind, region: str, name: str) -> str | None:
    """The import id for the resource that depends on the claim to a name; None in a preview where nothing has it yet.

    In an update the claim has made sure that something has the name, so it is always imported: the engine takes the
    id for the same one in every later run.

    Args:
        kind: of what has the name.
        region: where it is.
        name: that is claimed.

    Raises:
        RunError: AWS does not answer, or refuses.
    """
    if pulumi.runtime.is_dry_run() and not _exists(kind, region, name):
        return None
    return name if kind is Kind.POLICY else f"{name}@{region}"


@cache
def retained_key(alias: str, region: str) -> str | None:
    """The import id of a key that a stack of this program has left behind under an alias, where it can be used.

    Args:
        alias: with its `alias/`.
        region: where it is.

    Raises:
        RunError: AWS does not answer, or refuses.
    """
    with _asking(Service.KMS, region, alias):
        kms = _client(Service.KMS, region)
        try:
            key = kms.describe_key(KeyId=alias)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return None
        if key["KeyState"] != "Enabled":
            return None
        pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key["KeyId"])
        marked = any(tag["TagKey"] == MADE_HERE_TAG for page in pages for tag in page["Tags"])
        return f"{key['KeyId']}@{region}" if marked else None


def _exists(kind: Kind, region: str, name: str) -> bool:
    service = SERVICES[kind]
    with _asking(service, region, f"{kind} {name}"):
        return holder(kind, _client(service, region), name).find() is not None


@contextmanager
def _asking(service: Service, region: str, what: str) -> Generator[None]:
    """Ends the program in words where AWS does not answer, or refuses."""
    try:
        with explained(f"{what} in {region}", service, region, lambda: program_clients().caller_arn(region)):
            yield
    except DocumentError as problem:
        raise pulumi.RunError(str(problem)) from None


@cache
def _client(service: str, region: str) -> Any:
    return program_clients().client(service, region)


@cache
def program_clients() -> AwsClients:
    """Clients as the stack's AWS provider would have them.

    Raises:
        RunError: the configuration asks for something that only the provider can follow.
    """
    try:
        return AwsClients(CONFIG.get().get)
    except UnsupportedConfigurationError as problem:
        raise pulumi.RunError(str(problem)) from None
