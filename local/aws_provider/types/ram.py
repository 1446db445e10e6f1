"""Resource shares and their associations. Source: Terraform AWS provider, `internal/service/ram`."""

from collections.abc import Callable
from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Code, Item, Operation, ResourceType, Tagging, flag, name, text
from local.aws_provider.wire import Values

wait_seconds: Final = 300
_unknown: Final = frozenset({"UnknownResourceException"})


def _retag(aws: Aws, arn: str, _old: dict[str, str], added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", resourceShareArn=arn, tagKeys=removed)
    if added:
        aws.call("TagResource", resourceShareArn=arn, tags=_pairs(added))


def _pairs(tags: dict[str, str]) -> list[Values]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _find_share(aws: Aws, share: Item) -> Values | None:
    """Return the share; deleted ones are visible for about an hour."""
    found = aws.call("GetResourceShares", resourceOwner="SELF", resourceShareArns=[share.id])["resourceShares"]
    usable = [each for each in found if each["status"] not in ("DELETED", "DELETING")]
    return {**usable[0], "arn": usable[0]["resourceShareArn"]} if usable else None


def _wait_until_deleted(aws: Aws, share: Item) -> None:
    aws.wait_until_gone(lambda: _find_share(aws, share), _unknown, share.id, wait_seconds)


RESOURCE_SHARE = ResourceType(
    name="aws:ram/resourceShare:ResourceShare",
    service="ram",
    properties={
        "allowExternalPrincipals": flag(default=False),
        "name": name(validators.length(1, 256), replaces=False),
    },
    outputs="arn permissionArns",
    refused="permissionArns resourceShareConfiguration",
    create=(Operation("CreateResourceShare", result="resourceShare.resourceShareArn"),),
    read=(Code(_find_share, "GetResourceShares"),),
    update=(Operation("UpdateResourceShare", {"resourceShareArn": "id"}),),
    delete=(
        Operation("DeleteResourceShare", {"resourceShareArn": "id"}),
        Code(_wait_until_deleted, "GetResourceShares"),
    ),
    tagging=Tagging(listing="", change=_retag, operations="TagResource UntagResource"),
    gone=_unknown,
)


def _association(kind: str, end: str, argument: str) -> ResourceType:
    """Return the type of an association of a share with a principal or a resource."""

    def found(aws: Aws, item: Item) -> Values | None:
        share = item.values["resourceShareArn"]
        selected = {"principal" if kind == "PRINCIPAL" else "resourceArn": item.values[end]}
        answer = aws.call("GetResourceShareAssociations", associationType=kind, resourceShareArns=[share], **selected)
        usable = [each for each in answer["resourceShareAssociations"] if each["status"] != "DISASSOCIATED"]
        return {"resourceShareArn": share, end: usable[0]["associatedEntity"]} if usable else None

    def changed(operation: str) -> Callable[[Aws, Item], Any]:
        def change(aws: Aws, item: Item) -> None:
            ends: Any = [item.values[end]]
            aws.call(operation, resourceShareArn=item.values["resourceShareArn"], **{argument: ends})

        return change

    token = kind.lower()
    return ResourceType(
        name=f"aws:ram/{token}Association:{token.capitalize()}Association",
        service="ram",
        properties={
            end: text(required=True, replaces=True),
            "resourceShareArn": text(validators.arn, required=True, replaces=True),
        },
        id=f"{{resourceShareArn}},{{{end}}}",
        create=(Code(changed("AssociateResourceShare"), "AssociateResourceShare"),),
        read=(Code(found, "GetResourceShareAssociations"),),
        delete=(Code(changed("DisassociateResourceShare"), "DisassociateResourceShare"),),
        gone=_unknown,
    )


RESOURCES = (
    RESOURCE_SHARE,
    _association("PRINCIPAL", "principal", "principals"),
    _association("RESOURCE", "resourceArn", "resourceArns"),
)
