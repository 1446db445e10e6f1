"""A service setting of Systems Manager that contains a role, and whose prior value is restored.

The AWS provider's resource resets the setting to AWS' default on deletion, and loses the value that it had before.
Here, a first resource records the current value, and a second one sets the desired value. As the engine saves the first
before it creates the second, a run that is killed in between or afterwards does not lose the record.

A setting has no tags: it belongs to the stack that owns the role that it contains, whose tags record the prior value in
each Region, for a stack that loses its state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from common.aws.failures import ResourceError
from common.service_settings import customized_value
from components.adoption import inventory
from components.adoption.adopted_resource import PRIOR_TAG, with_records
from components.adoption.dynamic_provider import AwsResourceProvider, log, this_stack
from components.adoption.inventory import type_and_name
from components.adoption.lookup import answered, find_existing, program_clients, state_outputs
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    import pulumi

    from components.adoption.inventory import Existing

Properties = dict[str, Any]

DEFAULT = ""
"""Represents AWS' default: no value is set."""

_FIXED = ("region", "settingId")
_PRIOR_TYPE: Final = "pulumi-python:dynamic/ssm:PriorServiceSetting"


class _SettingProvider(AwsResourceProvider):
    """Common base of both: they read the setting, and are replaced with its Region and ID."""

    def read_setting(self, props: Properties) -> str:
        """Return the current value."""
        with self.calling_setting(props) as ssm:
            return _value(ssm, props["settingId"])

    def calling_setting(self, props: Properties) -> AbstractContextManager[Any]:
        """Return a client of Systems Manager, whose errors name the setting."""
        return self.calling(f"the service setting {props['settingId']} in {props['region']}", "ssm", props["region"])

    def find_role(self, name: str, region: str) -> Existing | None:
        """Return the role that the setting contains; None: it does not exist."""
        with self.calling(f"the role {name}", "iam", region) as iam:
            return inventory.find(Kind.ROLE, iam, region, name)


class PriorSettingProvider(_SettingProvider):
    """Records the value before this stack sets its own."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare Region and setting: another setting is recorded anew; a recorded value is never updated."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(moved), replaces=moved)

    def create(self, props: Properties) -> CreateResult:
        """Record the value; this stack's own value is from a lost state, so the role has the record, if any."""
        found, region = self.read_setting(props), props["region"]
        role = self.find_role(props["ours"], region)
        return CreateResult(_id(props), {**props, "prior": _prior(found, props["ours"], role, region)})


class ServiceSettingProvider(_SettingProvider):
    """Sets the value, and restores the recorded one."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Report the value that will be replaced."""
        if not _olds.get("settingId"):
            found = self.read_setting(news)
            if found not in (DEFAULT, news["value"]):
                log(
                    f"The service setting {news['settingId']} in {news['region']} is {found}. It becomes {news['value']}, "
                    f"and {found} again when the stack is destroyed."
                )
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare with the state, which has the live value of the last update or refresh."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in ("value", "owner"))
        return DiffResult(changes=changes, replaces=moved)

    def create(self, props: Properties) -> CreateResult:
        """Set the value, whatever the current one, unless another stack owns the role."""
        self._check_owner(props)
        self._set(props, props["value"])
        return CreateResult(_id(props), dict(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Set the value again."""
        self._check_owner(_news)
        self._set(_news, _news["value"])
        return UpdateResult(dict(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the live value, so that a refresh shows changes of other principals; absent where it was reset."""
        found = self.read_setting(props)
        if found == DEFAULT:
            return ReadResult("", {})
        live = {**props, "value": found}
        return ReadResult(
            id_, live, {name: live[name] for name in (*_FIXED, "value", "owner", "prior") if name in live}
        )

    def delete(self, _id: str, _props: Properties) -> None:
        """Restore the prior value, unless another principal has changed it, or another stack owns the role."""
        found = self.read_setting(_props)
        if found == _props["value"] and (holder := self._other_owner(_props)):
            log(f"The service setting {_props['settingId']} in {_props['region']} is owned by the stack {holder}.")
        elif found == _props["value"]:
            self._set(_props, _props.get("prior") or DEFAULT)
        elif found != DEFAULT:
            log(f"The service setting {_props['settingId']} in {_props['region']} is now {found}, and is not changed.")

    def _check_owner(self, props: Properties) -> None:
        holder = self._other_owner(props)
        if holder:
            raise ResourceError(
                f"the service setting {props['settingId']} in {props['region']} names the role {props['value']}, which is "
                f"owned by the stack {holder}. One stack governs an account: destroy that stack first, or set "
                "shell-access:takeOver to true here"
            )

    def _other_owner(self, props: Properties) -> str | None:
        """Return the other stack that owns the role; None: this stack, or no stack, owns it."""
        existing = self.find_role(props["value"].rpartition("/")[2], props["region"])
        owner = existing.owner if existing else None
        return owner if owner != props.get("owner") else None

    def _set(self, props: Properties, value: str) -> None:
        with self.calling_setting(props) as ssm:
            if value == DEFAULT:
                ssm.reset_service_setting(SettingId=props["settingId"])
            else:
                ssm.update_service_setting(SettingId=props["settingId"], SettingValue=value)


def _prior(found: str, ours: str, role: Existing | None, region: str) -> str:
    recorded = role.tags.get(_tag(region)) if role else None
    return recorded or (DEFAULT if found == ours else found)


def _tag(region: str) -> str:
    return f"{PRIOR_TAG}:{region}"


def with_prior_settings(setting_id: str, role: str, regions: Iterable[str], tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags of a role with those that record the prior value of the setting in each Region that had one.

    Raises:
        RunError: AWS does not respond, or denies a request.
    """
    state = {
        each.get("region"): str(each.get("prior") or DEFAULT)
        for urn, each in state_outputs().items()
        if type_and_name(urn)[0] == _PRIOR_TYPE and each.get("settingId") == setting_id
    }
    prior = {region: state[region] if region in state else _live(setting_id, role, region) for region in regions}
    return with_records(tags, {_tag(region): each for region, each in prior.items() if each != DEFAULT})


def _live(setting_id: str, role: str, region: str) -> str:
    existing = find_existing(Kind.ROLE, region, role)
    with answered(f"the service setting {setting_id} in {region}", "ssm", region):
        return _prior(_value(program_clients().client("ssm", region), setting_id), role, existing, region)


def _value(ssm: Any, setting_id: str) -> str:
    return customized_value(ssm.get_service_setting(SettingId=setting_id)["ServiceSetting"]) or DEFAULT


def _id(props: Properties) -> str:
    return f"{props['region']}{props['settingId']}"


class _PriorSetting(Resource, module="ssm", name="PriorServiceSetting"):
    """Prior value of the setting.

    Attributes:
        prior: Value; `DEFAULT` where none was set.
    """

    prior: pulumi.Output[str]

    def __init__(self, name: str, properties: Properties, opts: pulumi.ResourceOptions) -> None:
        super().__init__(PriorSettingProvider(), name, {**properties, "prior": None}, opts)


class ServiceSetting(Resource, module="ssm", name="ServiceSetting"):
    """A service setting in a Region, whose prior value is recorded in a resource of its own."""

    def __init__(self, name: str, *, region: str, setting_id: str, value: str, opts: pulumi.ResourceOptions) -> None:
        """Register both resources."""
        setting = {"region": region, "settingId": setting_id}
        prior = _PriorSetting(f"{name}-prior", {**setting, "ours": value}, opts)
        properties = {**setting, "value": value, "owner": this_stack(), "prior": prior.prior}
        super().__init__(ServiceSettingProvider(), name, properties, opts)
