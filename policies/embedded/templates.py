"""CloudFormation templates, with parameters and references resolved as far as possible without AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

import yaml

from common.json_values import listed, mapping
from common.strict_yaml import UniqueKeys
from policies.findings import UNKNOWN, is_partly_unknown

_LISTS: Final = frozenset({"AccessControlAttributes", "ManagedPolicies", "ManagedPolicyArns", "Tags"})
"""Properties whose items are additive, so that both branches of a condition count."""

_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "111122223333",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
}
"""Placeholders of pseudo parameters."""

_VARIABLE: Final = re.compile(r"\$\{([^}!][^}]*)\}")
_LITERAL: Final = re.compile(r"\$\{!([^}]*)\}")
_HARMLESS_TRANSFORMS: Final = frozenset({"AWS::LanguageExtensions", "AWS::SecretsManager-2020-07-23"})


class TemplateError(ValueError):
    """The text is not a valid template."""


@dataclass(frozen=True)
class TemplateResource:
    """A resource of a template.

    `UNKNOWN` stands for what only the deployment knows. `references` are the logical IDs that a property refers to.
    """

    id: str
    type: str
    properties: Mapping[str, Any]
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


class _TemplateLoader(UniqueKeys):
    """YAML loader with the short form of intrinsic functions, `!Ref`."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _intrinsic)  # pyright: ignore[reportUnknownMemberType]


@lru_cache(maxsize=16)
def read_template(text: str) -> Mapping[str, Any]:
    """Return a template, in JSON or YAML, read once for all rules.

    Raises:
        TemplateError: It is neither, or repeats a key.
    """
    try:
        # JSON is read as YAML, of which it is a part.
        found = yaml.load(text, _TemplateLoader)  # noqa: S506 -- a safe loader
    except (yaml.YAMLError, ValueError, TypeError):
        found = None
    if not isinstance(found, dict) or not isinstance(cast("dict[str, Any]", found).get("Resources"), dict):
        raise TemplateError
    return cast("dict[str, Any]", found)


def generated_in(template: Mapping[str, Any]) -> Iterator[str]:
    """Return the parts of a template that only CloudFormation can resolve."""
    given = template.get("Transform")
    for each in listed(given):
        name = cast("dict[str, Any]", each).get("Name") if isinstance(each, dict) else each
        if name is not None and name not in _HARMLESS_TRANSFORMS:
            yield f"Transform {name}"
    for name, each in cast("Mapping[str, Any]", template["Resources"]).items():
        if str(name).startswith("Fn::") or not isinstance(each, dict):
            yield f"Resources.{name}"
        elif _has_transform(each):
            yield f"Resources.{name}: Fn::Transform"


def declared_in(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[TemplateResource]:
    """Return the resources of a template."""
    resources = cast("Mapping[str, Any]", template["Resources"])
    defaults = cast("Mapping[str, Any]", template.get("Parameters") or {})
    values = {
        name: parameters.get(name, cast("Mapping[str, Any]", each).get("Default", UNKNOWN))
        for name, each in defaults.items()
        if isinstance(each, Mapping)
    }
    for name, each in resources.items():
        if not isinstance(each, dict):
            continue
        written = cast("dict[str, Any]", each)
        given = written.get("Properties")
        properties = mapping(given)
        resolver = _Resolver(values, resources, cast("Mapping[str, Any]", template.get("Mappings") or {}))
        resolved = {key: resolver.of(value, key) for key, value in properties.items()}
        yield TemplateResource(name, str(written.get("Type")), resolved, resolver.references)


class _Resolver:
    """Resolves the intrinsic functions of one resource."""

    def __init__(self, values: Mapping[str, Any], resources: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
        self._values, self._resources, self._mappings = values, resources, mappings
        self.references: dict[str, tuple[str, ...]] = {}

    def of(self, value: Any, key: str) -> Any:
        if isinstance(value, list):
            return [self.of(each, key) for item in cast("list[Any]", value) for each in _branches(item, key)]
        if not isinstance(value, dict):
            return value
        mapping = cast("dict[str, Any]", value)
        if len(mapping) == 1:
            ((name, argument),) = mapping.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._function(str(name), argument, key)
        return {str(name): self.of(each, key) for name, each in mapping.items()}

    def _function(self, name: str, argument: Any, key: str) -> Any:
        match name:
            case "Ref":
                return self._named(str(argument), key)
            case "Fn::Sub" if isinstance(argument, str):
                return self._substituted(argument, key)
            case "Fn::Join" if isinstance(argument, list) and len(cast("list[Any]", argument)) == 2:  # noqa: PLR2004 -- delimiter and values
                delimiter, parts = cast("list[Any]", argument)
                found = self.of(parts, key)
                known = isinstance(found, list) and all(isinstance(each, str) for each in cast("list[Any]", found))
                return str(delimiter).join(cast("list[str]", found)) if known else UNKNOWN
            case "Fn::If" | "Fn::Select" | "Fn::FindInMap":
                return self._chosen(name, argument, key)
            case "Fn::GetAtt":
                parts = cast("list[Any]", argument) if isinstance(argument, list) else str(argument).split(".")
                self._refer(str(parts[0]) if parts else "", key)
                return UNKNOWN
            case _:
                self.of(argument, key)  # for what it refers to
                return UNKNOWN

    def _chosen(self, name: str, argument: Any, key: str) -> Any:
        """Return the selected value of a condition, index or mapping; of a condition both, where items are additive."""
        if name == "Fn::If" and key in _LISTS:
            branches = [self.of(each, key) for each in _branches({name: argument}, key)]
            lists = [cast("list[Any]", each) if isinstance(each, list) else [each] for each in branches]
            return [one for each in lists for one in each]
        given: Any = self.of(argument, key)  # also for what it refers to
        steps = cast("list[Any]", given) if isinstance(given, list) and UNKNOWN not in given else []
        found: Any = UNKNOWN
        if name == "Fn::Select" and len(steps) == 2 and isinstance(steps[1], list):  # noqa: PLR2004 -- index and values
            numbered = dict(enumerate(cast("list[Any]", steps[1])))
            found = numbered.get(int(steps[0]) if str(steps[0]).isdecimal() else -1, UNKNOWN)
        elif name == "Fn::FindInMap" and steps:
            found = self._mappings
            for each in steps:
                known = isinstance(found, Mapping) and isinstance(each, str)
                found = cast("Mapping[str, Any]", found).get(each, UNKNOWN) if known else UNKNOWN
        return found

    def _named(self, name: str, key: str) -> Any:
        if name == "AWS::NoValue":
            return None
        if name in self._resources:
            self._refer(name, key)
            return UNKNOWN
        return _PSEUDO.get(name, self._values.get(name, UNKNOWN))

    def _substituted(self, text: str, key: str) -> Any:
        values = {name: self._named(name.partition(".")[0], key) for name in _VARIABLE.findall(text)}
        if any(not isinstance(each, str) for each in values.values()):
            return UNKNOWN
        return _LITERAL.sub(r"${\1}", _VARIABLE.sub(lambda found: values[found[1]], text))

    def _refer(self, name: str, key: str) -> None:
        if name in self._resources:
            self.references[key] = (*self.references.get(key, ()), name)


def _branches(value: Any, key: str) -> list[Any]:
    """Return the possible items of a list, with both branches of a condition."""
    if key not in _LISTS or not isinstance(value, dict):
        return [value]
    argument = cast("dict[str, Any]", value).get("Fn::If")
    if not isinstance(argument, list):
        return [value]
    chosen = cast("list[Any]", argument)[1:]
    return [one for each in chosen if each != {"Ref": "AWS::NoValue"} for one in _branches(each, key)]


def _has_transform(value: Any) -> bool:
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        return "Fn::Transform" in mapping or any(map(_has_transform, mapping.values()))
    return isinstance(value, list) and any(map(_has_transform, cast("list[Any]", value)))


def widened(document: Any) -> Any:
    """Return a policy document in the widest interpretation: unknown parts may allow anything and deny nothing."""
    if not isinstance(document, dict):
        return document
    given = cast("dict[str, Any]", document)
    statements = given.get("Statement")
    kept = [_widest(each) for each in listed(statements) if not (_is_denial(each) and is_partly_unknown(each))]
    return {**given, "Statement": [each for each in kept if each is not None]}


def _is_denial(statement: Any) -> bool:
    return not isinstance(statement, dict) or cast("dict[str, Any]", statement).get("Effect") != "Allow"


def _widest(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _widest(each)
            for key, each in cast("dict[str, Any]", value).items()
            if key != "NotResource" or not is_partly_unknown(each)
        }
    if isinstance(value, list):
        return [_widest(each) for each in cast("list[Any]", value)]
    return "*" if value is UNKNOWN else value
