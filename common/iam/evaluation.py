"""Effective permissions of a principal.

The union of identity policies applies, an explicit Deny takes precedence, and the permissions boundary and every level of
service control policies must allow the request too (IAM User Guide, "Policy evaluation logic"). Session policies and
resource-based policies are not evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.iam.conditions import hold
from common.iam.context import RequestContext
from common.iam.patterns import EVERYTHING, Texts, UndecidedError, find, is_in, literal
from common.iam.truth import Truth
from common.iam.variables import expand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.iam.documents import Policy, Statement


@dataclass(frozen=True, kw_only=True, eq=False)
class Permissions:
    """Policies that apply to a principal.

    Attributes:
        identity: Inline and managed policies, of the principal and its groups.
        boundary: Permissions boundary; None: none.
        ceilings: Service control policies by level, from the root down; empty: none apply.
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
    """Condition keys of a request that a caller can make.

    `doubts` are why the caller may be unable to make the request; empty where it certainly can.
    """

    context: RequestContext = field(default_factory=RequestContext)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """Resources that match one of `patterns` and none of `excluded`, of which one must be allowed."""

    patterns: tuple[str, ...]
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class AllowingStatement:
    """A statement that allows a principal an action.

    Attributes:
        action: Allowed action.
        policy: Policy of the statement.
        statement: Statement that allows it.
        example: A resource that it is allowed on, as short as possible.
        context: Condition keys of the allowed request.
        doubts: Conditions, as written, that cannot be evaluated; empty where the grant is certain.
    """

    action: str
    policy: Policy
    statement: Statement
    example: str
    context: RequestContext
    doubts: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Return whether there are no doubts."""
        return not self.doubts


@dataclass(frozen=True, kw_only=True)
class EvaluationDecision:
    """Result of a request."""

    allowed: Truth
    grants: tuple[AllowingStatement, ...] = ()


def decide(permissions: Permissions, action: str, resource: str, context: RequestContext) -> EvaluationDecision:
    """Evaluate a request.

    An action on several resources needs a decision for each.
    """
    found = grants(permissions, action, Target((literal(resource),)), [Situation(context)])
    allowed = max((Truth.YES if grant.certain else Truth.UNKNOWN for grant in found), default=Truth.NO)
    return EvaluationDecision(allowed=allowed, grants=tuple(found))


def grants(
    permissions: Permissions, action: str, target: Target, situations: Iterable[Situation]
) -> list[AllowingStatement]:
    """Return each statement that allows an action on some resource of a target in some situation, at its most certain."""
    allowing = [(policy, each) for policy in permissions.identity for each in policy.covering(action) if each.allows]
    best: dict[Statement, AllowingStatement] = {}
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
        if len(best) == len(allowing) and all(each.certain for each in best.values()):
            break
    return list(best.values())


@dataclass(frozen=True)
class _Part:
    """Resources of a statement in a situation, and the doubts about it."""

    texts: Texts
    doubts: tuple[str, ...]


class _Scene:
    """Evaluation of one action, one target and one situation, with what all statements have in common."""

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

    def grant(self, policy: Policy, statement: Statement) -> AllowingStatement | None:
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
        return AllowingStatement(
            action=self._action,
            policy=policy,
            statement=statement,
            example=example,
            context=self._situation.context,
            doubts=doubts or (),
        )

    def _search(self, part: _Part, *, doubtful: bool) -> str | None:
        """Return an allowed resource; with `doubtful` uncertain Allow statements count, and uncertain Deny statements do not."""
        denies = [each.texts for each in self._denies if not (doubtful and each.doubts)]
        layers = [tuple(each.texts for each in layer if doubtful or not each.doubts) for layer in self._layers]
        excluded = [Texts(self._target.excluded)] if self._target.excluded else []
        try:
            return find((Texts(self._target.patterns),), (part.texts,), *layers, outside=(*excluded, *denies))
        except UndecidedError:
            return "*" if doubtful else None

    def _doubts(self, part: _Part, example: str) -> tuple[str, ...]:
        """Return the doubts about an example."""
        found = list(part.doubts)
        for deny in self._denies:
            if deny.doubts and is_in(example, deny.texts):
                found += [f"Deny {doubt}" for doubt in deny.doubts]
        for layer in self._layers:
            if not any(is_in(example, each.texts) for each in layer if not each.doubts):
                found += [doubt for each in layer for doubt in each.doubts]
        found += self._situation.doubts
        return tuple(dict.fromkeys(found)) or ("the patterns are too entangled to be combined",)


def _parts(statements: Iterable[Statement], context: RequestContext) -> list[_Part]:
    """Return the resources of statements in a context, without statements that certainly do not apply."""
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
                # The widest interpretation: every resource may match, or for NotResource none.
                pattern = None if statement.all_but_resources else pattern
            if pattern is not None:
                patterns.append(pattern)
        texts = Texts(tuple(patterns), negated=statement.all_but_resources)
        if patterns == ["*"]:
            texts = EVERYTHING if not texts.negated else texts
        if patterns or texts.negated:
            parts.append(_Part(texts, tuple(dict.fromkeys(doubts))))
    return parts
