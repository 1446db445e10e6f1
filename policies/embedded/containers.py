"""Resources inside other resources, in the form that the rules know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from common.json_values import mapping
from policies.embedded.kinds import KINDS, NATIVE, pascal, type_of_native
from policies.embedded.templates import TemplateError, TemplateResource, declared_in, generated_in, read_template
from policies.findings import UNKNOWN, Resource

TEMPLATES: Final = ("aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet")
CLOUD_CONTROL: Final = "aws:cloudcontrol/resource:Resource"
EXTENSION: Final = "aws-native:index:ExtensionResource"
CONTAINERS: Final = (*TEMPLATES, CLOUD_CONTROL, EXTENSION, *NATIVE)
"""Resource types whose body can be read."""

_HIDING: Final = (
    *("AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet", "AWS::CloudFormation::CustomResource"),
    *("AWS::ServiceCatalog::CloudFormationProvisionedProduct", "AWS::Serverless::", "AWS::SSMQuickSetup::"),
)
"""Prefixes of the CloudFormation types that create further resources."""

_CONTROLLERS: Final = ("AWS::EC2::", "AWS::AutoScaling::")
_CONTROLLERS_TAG: Final = "DomainController"


@dataclass(frozen=True)
class Body:
    """Content of a container.

    Attributes:
        place: Path of its resources, for messages: `templateBody.Resources.`.
        declared: Resources.
        unread: Description of what cannot be read, by property.
        unseen: Property that is not known yet; empty: none.
    """

    place: str = ""
    declared: tuple[TemplateResource, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    unseen: str = ""


def body_of(container: Resource) -> Body:
    """Return the content of a resource of one of the types `CONTAINERS`."""
    if container.type in TEMPLATES:
        return _in_template(container)
    if container.type == CLOUD_CONTROL:
        return _in_state(container, "typeName", "desiredState")
    if container.type == EXTENSION:
        return _in_state(container, "type", "properties")
    given = {name: container.value(name) for name in container.properties}
    return _checked(Body("", (TemplateResource("", type_of_native(container.type), pascal(given)),)))


def embedded_in(container: Resource) -> tuple[Resource, ...]:
    """Return the resources in a container that the rules know."""
    if container.type not in CONTAINERS:
        return ()
    body = body_of(container)
    return tuple(
        each for declared in body.declared for each in _converted(container, declared, f"{body.place}{declared.id}")
    )


def _in_template(container: Resource) -> Body:
    text, url = container.value("templateBody"), container.value("templateUrl")
    if text is UNKNOWN:
        return (
            Body(unseen="templateBody")
            if not container.is_output or not url
            else Body(unread=(("templateUrl", "a URL"),))
        )
    if not text:
        return Body(unread=(("templateUrl", "a URL"),))
    try:
        template = read_template(str(text))
    except TemplateError:
        return Body(unread=(("templateBody", "text that cannot be read"),))
    given = container.value("parameters")
    parameters = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else dict[str, Any]()
    unread = tuple(("templateBody", each) for each in generated_in(template))
    declared = (_tagged(each, container.value("tags")) for each in declared_in(template, parameters))
    return _checked(Body("templateBody.Resources.", tuple(declared), unread))


def _tagged(declared: TemplateResource, tags: Any) -> TemplateResource:
    """Add the tags of the stack, which CloudFormation sets on every taggable resource in it."""
    own: Any = declared.properties.get("Tags") or []
    if not isinstance(own, list) or not tags:
        return declared
    given = cast("Mapping[str, Any]", tags) if isinstance(tags, Mapping) else None
    added: list[Any] = [UNKNOWN] if given is None else [{"Key": key, "Value": each} for key, each in given.items()]
    return replace(declared, properties={**declared.properties, "Tags": [*added, *cast("list[Any]", own)]})


def _in_state(container: Resource, type_: str, properties: str) -> Body:
    kind, state = container.value(type_), container.value(properties)
    for name, value in ((type_, kind), (properties, state)):
        if value is UNKNOWN:
            return Body(unseen=name)
    if isinstance(state, str):
        try:
            state = json.loads(state)
        except ValueError:
            return Body(unread=((properties, "text that cannot be read"),))
    given = mapping(state)
    return _checked(Body(properties, (TemplateResource("", str(kind), given),)))


def _checked(body: Body) -> Body:
    """Return whether a declared resource creates further resources, or is a domain controller's and cannot be read."""
    found = tuple(
        (f"{body.place}{each.id}" or "type", each.type)
        for each in body.declared
        if is_hiding(each.type) or _is_controllers(each)
    )
    return replace(body, unread=(*body.unread, *found))


def is_hiding(type_: str) -> bool:
    """Return whether a CloudFormation type creates further resources, as third-party types may."""
    return type_.startswith(_HIDING) or not type_.startswith("AWS::") or type_.endswith("::MODULE")


def _is_controllers(declared: TemplateResource) -> bool:
    unmapped = declared.type.startswith(_CONTROLLERS) and declared.type not in KINDS
    return unmapped and _CONTROLLERS_TAG in json.dumps(declared.properties, default=str)


def _converted(container: Resource, declared: TemplateResource, place: str) -> Iterator[Resource]:
    convert = KINDS.get(declared.type)
    for position, (token, properties, origin) in enumerate(convert(declared.properties) if convert else ()):
        name = declared.id or declared.type.rpartition("::")[2]
        name = f"{name}-{position}" if position else name
        sources = {
            own: tuple(f"{container.urn}/{each}" for each in declared.references.get(cfn, ()))
            for own, cfn in {**{each: each[:1].upper() + each[1:] for each in properties}, **origin}.items()
        }
        yield Resource(
            type=token,
            name=f"{container.name}/{name}",
            properties=properties,
            settings=container.settings,
            path=f"{place}." if place else "",
            urn=f"{container.urn}/{name}",
            sources={key: urns for key, urns in sources.items() if urns}
            or dict(container.sources if not declared.id else {}),
        )
