"""A service setting of Systems Manager that names a role, and gets its earlier value back.

The AWS provider's own resource resets the setting to AWS' default when it goes, and so loses what somebody else had set.
Here two resources follow one another: the first notes what is set, the second sets ours. As the engine saves the first
before it begins the second, a run that is killed in between or afterwards does not lose the note.

A setting carries no tags: it belongs to the stack that owns the role that it names.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.adoption import inventory
from components.adoption.kinds import Kind
from components.documents.errors import DocumentError, explained
from components.dynamic_provider import AwsResourceProvider, tell
from components.owner import this_stack

if TYPE_CHECKING:
    from collections.abc import Generator

    import pulumi

Properties = dict[str, Any]

DEFAULT = ""
"""Stands for AWS' own value: nobody has set one."""

_FIXED = ("region", "settingId")


class _SettingProvider(AwsResourceProvider):
    """What both have in common: they read the setting, and move with it."""

    def read_setting(self, props: Properties) -> str:
        """What is set now."""
        with self.talking(props) as ssm:
            found = ssm.get_service_setting(SettingId=props["settingId"])["ServiceSetting"]
        return DEFAULT if found.get("Status") == "Default" else str(found["SettingValue"])

    @contextmanager
    def talking(self, props: Properties) -> Generator[Any]:
        """A client; what goes wrong with it is said in words."""
        clients, region = self.clients(), props["region"]
        what = f"the service setting {props['settingId']} in {region}"
        with explained(what, "ssm", region, lambda: clients.caller_arn(region)):
            yield clients.client("ssm", region)


class PriorSettingProvider(_SettingProvider):
    """Notes what is set before this stack sets anything."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Another setting is another note; its value is never taken again."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(moved), replaces=moved)

    def create(self, props: Properties) -> CreateResult:
        """Our own value is of a stack whose state was lost, so that nothing is known of what was there before."""
        found = self.read_setting(props)
        return CreateResult(_id(props), {**props, "prior": DEFAULT if found == props["ours"] else found})


class ServiceSettingProvider(_SettingProvider):
    """Sets the value, and restores what was noted."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Says whose value gives way, before it does."""
        if not _olds.get("settingId"):
            found = self.read_setting(news)
            if found not in (DEFAULT, news["value"]):
                tell(
                    f"The service setting {news['settingId']} in {news['region']} is {found}. It becomes {news['value']}, "
                    f"and {found} again when the stack goes."
                )
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compares with the state: what is live is there since the last run or refresh."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        changes = bool(moved) or any(_olds.get(name) != _news.get(name) for name in ("value", "owner"))
        return DiffResult(changes=changes, replaces=moved)

    def create(self, props: Properties) -> CreateResult:
        """Set it, whatever is set, unless it names another stack's role."""
        self._check_owner(props)
        self._set(props, props["value"])
        return CreateResult(_id(props), dict(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Set it again."""
        self._check_owner(_news)
        self._set(_news, _news["value"])
        return UpdateResult(dict(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """What is live, so that a refresh shows what somebody else has set; gone where it was reset."""
        found = self.read_setting(props)
        if found == DEFAULT:
            return ReadResult("", {})
        live = {**props, "value": found}
        return ReadResult(
            id_, live, {name: live[name] for name in (*_FIXED, "value", "owner", "prior") if name in live}
        )

    def delete(self, _id: str, _props: Properties) -> None:
        """Restore the earlier value, unless another principal has set one meanwhile, or another stack has the role."""
        found = self.read_setting(_props)
        if found == _props["value"] and (holder := self._other_owner(_props)):
            tell(f"The service setting {_props['settingId']} in {_props['region']} is kept by the stack {holder}.")
        elif found == _props["value"]:
            self._set(_props, _props.get("prior") or DEFAULT)
        elif found != DEFAULT:
            tell(f"The service setting {_props['settingId']} in {_props['region']} is {found} by now and stays so.")

    def _check_owner(self, props: Properties) -> None:
        holder = self._other_owner(props)
        if holder:
            raise DocumentError(
                f"the service setting {props['settingId']} in {props['region']} names the role {props['value']}, which is "
                f"kept by the stack {holder}. One stack governs an account: destroy that stack first, or set "
                "shell-access:takeOver to true here"
            )

    def _other_owner(self, props: Properties) -> str | None:
        """Return the other stack that owns the role; None where this one does, or no stack."""
        region, role = props["region"], props["value"].rpartition("/")[2]
        clients = self.clients()
        with explained(f"the role {role}", "iam", region, lambda: clients.caller_arn(region)):
            existing = inventory.find(Kind.ROLE, clients.client("iam", region), region, role)
        owner = existing.owner if existing else None
        return owner if owner != props.get("owner") else None

    def _set(self, props: Properties, value: str) -> None:
        with self.talking(props) as ssm:
            if value == DEFAULT:
                ssm.reset_service_setting(SettingId=props["settingId"])
            else:
                ssm.update_service_setting(SettingId=props["settingId"], SettingValue=value)


def _id(props: Properties) -> str:
    return f"{props['region']}{props['settingId']}"


class _PriorSetting(Resource, module="ssm", name="PriorServiceSetting"):
    """What was set before.

    Attributes:
        prior: the value; `DEFAULT` where nobody had set one.
    """

    prior: pulumi.Output[str]

    def __init__(self, name: str, properties: Properties, opts: pulumi.ResourceOptions) -> None:
        super().__init__(PriorSettingProvider(), name, {**properties, "prior": None}, opts)


@dataclass(frozen=True, kw_only=True)
class ServiceSettingArgs:
    """What a `ServiceSetting` is made of.

    Attributes:
        region: where it is set.
        setting_id: `/ssm/...`.
        value: that it gets.
    """

    region: str
    setting_id: str
    value: str


class ServiceSetting(Resource, module="ssm", name="ServiceSetting"):
    """A service setting in a Region, with its earlier value noted in a resource of its own."""

    def __init__(self, name: str, args: ServiceSettingArgs, opts: pulumi.ResourceOptions) -> None:
        """Registers both resources.

        Args:
            name: of the resource; the note's begins with it.
            args: Arguments of the resource.
            opts: for both.
        """
        setting = {"region": args.region, "settingId": args.setting_id}
        prior = _PriorSetting(f"{name}-prior", {**setting, "ours": args.value}, opts)
        properties = {**setting, "value": args.value, "owner": this_stack(), "prior": prior.prior}
        super().__init__(ServiceSettingProvider(), name, properties, opts)
