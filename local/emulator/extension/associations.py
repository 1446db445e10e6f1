"""Associations of State Manager, which moto lacks: stored and returned, never executed.

API_… pages: https://docs.aws.amazon.com/systems-manager/latest/APIReference/.
"""

import re
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import InvalidDocument, SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from local.emulator.extension.reported_states import reported

KIND: Final = "Association"
_KEPT: Final = "_local_associations"
_GIVEN: Final = (
    *("ApplyOnlyAtCronInterval", "AssociationName", "AutomationTargetParameterName", "CalendarNames"),
    *("ComplianceSeverity", "DocumentVersion", "MaxConcurrency", "MaxErrors", "OutputLocation", "Parameters"),
    *("ScheduleExpression", "SyncCompliance", "Targets"),
)
_SCHEDULE: Final = re.compile(r"(rate|cron|at)\(.+\)")


class AssociationActions(SimpleSystemManagerResponse):
    """Actions that moto lacks, and tags of associations."""

    def create_association(self) -> ActionResult:
        """API_CreateAssociation."""
        name = str(self._get_param("Name"))
        if not name.startswith("AWS-") and name not in vars(self.ssm_backend)["_documents"]:
            raise InvalidDocument(f"Document with name {name} does not exist.")
        id_ = str(uuid.uuid4())
        made: dict[str, Any] = {
            "Name": name,
            "AssociationId": id_,
            "AssociationVersion": "1",
            "Date": datetime.now(UTC),
            "DocumentVersion": "$DEFAULT",
            "Overview": {"Status": "Pending", "DetailedStatus": "Creating"},
            **self._association_as_given(),
        }
        self._associations()[id_] = made
        tags: list[dict[str, str]] = self._get_param("Tags") or []
        self._association_tags(id_).update({tag["Key"]: tag["Value"] for tag in tags})
        return ActionResult({"AssociationDescription": made})

    def update_association(self) -> ActionResult:
        """API_UpdateAssociation: removes omitted optional parameters from the association."""
        found = self._association()
        kept = ("AssociationId", "AssociationVersion", "Date", "DocumentVersion", "Name", "Overview")
        changed = {key: found[key] for key in kept} | self._association_as_given()
        changed["Name"] = self._get_param("Name") or found["Name"]
        changed["AssociationVersion"] = str(int(found["AssociationVersion"]) + 1)
        changed["LastUpdateAssociationDate"] = datetime.now(UTC)
        self._associations()[found["AssociationId"]] = changed
        return ActionResult({"AssociationDescription": changed})

    def describe_association(self) -> ActionResult:
        """API_DescribeAssociation, by ID, with the reported states."""
        found = self._association()
        return ActionResult({"AssociationDescription": {**found, **reported(found["AssociationId"])}})

    def list_associations(self) -> ActionResult:
        """API_ListAssociations, with the filter `AssociationName`."""
        filters: list[dict[str, str]] = self._get_param("AssociationFilterList") or []
        wanted = {each["value"] for each in filters if each["key"] == "AssociationName"}
        shown = ("Name", "AssociationId", "AssociationVersion", "AssociationName", "ScheduleExpression", "Targets")
        listed = [
            {key: each[key] for key in shown if key in each}
            for each in self._associations().values()
            if not wanted or each.get("AssociationName") in wanted
        ]
        return ActionResult({"Associations": listed})

    def delete_association(self) -> ActionResult:
        """API_DeleteAssociation, by ID."""
        found = self._association()
        del self._associations()[found["AssociationId"]]
        self._association_tags(found["AssociationId"]).clear()
        return EmptyResult()

    def add_tags_to_resource(self) -> ActionResult:
        """API_AddTagsToResource, including associations."""
        if self._get_param("ResourceType") != KIND:
            return super().add_tags_to_resource()
        tags = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
        self._association_tags(self._tagged_association()).update(tags)
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        """API_RemoveTagsFromResource, including associations."""
        if self._get_param("ResourceType") != KIND:
            return super().remove_tags_from_resource()
        for key in self._get_param("TagKeys"):
            self._association_tags(self._tagged_association()).pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        """API_ListTagsForResource, including associations."""
        if self._get_param("ResourceType") != KIND:
            return super().list_tags_for_resource()
        tags = self._association_tags(self._tagged_association())
        return ActionResult({"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def _association_as_given(self) -> dict[str, Any]:
        given = {key: self._get_param(key) for key in _GIVEN}
        schedule = given["ScheduleExpression"]
        if schedule is not None and not _SCHEDULE.fullmatch(schedule):
            raise SSMException("InvalidSchedule", "The schedule is invalid. Verify your cron or rate expression.")
        return {key: value for key, value in given.items() if value is not None}

    def _association(self) -> dict[str, Any]:
        found = self._associations().get(str(self._get_param("AssociationId")))
        if found is None:
            raise SSMException("AssociationDoesNotExist", "The specified association doesn't exist.")
        return found

    def _tagged_association(self) -> str:
        id_ = str(self._get_param("ResourceId"))
        if id_ not in self._associations():
            raise SSMException("InvalidResourceId", "The resource ID isn't valid.")
        return id_

    def _associations(self) -> dict[str, dict[str, Any]]:
        """Return the associations, which are stored with moto's state, so that a reset deletes them."""
        return vars(self.ssm_backend).setdefault(_KEPT, {})

    def _association_tags(self, id_: str) -> dict[str, str]:
        return vars(self.ssm_backend)["_resource_tags"][KIND][id_]
