"""Cedar policies of just-in-time node access: generation, validation, and decisions.

Schema: Systems Manager User Guide, "Statement structure and built-in operators for auto-approval and deny-access policies".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

import cedarpy

from components.just_in_time.names import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

USER: Final = "AWS::IdentityStore::User"
GROUP: Final = "AWS::IdentityStore::Group"
INSTANCE: Final = "AWS::EC2::Instance"
MANAGED_INSTANCE: Final = "AWS::SSM::ManagedInstance"
USER_ATTRIBUTES: Final = ("costCenter", "division", "employeeNumber", "organization")
_ACTION: Final = 'AWS::SSM::Action::"getTokenForInstanceAccess"'
_PRINCIPAL_TAGS: Final = "AWS::IAM::PrincipalTags"
SCHEMA: Final = f"""
namespace AWS::EC2 {{ entity Instance tags String; }}
namespace AWS::IAM {{ entity PrincipalTags tags String; }}
namespace AWS::IdentityStore {{
  entity Group;
  entity User in [Group] {{ {", ".join(f"{name}?: String" for name in USER_ATTRIBUTES)} }};
}}
namespace AWS::SSM {{
  entity ManagedInstance tags String;
  action "getTokenForInstanceAccess" appliesTo {{
    principal: [AWS::IdentityStore::User],
    resource: [AWS::EC2::Instance, AWS::SSM::ManagedInstance],
    context: {{ iam: {{ principalTags: AWS::IAM::PrincipalTags }} }}
  }};
}}
"""
_ATTRIBUTES_OF: Final = {"principal": USER_ATTRIBUTES, "resource": (), "action": (), "context": ("iam",)}
_ATTRIBUTES: Final = frozenset({*USER_ATTRIBUTES, "iam", "principalTags"})
_MOST_NODES: Final = 500
"""Number of nodes that the lint tries a policy with."""
_ENGINE: Any = cedarpy  # Its types are partly unknown.
_ID: Final = re.compile(IDENTITY)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user of IAM Identity Center.

    Attributes:
        id: ID of the user.
        groups: IDs of the user's groups.
        attributes: Attributes of the user that Cedar policies can compare.
        principal_tags: Tags of the role and session with which the user makes the request.
    """

    id: str = ""
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    principal_tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class References:
    """Values that Cedar policies compare.

    Attributes:
        groups: IDs of groups.
        users: IDs of users.
        needs_attributes: Names of compared user attributes, and `principalTags` where the tags of the role count.
        tag_keys: Keys of compared tags.
    """

    groups: tuple[str, ...]
    users: tuple[str, ...]
    needs_attributes: tuple[str, ...]
    tag_keys: tuple[str, ...] = ()


def permits(groups: Sequence[str], tags: Mapping[str, Sequence[str]]) -> str:
    """Return Cedar policies that permit each group (ID) the nodes with one of the values of each tag."""
    conditions = " &&\n  ".join(
        f"resource.hasTag({_quoted(key)}) && [{', '.join(map(_quoted, values))}].contains(resource.getTag({_quoted(key)}))"
        for key, values in tags.items()
    )
    return "\n\n".join(
        f"permit (\n  principal in {GROUP}::{_quoted(group)},\n  action == {_ACTION},\n  resource\n)\nwhen {{\n  {conditions}\n}};"
        for group in groups
    )


def policy_problems(text: str, *, anyone: bool) -> list[str]:
    """Return the problems of Cedar policies: against the schema, and what the validator accepts although it is wrong.

    With `anyone`, they may permit users without a group and attributes.
    """
    errors = policy_errors(text)
    if errors:
        return [
            f"expected Cedar policies for just-in-time node access, got an error: {each}. Correct it" for each in errors
        ]
    parsed = json.loads(_ENGINE.policies_to_json_str(text))
    policies: dict[str, Any] = parsed["staticPolicies"]
    if parsed["templates"]:
        return ["expected Cedar policies, got a template. Replace its slots (?principal, ?resource)"]
    if not policies:
        return ["expected a Cedar policy, got none. Add one, or remove the statement"]
    problems: list[str] = []
    for policy in policies.values():
        problems += _unknown_attributes(policy)
        problems += _unknown_identities(policy)
        if policy["effect"] == "permit":
            problems += _open_permit(policy, anyone=anyone)
    return list(dict.fromkeys(problems))


def policy_errors(text: str) -> list[str]:
    """Return the errors of Cedar policies against the schema, without the lint."""
    return list(dict.fromkeys(each.error for each in _ENGINE.validate_policies(text, SCHEMA).errors))


def references(text: str) -> References:
    """Return the users, groups and attributes that valid Cedar policies name."""
    policies = json.loads(_ENGINE.policies_to_json_str(text))["staticPolicies"]
    entities = dict.fromkeys(_entities(policies))
    attributes = {name for _, name in _attributes(policies)} - {"iam"}
    return References(
        groups=tuple(id_ for kind, id_ in entities if kind == GROUP),
        users=tuple(id_ for kind, id_ in entities if kind == USER),
        needs_attributes=tuple(sorted(attributes)),
        tag_keys=tuple(sorted(set(_tag_keys(policies)))),
    )


def is_approved(text: str, people: Sequence[Person], node_kind: str, tags: Mapping[str, str]) -> list[bool]:
    """Return whether valid Cedar policies permit each person a node."""
    return [each for person in people for each in _permits(text, person, [(node_kind, tags)])]


def _permits(text: str, person: Person, nodes: Iterable[tuple[str, Mapping[str, str]]]) -> list[bool]:
    """Return whether valid Cedar policies permit a person each of some nodes, in one call, which parses them once."""
    tags_of = {(kind, str(number)): dict(tags) for number, (kind, tags) in enumerate(nodes)}
    context_tags = {"type": _PRINCIPAL_TAGS, "id": "tags"}
    groups = [{"type": GROUP, "id": each} for each in person.groups]
    user = {"type": USER, "id": person.id}
    entities: list[dict[str, Any]] = [
        {"uid": user, "attrs": dict(person.attributes), "parents": groups},
        *({"uid": each, "attrs": {}, "parents": []} for each in groups),
        *(
            {"uid": {"type": kind, "id": id_}, "attrs": {}, "parents": [], "tags": tags}
            for (kind, id_), tags in tags_of.items()
        ),
        {"uid": context_tags, "attrs": {}, "parents": [], "tags": dict(person.principal_tags)},
    ]
    requests = [
        {
            "principal": f"{USER}::{_quoted(person.id)}",
            "action": _ACTION,
            "resource": f"{kind}::{_quoted(id_)}",
            "context": {"iam": {"principalTags": {"__entity": context_tags}}},
        }
        for kind, id_ in tags_of
    ]
    answers = _ENGINE.is_authorized_batch(requests, text, entities, SCHEMA)
    return [each.decision == cedarpy.Decision.Allow for each in answers]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _unknown_attributes(policy: dict[str, Any]) -> list[str]:
    """Return attributes that the schema lacks: the validator accepts them behind `has`, and the policy never applies."""
    found = {name for variable, name in _attributes(policy) if name not in (_ATTRIBUTES_OF.get(variable, _ATTRIBUTES))}
    return [
        f"expected an attribute of the schema ({', '.join(USER_ATTRIBUTES)}), got {name}. Correct it, as the policy never applies"
        for name in sorted(found)
    ]


def _unknown_identities(policy: dict[str, Any]) -> list[str]:
    return [
        f"expected the ID of a user or group in the identity store (a GUID), got {id_}. Replace the name by its ID, as the policy "
        "never applies"
        for kind, id_ in dict.fromkeys(_entities(policy))
        if kind in {USER, GROUP} and not _ID.fullmatch(id_)
    ]


def _open_permit(policy: dict[str, Any], *, anyone: bool) -> list[str]:
    """Return the problems of a permit for every node, or for every user."""
    variables = set(_variables(policy["conditions"]))
    if policy["resource"]["op"] in {"All", "is"} and "resource" not in variables:
        return [
            "expected a permit with a condition on the node's tags, got one for every node. Add one: resource.hasTag(...)"
        ]
    of_anyone = policy["principal"]["op"] in {"All", "is"} and not variables & {"principal", "context"}
    if anyone or not (of_anyone or _permits_stranger(policy)):
        return []
    return [
        (
            "expected a permit for a group, users or attributes, got one for any user. Add a condition on principal or "
            "context.iam.principalTags, or set anyone to true to accept it knowingly"
        )
    ]


def _permits_stranger(policy: dict[str, Any]) -> bool:
    """Return whether a user without group, attribute and tag is permitted a node that has tags which the policy compares."""
    text = _ENGINE.policies_from_json_str(
        json.dumps({"staticPolicies": {"policy0": policy}, "templates": {}, "templateLinks": []})
    )
    return any(_permits(text, Person(), product((INSTANCE, MANAGED_INSTANCE), _compared_tags(policy))))


def _compared_tags(policy: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield tags of nodes: none, and each combination of the keys and texts in the policy, up to a limit."""
    keys, texts = sorted(set(_tag_keys(policy))), sorted({*_texts(policy), ""})
    combinations = product([None, *texts], repeat=len(keys))
    for _, values in zip(range(_MOST_NODES), combinations, strict=False):
        yield {key: value.replace("*", "") for key, value in zip(keys, values, strict=True) if value is not None}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a policy's JSON form."""
    if isinstance(value, dict):
        yield cast("dict[str, Any]", value)
    children = cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for each in cast("list[Any]", children):
            yield from _nodes(each)


def _attributes(policy: Any) -> Iterator[tuple[str, str]]:
    """Yield the attributes that a policy reads or tests, each with its variable; "" where it is of another expression."""
    for node in _nodes(policy):
        for operator in ("has", "."):
            if isinstance(node.get(operator), dict) and "attr" in node[operator]:
                left = node[operator].get("left")
                variable = cast("dict[str, Any]", left).get("Var", "") if isinstance(left, dict) else ""
                yield str(variable), str(node[operator]["attr"])


def _entities(policy: Any) -> Iterator[tuple[str, str]]:
    for node in _nodes(policy):
        for name in ("__entity", "entity"):
            if isinstance(node.get(name), dict):
                yield str(node[name]["type"]), str(node[name]["id"])
        for each in node.get("entities", ()):
            yield str(each["type"]), str(each["id"])


def _variables(conditions: Any) -> Iterator[str]:
    yield from (str(node["Var"]) for node in _nodes(conditions) if "Var" in node)


def _tag_keys(policy: Any) -> Iterator[str]:
    for node in _nodes(policy):
        for operator in ("hasTag", "getTag"):
            if isinstance(node.get(operator), dict):
                right = node[operator].get("right", {})
                if isinstance(right.get("Value"), str):
                    yield right["Value"]


def _texts(policy: Any) -> Iterator[str]:
    yield from (node["Value"] for node in _nodes(policy) if isinstance(node.get("Value"), str))
    for node in _nodes(policy):
        if isinstance(node.get("like"), dict):
            pattern = cast("list[Any]", node["like"].get("pattern", []))
            literals = (cast("dict[str, Any]", each) for each in pattern if isinstance(each, dict))
            yield "".join(str(each.get("Literal", "")) for each in literals)
