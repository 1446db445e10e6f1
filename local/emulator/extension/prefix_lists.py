"""Managed prefix lists as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; quotas:
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-managed-prefix-lists.html. The codes of errors that AWS
does not list (reserved name, too many entries) are inferred.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError, InvalidParameterValue
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.responses.vpcs import VPCs

from local.emulator.extension.security_group_rules import check_quota

AWS_OWNER = "AWS"
MOST_CHANGES = 100
"""API_ModifyManagedPrefixList, AddEntries and RemoveEntries: at most 100 items."""


class LocalPrefixLists(VPCs):
    """moto's prefix lists with corrected sizes, versions, changes and deletion."""

    def create_managed_prefix_list(self) -> ActionResult:
        """API_CreateManagedPrefixList: limits entries to the maximum, and refuses reserved names."""
        _check_name(self._get_param("PrefixListName"))
        _check_size(self._get_param("Entries", []), int(self._get_param("MaxEntries")))
        return super().create_managed_prefix_list()

    def describe_managed_prefix_lists(self) -> ActionResult:
        """API_DescribeManagedPrefixLists: an ID that does not exist is an error."""
        for id_ in self._get_param("PrefixListIds", []):
            self._list(id_)
        return super().describe_managed_prefix_lists()

    def get_managed_prefix_list_entries(self) -> ActionResult:
        """API_GetManagedPrefixListEntries: the list must exist."""
        self._list(self._get_param("PrefixListId"))
        return super().get_managed_prefix_list_entries()

    def modify_managed_prefix_list(self) -> ActionResult:
        """API_ModifyManagedPrefixList: changes entries of the current version, or the size, and the name.

        Changed entries create a version; a changed name or size does not.
        """
        found = self._list(self._get_param("PrefixListId"))
        if found.owner_id == AWS_OWNER:
            raise EC2ClientError("OperationNotPermitted", f"{found.id} is managed by AWS and cannot be modified.")
        name, size = self._get_param("PrefixListName"), self._get_param("MaxEntries")
        added, removed = self._get_param("AddEntries", []), self._get_param("RemoveEntries", [])
        if name is not None:
            _check_name(name)
        if size is not None:
            if added or removed:
                raise InvalidParameterValue(
                    "You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time."
                )
            self._resize(found, int(size))
        if added or removed:
            _change_entries(found, added, removed, self._get_param("CurrentVersion"))
            found.state = "modify-complete"
        found.prefix_list_name = name or found.prefix_list_name
        return ActionResult({"PrefixList": found})

    def delete_managed_prefix_list(self) -> ActionResult:
        """API_DeleteManagedPrefixList: requires that no references exist; deletes the list at once."""
        found = self._list(self._get_param("PrefixListId"))
        if found.owner_id == AWS_OWNER:
            raise EC2ClientError("OperationNotPermitted", f"{found.id} is managed by AWS and cannot be deleted.")
        if self._groups_with(found.id) or self._is_routed(found.id):
            raise DependencyViolationError(f"The prefix list '{found.id}' has dependencies and cannot be deleted.")
        self.ec2_backend.delete_managed_prefix_list(found.id)
        del self.ec2_backend.managed_prefix_lists[found.id]
        return ActionResult({"PrefixList": found})

    def _list(self, id_: str) -> ManagedPrefixList:
        found = self.ec2_backend.managed_prefix_lists.get(id_)
        if found is None:
            raise EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{id_}' does not exist")
        return found

    def _resize(self, found: ManagedPrefixList, size: int) -> None:
        """API_ModifyManagedPrefixList, MaxEntries: the list's state is failed if a referring group is over quota."""
        _check_size(_entries(found), size)
        before, found.max_entries = found.max_entries, str(size)
        found.state, message = "modify-complete", None
        try:
            for group in self._groups_with(found.id):
                for rules in (group.ingress_rules, group.egress_rules):
                    check_quota(rules, self.ec2_backend)
        except EC2ClientError as refused:
            found.max_entries, found.state, message = before, "modify-failed", refused.message
        described: Any = found
        described.state_message = message

    def _groups_with(self, id_: str) -> list[Any]:
        groups = [group for of_vpc in self.ec2_backend.groups.values() for group in of_vpc.values()]
        return [
            group
            for group in groups
            if any(rule.prefix_list_id == id_ for rule in [*group.ingress_rules, *group.egress_rules])
        ]

    def _is_routed(self, id_: str) -> bool:
        tables = self.ec2_backend.route_tables.values()
        return any(route.destination_prefix_list_id == id_ for table in tables for route in table.routes)


def _entries(found: Any) -> list[dict[str, str]]:
    return list(found.entries.get(found.version) or [])


def _change_entries(
    found: Any, added: list[dict[str, str]], removed: list[dict[str, str]], version: int | str | None
) -> None:
    if version is None or int(version) != found.version:
        raise EC2ClientError(
            "PrefixListVersionMismatch", f"The prefix list has the version {found.version}, not the given {version}."
        )
    if max(len(added), len(removed)) > MOST_CHANGES:
        raise InvalidParameterValue(f"A request can add and remove {MOST_CHANGES} entries at most.")
    gone = {entry["Cidr"] for entry in removed}
    for entry in added:
        if entry["Cidr"] in gone:
            raise InvalidParameterValue(
                f"Request cannot contain Cidr {entry['Cidr']} in both AddPrefixListEntries and RemovePrefixListEntries"
            )
    new = {entry["Cidr"] for entry in added}
    kept = [entry for entry in _entries(found) if entry["Cidr"] not in gone | new]
    _check_size([*kept, *added], int(found.max_entries))
    found.version += 1
    found.entries[found.version] = [*kept, *added]


def _check_name(name: str) -> None:
    """API_CreateManagedPrefixList, PrefixListName: must not start with com.amazonaws."""
    if name.startswith("com.amazonaws"):
        raise InvalidParameterValue(f"The name of a prefix list must not begin with com.amazonaws: {name}")


def _check_size(entries: list[dict[str, str]], size: int) -> None:
    if len(entries) > size:
        raise EC2ClientError(
            "PrefixListMaxEntriesExceeded", f"The prefix list would have {len(entries)} entries, of {size} at most."
        )
