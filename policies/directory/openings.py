"""What the groups of domain controllers let pass, in every form in which a program can write a rule, brought to one.

The forms: `ingress` and `egress` of a security group or default security group, `ec2.SecurityGroupRule`,
`vpc.SecurityGroupIngressRule` and `vpc.SecurityGroupEgressRule`. Rules name their group by an ID that preview does not
know, so they are judged with the whole stack, where it is known which resource the ID comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

from components.directory.demands import Direction
from components.iam.truth import Truth
from policies.directory.addresses import is_unreachable, parsed
from policies.directory.groups import ControllersGroups
from policies.directory.references import NOTHING, Named, References, given
from policies.directory.spans import Span, span
from policies.findings import UNKNOWN, Unseen, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

PREFIX_LIST: Final = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_LIST_ENTRY: Final = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
OLD_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

_PORTS: Final = ("protocol", "fromPort", "toPort")
_NEW_RULES: Final = {INGRESS_RULE: Direction.INGRESS, EGRESS_RULE: Direction.EGRESS}


class Kind(Enum):
    """By what a rule names the other end."""

    NETWORK = "network"
    GROUP = "security group"
    PREFIX_LIST = "prefix list"
    ITSELF = "the group itself"
    UNKNOWN = "not known yet"


_ENDS: Final = {
    "cidrBlocks": Kind.NETWORK,
    "ipv6CidrBlocks": Kind.NETWORK,
    "prefixListIds": Kind.PREFIX_LIST,
    "securityGroups": Kind.GROUP,
    "cidrIpv4": Kind.NETWORK,
    "cidrIpv6": Kind.NETWORK,
    "prefixListId": Kind.PREFIX_LIST,
    "referencedSecurityGroupId": Kind.GROUP,
    "sourceSecurityGroupId": Kind.GROUP,
}
"""Properties of all the forms that name the other end, with one value or several."""


@dataclass(frozen=True, kw_only=True)
class End:
    """Who is at the other end.

    Attributes:
        kind: by what it is named.
        property: that names it, with its path.
        value: as written, or `UNKNOWN`; a CIDR, an ID.
        named: the resource of the stack that it is, for groups and prefix lists.
    """

    kind: Kind
    property: str
    value: Any = None
    named: Named = NOTHING


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A rule of a controllers' group.

    Attributes:
        carrier: the resource that has the rule.
        direction: ingress or egress.
        span: protocol and ports; None where they are not known yet.
        unseen: the property that decides on the span, where it is not known.
        ports_property: which says the ports, for messages.
        ends: with whom.
        undecided: the property that decides whether the group is a controllers'; empty where it surely is.
    """

    carrier: Resource
    direction: Direction
    span: Span | None
    unseen: str
    ports_property: str
    ends: tuple[End, ...]
    undecided: str = ""

    def finding(self, name: str, found: str, expected: str) -> Finding:
        """A violation, or what decides whether it is one."""
        if self.undecided:
            return self.not_seen(self.undecided)
        return Violation(name, found, expected, about=self.carrier)

    def not_seen(self, name: str) -> Unseen:
        """A property that decides and is not known."""
        return Unseen(self.undecided or name, about=self.carrier)


class Openings:
    """All rules of controllers' groups of a stack, and what they refer to.

    Args:
        stack: to look in.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.groups = ControllersGroups(stack)
        self._lists = References(stack, PREFIX_LIST)

    def each(self, direction: Direction) -> Iterator[Opening]:
        """The rules of a direction that let something pass."""
        for opening in self._written(direction):
            ends = tuple(each for each in opening.ends if not _is_nowhere(each))
            if ends or not opening.ends:
                yield replace(opening, ends=ends)

    def _written(self, direction: Direction) -> Iterator[Opening]:
        apart: set[tuple[str, Span | None, Kind, Any]] = set()
        for rule in self._rules(direction):
            for opening in self._of_rule(rule, direction):
                apart.update(self._as_a_group_shows_it(rule, opening))
                yield opening
        for group, is_one in self.groups.marked():
            for opening in self._of_group(group, is_one, direction):
                own = tuple(
                    each for each in opening.ends if (group.urn, opening.span, each.kind, each.value) not in apart
                )
                if own:
                    yield replace(opening, ends=own)

    def _as_a_group_shows_it(self, rule: Resource, opening: Opening) -> Iterator[tuple[str, Span | None, Kind, Any]]:
        """After a refresh a group's own properties show the rules that are resources, which were judged already."""
        if opening.span is None:
            return
        for named in self.groups.named_by(rule):
            for group in named.candidates:
                for end in opening.ends:
                    if end.value is not UNKNOWN:
                        yield group.urn, opening.span, end.kind, end.value
                    if group in end.named.candidates:
                        yield group.urn, opening.span, Kind.ITSELF, True

    def entries(self, end: End) -> list[Any]:
        """The CIDRs of a prefix list of the stack, `UNKNOWN` among them."""
        found: list[Any] = []
        for listed in end.named.candidates:
            entries = given(listed, "entries")
            several = cast("list[Any]", entries) if isinstance(entries, list) else [entries] if entries else []
            found += [
                cast("dict[str, Any]", each).get("cidr") if isinstance(each, dict) else UNKNOWN for each in several
            ]
            for entry in self._stack.of(PREFIX_LIST_ENTRY):
                if any(listed in named.candidates for named in self._lists.all_of(entry, "prefixListId")):
                    found.append(entry.value("cidr"))
        return found

    def _rules(self, direction: Direction) -> Iterator[Resource]:
        for type_, way in _NEW_RULES.items():
            if way is direction:
                yield from self._stack.of(type_)
        for rule in self._stack.of(OLD_RULE):
            if rule.value("type") in (str(direction), UNKNOWN):
                yield rule

    def _of_rule(self, rule: Resource, direction: Direction) -> Iterator[Opening]:
        is_one = self.groups.of_a_rule(rule)
        if is_one is Truth.NO:
            return
        undecided = self._why_undecided(rule, is_one) or ("type" if rule.value("type") is UNKNOWN else "")
        names = ("protocol" if rule.type == OLD_RULE else "ipProtocol", "fromPort", "toPort")
        ends = tuple(self._ends(rule, {name: given(rule, name) for name in (*_ENDS, "self")}, "", None))
        made = _opening(rule, direction, {name: rule.value(name) for name in names}, "", ends)
        yield replace(made, undecided=undecided)

    def _why_undecided(self, rule: Resource, is_one: Truth) -> str:
        if is_one is Truth.YES:
            return ""
        lost = any(named.is_lost for named in self.groups.named_by(rule))
        return "securityGroupId" if lost else "securityGroupId (the tags of the group)"

    def _of_group(self, group: Resource, is_one: Truth, direction: Direction) -> Iterator[Opening]:
        name, undecided = str(direction), "" if is_one is Truth.YES else "tags"
        blocks = given(group, name)
        several = cast("list[Any]", blocks) if isinstance(blocks, list) else [] if blocks is None else [blocks]
        for index, block in enumerate(several):
            path = f"{name}[{index}]."
            if isinstance(block, dict):
                properties = cast("dict[str, Any]", block)
                ends = tuple(self._ends(group, properties, path, name))
            else:
                properties, path = dict.fromkeys(_PORTS, UNKNOWN), ""
                ends = (End(kind=Kind.UNKNOWN, property=name, value=UNKNOWN),)
            made = _opening(group, direction, {each: properties.get(each) for each in _PORTS}, path, ends)
            yield replace(made, undecided=undecided, unseen=made.unseen if path else name)

    def _ends(self, holder: Resource, properties: dict[str, Any], path: str, inside: str | None) -> Iterator[End]:
        for name, kind in _ENDS.items():
            value = properties.get(name)
            listed = cast("list[Any]", value) if isinstance(value, list) else [value]
            for index, each in enumerate(listed):
                if each is None or each == "":
                    continue
                place = f"{path}{name}[{index}]" if isinstance(value, list) else f"{path}{name}"
                yield End(kind=kind, property=place, value=each, named=self._named(kind, holder, inside or name, each))
        if properties.get("self") in (True, UNKNOWN):
            yield End(kind=Kind.ITSELF, property=f"{path}self", value=True)

    def _named(self, kind: Kind, holder: Resource, name: str, value: Any) -> Named:
        if kind is Kind.GROUP:
            return self.groups.named(holder, name, value)
        return self._lists.of(holder, name, value) if kind is Kind.PREFIX_LIST else NOTHING


def _is_nowhere(end: End) -> bool:
    network = parsed(end.value) if end.kind is Kind.NETWORK and isinstance(end.value, str) else None
    return network is not None and is_unreachable(network)


def _opening(
    carrier: Resource, direction: Direction, ports: dict[str, Any], path: str, ends: tuple[End, ...]
) -> Opening:
    protocol, first, last = ports.values()
    unknown = [f"{path}{name}" for name, value in ports.items() if value is UNKNOWN]
    names = list(ports)
    return Opening(
        carrier=carrier,
        direction=direction,
        span=span(protocol, first, last),
        unseen=", ".join(unknown),
        ports_property=f"{path}{names[0]}, {path}{names[1]} and {path}{names[2]}",
        ends=ends,
    )


def findings(stack: Stack, direction: Direction, judge: Callable[[Openings, Opening], Iterator[Finding]]) -> Findings:
    """What a rule about controllers' groups has to say of each opening."""
    openings = Openings(stack)
    for opening in openings.each(direction):
        yield from judge(openings, opening)
