"""Migration of the AWS post's StackSet to a fleet file: parameters become settings, instances become accounts.

Names and defaults of the parameters are those of the post and of the sample that it publishes.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from common.aws.arns import partition_of
from common.aws.session import AwsClients
from common.json_values import mapping
from common.problems import NAMESPACE, Problem, SettingsError, shown, suggestion
from components.settings import Settings
from operations.errors import UnusableError
from operations.fleet.accounts import select_accounts
from operations.fleet.fleet_file import FleetFileError, parse_fleet_file, problem_text
from operations.fleet.stack_configuration import configure_stacks
from operations.inventory.reader import read_failure
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_ANY_REGION = "us-east-1"
_ROLE = "arn:{partition}:iam::{{accountId}}:role/ShellAccessDeployer"
_ACCOUNT = re.compile(r"[0-9]{12}")
_MINUTES = re.compile(r"[0-9]{1,9}")
_FILE = Path("the fleet file generated from these parameters")
_HEADING = "# Generated from the parameters of a StackSet. Review it, set assumeRole, then run: {plan} --file THIS\n"
_NOT_DEPLOYED = {
    "SKIPPED_SUSPENDED_ACCOUNT": "the account is suspended",
    "FAILED": "the last operation on the instance failed",
    "FAILED_IMPORT": "the import of the instance failed",
    "CANCELLED": "the last operation on the instance was canceled",
    "INOPERABLE": "the instance is inoperable",
}
"""Reasons by detailed status of a stack instance (CloudFormation API Reference, StackInstanceComprehensiveStatus)."""


@dataclass(frozen=True, kw_only=True, order=True)
class StackInstance:
    """Instance of a StackSet.

    Attributes:
        status: Detailed status, or the status if there is none. Empty: not known.
    """

    account: str
    region: str
    status: str = ""

    @property
    def omission(self) -> str:
        """Reason why the fleet file omits the instance. Empty: it does not."""
        return _NOT_DEPLOYED.get(self.status, "")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """Fleet file built from a StackSet.

    Attributes:
        omitted: Instances that the file omits, sorted.
    """

    text: str
    omitted: tuple[StackInstance, ...]


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _minutes(text: str) -> int | None:
    """Return the minutes; an empty parameter means none."""
    if text and not _MINUTES.fullmatch(text):
        raise ValueError(text)
    return int(text) if text else None


_PARAMETERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "s3Logging": (_boolean, "false"),
    "s3BucketName": (str, ""),
    "s3KeyPrefix": (str, "sessionmanager"),
    "s3EncryptionEnabled": (_boolean, "true"),
    "createCwLogGroup": (_boolean, "true"),
    "cwLogGroupName": (str, "ssm-sessionmanager-logs"),
    "cwEncryptionEnabled": (_boolean, "true"),
    "cwStreamingEnabled": (_boolean, "false"),
    "sessionDataEncryption": (_boolean, "true"),
    "runAsEnabled": (_boolean, "false"),
    "runAsDefaultUser": (str, ""),
    "idleSessionTimeout": (_minutes, "20"),
    "maxSessionDuration": (_minutes, "60"),
    "winShellProfile": (str, ""),
    "linuxShellProfile": (str, ""),
}
"""By setting name: the parser of the parameter's text, and the default of the published template."""


def session_manager_of(parameters: Iterable[tuple[str, str]]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the section `sessionManager` that corresponds to the parameters.

    Args:
        parameters: Names in any case (the post and its template spell some differently), and values.

    Returns:
        The section with every setting, so that defaults that differ from ours are kept; and the problems, by name of
        the parameter.
    """
    ours = {name.lower(): name for name in _PARAMETERS}
    spelled: dict[str, str] = {}
    texts = {name: default for name, (_read, default) in _PARAMETERS.items()}
    problems: list[Problem] = []
    for name, text in parameters:
        setting = ours.get(name.lower())
        if setting is None:
            message = f"is not a parameter of the post{suggestion(name, list(_PARAMETERS))}"
            problems.append(Problem(path=(name,), message=message))
        elif setting in spelled:
            problems.append(
                Problem(path=(name,), message=f"expected each parameter once, got it also as {spelled[setting]}")
            )
        else:
            spelled[setting], texts[setting] = name, text
    section: dict[str, Any] = {}
    for name, (read, _default) in _PARAMETERS.items():
        try:
            value = read(texts[name])
        except (KeyError, ValueError):
            allowed = "true or false" if read is _boolean else "whole minutes"
            message = f"expected {allowed}, got {shown(texts[name])}"
            problems.append(Problem(path=(spelled[name],), message=message))
            continue
        if value is not None:
            section[name] = value
    return section, problems or _refused(section, spelled)


def _refused(section: Mapping[str, Any], spelled: Mapping[str, str]) -> list[Problem]:
    """Return the problems that a stack would report in the section, by name of the parameter."""
    try:
        Settings.load({f"{NAMESPACE}:regions": [_ANY_REGION], f"{NAMESPACE}:sessionManager": dict(section)})
    except SettingsError as wrong:
        return [
            Problem(path=tuple(spelled.get(str(each), each) for each in problem.path[1:]), message=problem.message)
            for problem in wrong.problems
        ]
    return []


def fleet_file_of(parameters: Iterable[tuple[str, str]], instances: Iterable[StackInstance]) -> Migration:
    """Build a fleet file, and validate it like `fleet plan`.

    Raises:
        FleetFileError: The parameters have problems, or `fleet plan` would reject the file; all problems are listed.
        UnusableError: No instance remains.
    """
    section, problems = session_manager_of(parameters)
    if problems:
        raise FleetFileError(_FILE, map(problem_text, problems))
    known = sorted(set(instances))
    omitted = tuple(each for each in known if each.omission)
    by_account: dict[str, list[str]] = {}
    for each in known:
        regions = by_account.setdefault(each.account, []) if not each.omission else []
        if each.region not in regions:
            regions.append(each.region)
    if not by_account:
        listed = "; ".join(f"{each.account} {each.region}: {each.omission}" for each in omitted)
        raise UnusableError(f"No stack instance can be migrated: {listed}.")
    text = _text(section, by_account, omitted)
    settings = parse_fleet_file(_FILE, text)
    _rendered, refused = configure_stacks(settings, select_accounts(settings, [], {}).accounts)
    if refused:
        raise FleetFileError(_FILE, refused)
    return Migration(text=text, omitted=omitted)


def _text(section: Mapping[str, Any], by_account: Mapping[str, list[str]], omitted: Iterable[StackInstance]) -> str:
    everywhere = max(by_account.values(), key=len)
    overrides = {
        account: {f"{NAMESPACE}:regions": regions} for account, regions in by_account.items() if regions != everywhere
    }
    content: dict[str, Any] = {
        "accounts": {"list": [{"name": account, "id": account} for account in by_account]},
        "assumeRole": _ROLE.format(partition=partition_of(everywhere[0])),
        "defaults": {f"{NAMESPACE}:regions": everywhere, f"{NAMESPACE}:sessionManager": dict(section)},
        **({"overrides": {"accounts": overrides}} if overrides else {}),
        "waves": [
            {"name": "canary", "accounts": [next(iter(by_account))], "concurrency": 1},
            {"name": "rest", "concurrency": 4, "failureTolerance": 0},
        ],
    }
    left_out = "".join(f"# Left out: {each.account} {each.region}: {each.omission}\n" for each in omitted)
    return (
        _HEADING.format(plan=f"{program_name()} fleet plan")
        + left_out
        + yaml.dump(content, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=110)
    )


def read_parameters(path: Path) -> list[tuple[str, str]]:
    """Read parameters in any format of the CloudFormation commands.

    Raises:
        UnusableError: The file has none of these formats.
    """
    content = _json(path)
    document = mapping(content)
    # Formats: `describe-stack-set`, template configuration file, plain mapping.
    listed = mapping(document.get("StackSet")).get("Parameters", content)
    if isinstance(listed, list):
        entries = [mapping(each) for each in cast("list[Any]", listed)]
        if entries and all("ParameterKey" in each for each in entries):
            return parameters_of(entries)
    plain = mapping(document.get("Parameters", content))
    if plain and all(isinstance(value, str) for value in plain.values()):
        return list(plain.items())
    raise UnusableError(
        f"{path} contains no parameters. Create it with: aws cloudformation describe-stack-set --stack-set-name NAME > {path}"
    )


def parameters_of(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return names and values of parameters as CloudFormation lists them.

    Raises:
        UnusableError: A parameter has no value, as in the input of an update with `UsePreviousValue`.
    """
    several = list(entries)
    without = [str(each["ParameterKey"]) for each in several if "ParameterValue" not in each]
    if without:
        raise UnusableError(
            f"{', '.join(without)}: expected a ParameterValue, got none. Use the values of the StackSet: "
            "aws cloudformation describe-stack-set --stack-set-name NAME"
        )
    return [(str(each["ParameterKey"]), str(each["ParameterValue"])) for each in several]


def read_instances(paths: Sequence[Path]) -> list[StackInstance]:
    """Read all instances from the pages of a list.

    Raises:
        UnusableError: A file is not the output of `list-stack-instances`, or the last page is missing.
    """
    found: list[StackInstance] = []
    ends = False
    for path in paths:
        page = mapping(_json(path))
        summaries = page.get("Summaries")
        entries = [mapping(each) for each in cast("list[Any]", summaries)] if isinstance(summaries, list) else []
        instances = instances_of(entries)
        well_formed = all(_ACCOUNT.fullmatch(each.account) and each.region for each in instances)
        if not isinstance(summaries, list) or not well_formed:
            raise UnusableError(f"{path} contains no stack instances. {_how(path)}")
        found += instances
        ends = ends or not page.get("NextToken")
    last = paths[-1]
    if not ends:
        raise UnusableError(
            f"{last} is not the last page (it has a NextToken), so accounts would be missing. {_how(last)}, without "
            "--max-items and --no-paginate; or give every page with --instances."
        )
    if not found:
        raise UnusableError(f"{last} contains no stack instances. {_how(last)}")
    return found


def _how(path: Path) -> str:
    return (
        f"Create it with: aws cloudformation list-stack-instances --stack-set-name NAME > {path} "
        "(with --call-as DELEGATED_ADMIN in the account of a delegated administrator)"
    )


def instances_of(summaries: Iterable[Mapping[str, Any]]) -> list[StackInstance]:
    """Return stack instances from CloudFormation's summaries."""
    return [
        StackInstance(
            account=str(each.get("Account") or ""),
            region=str(each.get("Region") or ""),
            status=str(mapping(each.get("StackInstanceStatus")).get("DetailedStatus") or each.get("Status") or ""),
        )
        for each in summaries
    ]


class _Quoting(yaml.SafeDumper):
    """Dumper that quotes account IDs, because an ID such as 009 is a number in YAML 1.2, though not for PyYAML."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return cast("Any", self).represent_scalar("tag:yaml.org,2002:str", text, style='"' if text.isdigit() else None)


_Quoting.add_representer(str, _Quoting.represent_text)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise UnusableError(f"{path} cannot be read as JSON: {wrong}") from None


_NEEDED = "cloudformation:DescribeStackSet"


def cloudformation_client(region: str | None) -> Any:
    """Return a client with the current credentials.

    Raises:
        UnusableError: No Region is configured.
    """
    chosen = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not chosen:
        raise UnusableError("The Region of the StackSet is not known. Give --region, or set AWS_REGION.")
    return AwsClients(lambda _key: None).client("cloudformation", chosen)


def read_stack_set(client: Any, name: str, call_as: str) -> tuple[list[tuple[str, str]], list[StackInstance]]:
    """Read parameters and all pages of instances of a StackSet in the Region of a client from AWS.

    Raises:
        UnusableError: AWS did not answer, or the StackSet does not exist.
    """
    whose = {"StackSetName": name, "CallAs": call_as}
    try:
        described = client.describe_stack_set(**whose)["StackSet"]
        listed = client.get_paginator("list_stack_instances").paginate(**whose).build_full_result()
    except (ClientError, BotoCoreError) as failed:
        action = f"cloudformation:{failed.operation_name}" if isinstance(failed, ClientError) else _NEEDED
        why = read_failure(action, failed, str(client.meta.region_name), "the credentials in use")
        raise UnusableError(
            f"The StackSet {name} cannot be read: {why.explanation}. Remedy: {why.remedy}. StackSets of an "
            "organization are read from the management account, or with --call-as DELEGATED_ADMIN."
        ) from None
    instances = instances_of(listed.get("Summaries", ()))
    if not instances:
        raise UnusableError(f"The StackSet {name} has no stack instances.")
    return parameters_of(described.get("Parameters", ())), instances
