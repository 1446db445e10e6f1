"""Sizes of generated texts of domain controllers, which contain names of roles and IDs of watched resources. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from common.limits import EVENT_PATTERN, KEY_POLICY, MANAGED_POLICY, Generated, size
from components.domain_controllers.access_restriction_policy import POLICY_NAME, access_restriction_policy
from components.domain_controllers.event_patterns import ALERTS, Watched
from components.domain_controllers.key_policy import controllers_key_policy, deployers, role_arns
from components.domain_controllers.names import alert_rule_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.account import Account
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.site_plan import SitePlan

_ID: Final = "0" * 17


def generated_texts(
    section: DomainControllersSection, account: Account, plans: Mapping[str, SitePlan]
) -> Iterator[Generated]:
    """Yield every generated text that settings can make too long, with its size.

    Args:
        section: Settings of the system.
        account: Account of the stack.
        plans: Sites by Region.
    """
    place = {"partition": account.partition, "account_id": account.id}
    team = role_arns(section.administrator_roles, **place)
    others = deployers(section.deployer_roles, account.caller_arn, **place)
    given = f"{len(section.administrator_roles)} administratorRoles and {len(section.deployer_roles)} deployerRoles"
    longer = "deployerRoles" if len(others) > len(team) else "administratorRoles"
    fix = "Use fewer roles, shorter names, or one pattern for several (Directory*)"
    if section.administrator_roles:
        policy = access_restriction_policy(
            **place, team_roles=section.administrator_roles, deployer_arns=[*team, *others]
        )
        yield Generated(
            what=f"the policy {POLICY_NAME}",
            size=size(policy),
            quota=MANAGED_POLICY,
            path=("domainControllers", longer),
            given=given,
            fix=fix,
        )
    for region, plan in plans.items():
        key = controllers_key_policy(**place, region=region, users=[*team, *others])
        yield Generated(
            what=f"the policy of the key for volumes in {region}",
            size=len(json.dumps(key)),
            quota=KEY_POLICY,
            path=("domainControllers", longer),
            given=given,
            fix=fix,
        )
        yield from _patterns(region, len(section.sites[region].controllers), plan)


def _patterns(region: str, controllers: int, plan: SitePlan) -> Iterator[Generated]:
    groups = len(plan.groups.groups)
    watched = Watched(
        instances=[f"i-{_ID}"] * controllers,
        interfaces=[f"eni-{_ID}"] * controllers,
        groups=[f"sg-{_ID}"] * groups,
        acls=[f"acl-{_ID}"] if plan.acl else [],
    )
    for alert in ALERTS:
        if controllers or not alert.needs_instances:
            yield Generated(
                what=f"the pattern of the rule {alert_rule_name(alert.name)} in {region}",
                size=len(json.dumps(alert.pattern(watched))),
                quota=EVENT_PATTERN,
                path=("domainControllers", "sites", region, "controllers"),
                given=f"the IDs of {controllers} controllers and {groups} security groups",
                fix="Build fewer controllers in one Region",
            )
