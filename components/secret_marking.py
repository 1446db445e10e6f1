"""Marks on secret settings: every property and output that holds one is secret, so that the engine encrypts it.

The engine marks an output of a resource where the input of the same name is a secret; it cannot know which other
outputs, IDs and URNs depend on a setting.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from components.adoption.dynamic_provider import SECRET_PROPERTIES
from components.secret_texts import SecretTexts
from components.session_manager.document import PREFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

_DYNAMIC: Final = "pulumi-python:dynamic/"
_AWS: Final = "aws:"
_COMPUTED: Final = ("egress", "ingress", "inlinePolicies", "tagsAll")
"""Outputs that the AWS provider computes from other resources, too: rules, policies and tags."""
_WHOLE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    f"{_DYNAMIC}ssm:SessionPreferences": ("sessionManager", PREFERENCES),
    f"{_DYNAMIC}iam:OperatorGrants": ("approval", ("roles", "users")),
}
"""By type: the section whose values are properties unchanged, including numbers and Booleans, and those properties."""


@cache
def program_secrets() -> SecretTexts:
    """Return the secrets in the configuration of the program's stack."""
    values = CONFIG.get()
    return SecretTexts.of(values, frozenset(key for key in values if is_config_secret(key)))


def keep_secrets() -> None:
    """Mark the properties of each resource, and the outputs of each component, that are registered from now on."""
    secrets = program_secrets()
    if not secrets.sections:
        return
    pulumi.runtime.register_stack_transformation(lambda args: _transformed(args, secrets))
    # A transformation gets the inputs of a component, but not its outputs.
    register = pulumi.ComponentResource.register_outputs

    def register_marked(self: pulumi.ComponentResource, outputs: pulumi.Inputs) -> None:
        register(self, marked(outputs))

    pulumi.ComponentResource.register_outputs = register_marked


def marked(value: Any) -> Any:
    """Return a value of an output with its secrets marked."""
    secrets = program_secrets()
    if not secrets.texts:
        return value
    if isinstance(value, dict):
        return {name: marked(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [marked(each) for each in cast("list[Any]", value)]
    return _marked(value, secrets)


def _transformed(
    args: pulumi.ResourceTransformationArgs, secrets: SecretTexts
) -> pulumi.ResourceTransformationResult | None:
    given = cast("dict[str, Any]", args.props)
    section, whole = _WHOLE.get(args.type_, (given.get("section"), ("content", "settings")))
    is_dynamic = args.type_.startswith(_DYNAMIC)
    of_section = whole if is_dynamic and section in secrets.sections else ()
    hidden = [name for name, value in given.items() if name in of_section or secrets.is_in(value)]
    props = {name: _marked(value, secrets, surely=name in hidden) for name, value in given.items()}
    if is_dynamic and hidden:
        props[SECRET_PROPERTIES] = sorted(hidden)
    opts = args.opts
    if args.type_.startswith(_AWS):
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=list(_COMPUTED)))
    return pulumi.ResourceTransformationResult(props, opts)


def _marked(value: Any, secrets: SecretTexts, *, surely: bool = False) -> Any:
    if surely and value is not None:
        return pulumi.Output.secret(value)
    if isinstance(value, pulumi.Output):
        known = cast("pulumi.Output[Any]", value)
        return known.apply(lambda each: pulumi.Output.secret(each) if secrets.is_in(each) else each)
    return pulumi.Output.secret(value) if secrets.is_in(value) else value
