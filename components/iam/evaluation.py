"""What a principal's policies together allow.

Identity policies are united; an explicit Deny anywhere wins; a permission boundary and every level of service control
policies must allow as well (IAM User Guide, "Policy evaluation logic"). Session policies and the policies of resources
are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.iam.conditions import hold
from components.iam.context import Context
from components.iam.patterns import EVERYTHING, Texts, UndecidedError, find, is_in, literal
from components.iam.truth import Truth
from components.iam.variables import expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from components.iam.documents import Policy, Statement


@dataclass(frozen=True, kw_only=True, eq=False)
class Permissions:
    """The policies that bear on a principal.

    Attributes:
        identity: inline and managed, own and of groups.
        boundary: the permission boundary; None where there is none.
        ceilings: service control policies by level, from the root down; empty where none bear.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    ceilings: tuple[tuple[Policy, ...], ...] = ()

    def every(self) -> tuple[Policy, ...]:
        """All policies."""
        above = (self.boundary,) if self.boundary else ()
        return (*self.identity, *above, *(policy for level in self.ceilings for policy in level))


@dataclass(frozen=True)
class Situation:
    """A request's keys as a caller can make them be.

    Attributes:
        context: the keys.
        doubts: why the caller might not be able to bring it about; empty where it surely can.
    """

    context: Context = field(default_factory=Context)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """The resources of which one must be reached.

    Attributes:
        patterns: any of them.
        spared: but none of these.
    """

    patterns: tuple[str, ...]
    spared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Grant:
    """A statement that lets a principal do something.

    Attributes:
        action: that is allowed.
        policy: that the statement is in.
        statement: that allows it.
        example: a resource that it is allowed on, as short as can be.
        context: the request that is allowed.
        doubts: why it cannot be told for certain: conditions as written; empty where it is certain.
    """

    action: str
    policy: Policy
    statement: Statement
    example: str
    context: Context
    doubts: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether nothing is left to doubt."""
        return not self.doubts


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of one request.

    Attributes:
        allowed: or not, or cannot be told.
        grants: the statements that allow it.
    """

    allowed: Truth
    grants: tuple[Grant, ...] = ()


def decide(permissions: Permissions, action: str, resource: str, context: Context) -> Decision:
    """What becomes of a request whose resource and keys are known.

    Args:
        permissions: of who asks.
        action: `ssm:StartSession`.
        resource: its ARN; an action on several resources needs a decision for each.
        context: the request's keys.
    """
    found = grants(permissions, action, Target((literal(resource),)), [Situation(context)])
    allowed = max((Truth.YES if grant.certain else Truth.UNKNOWN for grant in found), default=Truth.NO)
    return Decision(allowed=allowed, grants=tuple(found))


def grants(permissions: Permissions, action: str, target: Target, situations: Sequence[Situation]) -> list[Grant]:
    """Each statement that allows an action on some resource of a target in some situation, at its most certain.

    Args:
        permissions: of who asks.
        action: `ssm:StartSession`.
        target: the resources that count.
        situations: the requests that the caller can make.
    """
    allowing = [(policy, each) for policy in permissions.identity for each in policy.covering(action) if each.allows]
    best: dict[Statement, Grant] = {}
    for situation in situations if allowing else ():
        scene: _Scene | None = None
        for policy, statement in allowing:
            known = best.get(statement)
            if known is not None and known.certain:
                continue
            if hold(statement, situation.context) is Truth.NO:
                continue
            scene = scene or _Scene(permissions, action, target, situation)
            found = scene.grant(policy, statement)
            if found is not None and (known is None or len(found.doubts) < len(known.doubts)):
                best[statement] = found
    return list(best.values())


@dataclass(frozen=True)
class _Part:
    """The resources that a statement speaks of in a situation, and why it might not."""

    texts: Texts
    doubts: tuple[str, ...]


class _Scene:
    """One action, one target, one situation: what is the same for every statement that might allow it."""

    def __init__(self, permissions: Permissions, action: str, target: Target, situation: Situation) -> None:
        self._action, self._target, self._situation = action, target, situation
        context = situation.context
        every = [each for policy in permissions.every() for each in policy.covering(action)]
        self._denies = _parts((each for each in every if not each.allows), context)
        layers = [(permissions.boundary,)] if permissions.boundary else []
        self._layers = [
            _parts((each for policy in layer for each in policy.covering(action) if each.allows), context)
            for layer in (*layers, *permissions.ceilings)
        ]

    def grant(self, policy: Policy, statement: Statement) -> Grant | None:
        parts = _parts((statement,), self._situation.context)
        if not parts:
            return None
        (part,) = parts
        example = doubts = None
        if not self._situation.doubts and not part.doubts:
            example, doubts = self._search(part, doubtful=False), ()
        if example is None:
            example = self._search(part, doubtful=True)
            doubts = self._doubts(part, example) if example is not None else ()
        if example is None:
            return None
        return Grant(
            action=self._action,
            policy=policy,
            statement=statement,
            example=example,
            context=self._situation.context,
            doubts=doubts or (),
        )

    def _search(self, part: _Part, *, doubtful: bool) -> str | None:
        """With `doubtful`, what might allow does, and what might deny does not."""
        denies = [each.texts for each in self._denies if not (doubtful and each.doubts)]
        layers = [tuple(each.texts for each in layer if doubtful or not each.doubts) for layer in self._layers]
        spared = [Texts(self._target.spared)] if self._target.spared else []
        try:
            return find((Texts(self._target.patterns),), (part.texts,), *layers, outside=(*spared, *denies))
        except UndecidedError:
            return "*" if doubtful else None

    def _doubts(self, part: _Part, example: str) -> tuple[str, ...]:
        """Why the example is not certain."""
        found = list(part.doubts)
        for deny in self._denies:
            if deny.doubts and is_in(example, deny.texts):
                found += [f"Deny {doubt}" for doubt in deny.doubts]
        for layer in self._layers:
            if not any(is_in(example, each.texts) for each in layer if not each.doubts):
                found += [doubt for each in layer for doubt in each.doubts]
        found += self._situation.doubts
        return tuple(dict.fromkeys(found)) or ("the patterns are too entangled to be combined",)


def _parts(statements: Iterable[Statement], context: Context) -> list[_Part]:
    """What statements bear on in a context; those that certainly do not apply are left out."""
    parts: list[_Part] = []
    for statement in statements:
        holding = hold(statement, context)
        if holding is Truth.NO:
            continue
        doubts = [each.text for each in statement.conditions] if holding is Truth.UNKNOWN else []
        patterns: list[str] = []
        for text in statement.resources:
            expanded = expand(text, context) if statement.variables else None
            pattern = expanded.pattern if expanded else text
            if expanded and expanded.doubtful:
                doubts.append(f"Resource {text}")
                # The widest reading: everything may match, or where it is what is left out, nothing.
                pattern = None if statement.all_but_resources else pattern
            if pattern is not None:
                patterns.append(pattern)
        texts = Texts(tuple(patterns), negated=statement.all_but_resources)
        if patterns == ["*"]:
            texts = EVERYTHING if not texts.negated else texts
        if patterns or texts.negated:
            parts.append(_Part(texts, tuple(dict.fromkeys(doubts))))
    return parts
