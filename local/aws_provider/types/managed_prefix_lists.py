"""Customer-managed prefix lists. Source: Terraform AWS provider, `internal/service/ec2/vpc_managed_prefix_list.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, Naming, ResourceType, output, records, text, whole
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.wire import Values

wait_seconds: Final = 600
not_found: Final = "InvalidPrefixListID.NotFound"


def _entries(items: Any) -> dict[str, str]:
    """Map addresses to descriptions."""
    listed: list[Values] = items or []
    return {item["cidr"]: item.get("description") or "" for item in listed}


def _added(entries: dict[str, str]) -> list[Values]:
    return [{"Cidr": cidr, **({"Description": text} if text else {})} for cidr, text in sorted(entries.items())]


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateManagedPrefixList",
        PrefixListName=wanted["name"],
        AddressFamily=wanted["addressFamily"],
        MaxEntries=wanted["maxEntries"],
        Entries=_added(_entries(wanted.get("entries"))) or None,
        TagSpecifications=ec2_common.tag_specification("prefix-list", wanted["tagsAll"]),
    )
    return answer["PrefixList"]["PrefixListId"]


def _settle(aws: Aws, list_id: str, _wanted: Values) -> None:
    aws.wait_until(lambda: _settled(aws, list_id), f"{list_id} being ready", wait_seconds)


def find(aws: Aws, list_id: str) -> Values | None:
    """Return a prefix list as EC2 describes it; None if it is deleted."""
    found = aws.call("DescribeManagedPrefixLists", PrefixListIds=[list_id])["PrefixLists"]
    return None if not found or found[0].get("State") == "delete-complete" else found[0]


def _settled(aws: Aws, list_id: str) -> bool:
    found = find(aws, list_id) or {}
    state = found.get("State", "")
    if state.endswith("-failed"):
        raise AwsError("ec2:ModifyManagedPrefixList", state, found.get("StateMessage", ""))
    return state.endswith("-complete")


def entries_of(aws: Aws, list_id: str) -> list[Values]:
    """Return the entries of the current version."""
    found = aws.pages("GetManagedPrefixListEntries", "Entries", PrefixListId=list_id)
    return [{"cidr": item["Cidr"], "description": item.get("Description", "")} for item in found]


def _read(aws: Aws, list_id: str, _known: Values) -> Values | None:
    found = find(aws, list_id)
    if found is None:
        return None
    return {
        "addressFamily": found["AddressFamily"],
        "arn": found["PrefixListArn"],
        "entries": entries_of(aws, list_id),
        "maxEntries": found.get("MaxEntries"),
        "name": found["PrefixListName"],
        "ownerId": found["OwnerId"],
        "tags": from_pairs(found.get("Tags")),
        "version": found.get("Version"),
    }


def _update(aws: Aws, change: Change) -> None:
    old_size, new_size = change.old["maxEntries"], change.new["maxEntries"]
    # AWS does not accept a new size together with new entries: grow before, shrink after.
    if new_size > old_size:
        _modify(aws, change.object_id, MaxEntries=new_size)
    if change.has("name", "entries"):
        _change_entries(aws, change)
    if new_size < old_size:
        _modify(aws, change.object_id, MaxEntries=new_size)


def _change_entries(aws: Aws, change: Change) -> None:
    old, new = _entries(change.old.get("entries")), _entries(change.new.get("entries"))
    if not change.has("entries"):
        _modify(aws, change.object_id, PrefixListName=change.new["name"])
        return
    added = {cidr: text for cidr, text in new.items() if old.get(cidr) != text}
    removed = {cidr for cidr in old if cidr not in new or cidr in added}
    redescribed = sorted(removed & set(added))
    if redescribed:
        # AWS rejects an address that is both added and removed in one request.
        _modify(aws, change.object_id, RemoveEntries=[{"Cidr": cidr} for cidr in redescribed], **_version(aws, change))
    _modify(
        aws,
        change.object_id,
        PrefixListName=change.new["name"] if change.has("name") else None,
        AddEntries=_added(added) or None,
        RemoveEntries=[{"Cidr": cidr} for cidr in sorted(removed - set(added))] or None,
        **_version(aws, change),
    )


def _version(aws: Aws, change: Change) -> Values:
    found = find(aws, change.object_id) or {}
    return {"CurrentVersion": found.get("Version")}


def _modify(aws: Aws, list_id: str, **arguments: Any) -> None:
    aws.call("ModifyManagedPrefixList", PrefixListId=list_id, **arguments)
    _settle(aws, list_id, {})


def _delete(aws: Aws, list_id: str, _known: Values) -> None:
    aws.call("DeleteManagedPrefixList", PrefixListId=list_id)

    def absent() -> bool:
        try:
            found = find(aws, list_id)
        except AwsError as failure:
            if failure.code != not_found:
                raise
            return True
        if found is not None and found.get("State") == "delete-failed":
            raise AwsError("ec2:DeleteManagedPrefixList", "delete-failed", found.get("StateMessage", ""))
        return found is None

    aws.wait_until(absent, f"deletion of {list_id}", wait_seconds)


MANAGED_PREFIX_LIST = ResourceType(
    name="aws:ec2/managedPrefixList:ManagedPrefixList",
    service="ec2",
    properties={
        "addressFamily": text(required=True, replaces=True, checks=(validators.one_of("IPv4", "IPv6"),)),
        "arn": output(),
        "entries": records(
            {
                "cidr": text(required=True, checks=(validators.cidr,)),
                "description": text(checks=(validators.length(0, 255),)),
            },
            computed=True,
            unordered=True,
        ),
        "maxEntries": whole(required=True, checks=(validators.between(1, 1000),)),
        "name": text(naming=Naming(), checks=(validators.length(1, 255),)),
        "ownerId": output(),
        "version": output("integer"),
    },
    calls={
        "create": ("CreateManagedPrefixList",),
        "read": ("DescribeManagedPrefixLists", "GetManagedPrefixListEntries"),
        "update": ("ModifyManagedPrefixList", "CreateTags", "DeleteTags"),
        "delete": ("DeleteManagedPrefixList",),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({not_found}),
    moves={"version": ("entries",)},
)

RESOURCES = (MANAGED_PREFIX_LIST,)
