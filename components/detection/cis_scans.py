"""The scan configuration that compares domain controllers with the CIS benchmark of their operating system, every week.

AWS gives a scan configuration an ARN, and accepts a second one with the same name. After a lost state it is therefore found
by the tag with its owner. No configuration of another principal is changed.

Source: Inspector API reference, CreateCisScanConfiguration, ListCisScanConfigurations, UpdateCisScanConfiguration,
DeleteCisScanConfiguration. The AWS provider has no such resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from common.aws.failures import ResourceError, code_of
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.dynamic_provider import SECRET_PROPERTIES, AwsResourceProvider, log, this_stack
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.services import wait_for_inspector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import pulumi

    from components.detection.settings import CisScansSettings

Properties = dict[str, Any]

SCAN_NAME: Final = "shell-access-domain-controllers"
"""Name of the scan configuration."""
LIST: Final = "list_cis_scan_configurations"
"""Operation that lists scan configurations, with their tags."""

_RECORDS: Final = (OWNER_TAG, MADE_HERE_TAG)
"""Tags of a stack's scan configuration. By the second the deployment role may change it, also where the first is lost."""
_CONTENT: Final = ("scanName", "securityLevel", "schedule", "targets")
"""Properties of a scan configuration, as Inspector names them."""
_INPUTS: Final = ("region", *_CONTENT, "owner", "tags", "takeOver", SECRET_PROPERTIES)
_COMPARED: Final = (*_CONTENT, "owner", "tags", SECRET_PROPERTIES)


def scan_content(settings: CisScansSettings, account_id: str, tag: tuple[str, str]) -> Properties:
    """Return the content of the scan configuration for controllers, which have `tag`, as Inspector returns it."""
    start = {"timeOfDay": f"{settings.start_hour:02}:00", "timezone": "UTC"}
    return {
        "scanName": SCAN_NAME,
        "securityLevel": f"LEVEL_{settings.level}",
        "schedule": {"weekly": {"startTime": start, "days": [settings.day]}},
        "targets": {"accountIds": [account_id], "targetResourceTags": {tag[0]: [tag[1]]}},
    }


def content_of(live: Mapping[str, Any]) -> Properties:
    """Return the content of an existing scan configuration."""
    return {name: live.get(name) for name in _CONTENT}


def tags_of(live: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the tags of an existing scan configuration."""
    return cast("Mapping[str, str]", live.get("tags") or {})


class CisScanConfigurationProvider(AwsResourceProvider):
    """Creates the scan configuration, or adopts that of this stack."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare with the state; in another Region it is another scan configuration."""
        moved = ["region"] if _olds.get("region") != _news.get("region") else []
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in _COMPARED)
        return DiffResult(changes=changes, replaces=moved, delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        """Create the scan configuration; adopt the one that a killed run or a lost state has left."""
        with self._calling(props) as client:
            found = _own(client, props)
            if found is not None:
                _change(client, props, found)
                return CreateResult(found["scanConfigurationArn"], _outputs(props))
            wait_for_inspector(client)
            made = client.create_cis_scan_configuration(**content_of(props), tags=_tags(props))
        return CreateResult(made["scanConfigurationArn"], _outputs(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Change the scan configuration in place."""
        with self._calling(_news) as client:
            found = next((each for each in _listed(client) if each["scanConfigurationArn"] == _id), None)
            if found is None:
                # An update keeps the ID, and a new scan configuration has another one.
                raise ResourceError(f"{_what(_news)} were deleted. Run pulumi up --refresh, which creates them again")
            _change(client, _news, found)
        return UpdateResult(_outputs(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live scan configuration; absent if it is deleted."""
        with self._calling(props) as client:
            found = next((each for each in _listed(client) if each["scanConfigurationArn"] == id_), None)
        if found is None:
            return ReadResult("", {})
        tags = tags_of(found)
        live: Properties = {
            **props,
            **content_of(found),
            "owner": tags.get(OWNER_TAG, ""),
            "tags": {key: value for key, value in tags.items() if key not in _RECORDS},
        }
        return ReadResult(id_, live, {name: live[name] for name in _INPUTS if name in live})

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete the scan configuration, unless another stack has taken it over; reports of past scans stay."""
        with self._calling(_props) as client:
            found = next((each for each in _listed(client) if each["scanConfigurationArn"] == _id), None)
            owner = tags_of(found).get(OWNER_TAG) if found else None
            if owner not in (None, _props["owner"]):
                log(f"{_what(_props)} is owned by the stack {owner}, so they are not changed.")
                return
            try:
                client.delete_cis_scan_configuration(scanConfigurationArn=_id)
            except ClientError as refused:
                if code_of(refused) != "ResourceNotFoundException":
                    raise

    def _calling(self, props: Properties) -> AbstractContextManager[Any]:
        return self.calling(_what(props), "inspector2", props["region"])


def _listed(client: Any) -> list[Mapping[str, Any]]:
    pages = client.get_paginator(LIST).paginate()
    return [each for page in pages for each in page.get("scanConfigurations", ())]


def _own(client: Any, props: Properties) -> Mapping[str, Any] | None:
    """Return the scan configuration of this stack, or the one that it takes over."""
    listed = sorted(_listed(client), key=lambda each: each["scanConfigurationArn"])
    own = [each for each in listed if tags_of(each).get(OWNER_TAG) == props["owner"]]
    others = [each for each in listed if each.get("scanName") == props["scanName"] and OWNER_TAG in tags_of(each)]
    return next(iter([*own, *(others if props.get("takeOver") else ())]), None)


def _change(client: Any, props: Properties, found: Mapping[str, Any]) -> None:
    arn, tags = found["scanConfigurationArn"], tags_of(found)
    if content_of(found) != content_of(props):
        client.update_cis_scan_configuration(scanConfigurationArn=arn, **content_of(props))
    desired = _tags(props)
    if not desired.items() <= tags.items():
        client.tag_resource(resourceArn=arn, tags=desired)
    surplus = sorted(tags.keys() - desired.keys())
    if surplus:
        client.untag_resource(resourceArn=arn, tagKeys=surplus)


def _tags(props: Properties) -> dict[str, str]:
    return {**props["tags"], **dict.fromkeys(_RECORDS, props["owner"])}


def _outputs(props: Properties) -> Properties:
    return {name: props[name] for name in _INPUTS if name in props}


def _what(props: Properties) -> str:
    return f"Inspector's CIS scans of domain controllers in {props['region']}"


class CisScanConfiguration(Resource, module="shellaccess", name="CisScanConfiguration"):
    """The scan configuration of domain controllers in a Region."""

    def __init__(  # noqa: PLR0913 -- keyword arguments of a resource
        self,
        name: str,
        *,
        region: str,
        content: Properties,
        tags: Mapping[str, str],
        take_over: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resource with `scan_content`; with `take_over`, also where another stack owns it."""
        properties: Properties = {
            **content,
            "region": region,
            "owner": this_stack(),
            "takeOver": take_over,
            "tags": dict(tags),
        }
        super().__init__(CisScanConfigurationProvider(), name, properties, opts)
