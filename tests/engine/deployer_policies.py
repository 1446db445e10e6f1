"""Holds what engines do in tests to the policies that `python -m operations deployer` prints.

Each question that IAM would be asked is asked of those policies, with the boundary: for `preview` and `refresh` of those
that only read. Which actions the tests of `RECORDED` ask about is kept in `recorded_actions.json`, so that a policy with
an action that is no longer needed is found without the engine (tests/operations/deployer). When the actions change:

    SHELL_ACCESS_RECORD=1 .venv/bin/python -m pytest -n 0 $(.venv/bin/python -m tests.engine.deployer_policies)
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from common.iam.context import ABSENT, Known, RequestContext
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from common.problems import SettingsError
from components.settings import Settings
from operations.deployer.boundary import boundary
from operations.deployer.names import ROLES_BOUNDARY, Role
from operations.deployer.policies import policies
from operations.deployer.role_boundary import role_boundary
from operations.deployer.scope import DeploymentScope, scope_of
from tests.support.api_calls import UNKNOWN
from tests.support.stack import DEPLOYED_TAG, Stack
from tools import contract

ACCOUNT: Final = "123456789012"
CHANGING: Final = frozenset({"up", "destroy"})
READING: Final = frozenset({"preview", "refresh", "verify"})
UNKNOWN_CALLER: Final = ""
"""Caller of a request that could not be recorded."""
SIGNING_IN: Final = "sts:AssumeRole"
"""A caller that assumes the deployer's role does not have its permissions yet."""

RECORDED: Final = (
    "test_adoption.py::test_retained_logs_are_adopted_by_the_next_stack",
    "test_adoption.py::test_existing_names_are_adopted_and_restored",
    "test_approval.py::test_changed_settings_and_drift_converge",
    "test_approval.py::test_up_creates_all_and_refresh_changes_nothing",
    "test_approval_verify.py::test_verify_finds_each_sabotage_of_approval",
    "test_directory.py::test_controllers_are_built_repaired_and_replaced",
    "test_directory.py::test_two_sites_permit_exactly_the_listed_traffic",
    "test_directory.py::test_manual_changes_are_reported_and_repaired",
    "test_nodes.py::test_manual_changes_are_reported_and_kept_on_destroy",
    "test_nodes.py::test_nodes_are_configured_and_restored_on_destroy",
    "test_session_manager.py::test_up_creates_all_and_refresh_changes_nothing",
    "test_verify_sabotage.py::test_changes_are_reported_and_lost_state_is_recovered",
)
"""Those that between them ask for every action."""
FILE: Final = Path(__file__).with_name("recorded_actions.json")

Question = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """The policies of one scope.

    Attributes:
        changing: of the deployment role.
        reading: of the preview role.
    """

    changing: Permissions
    reading: Permissions

    def refusals(self, questions: Iterable[Question]) -> list[str]:
        """Return a description of each action of an engine that the policies do not allow."""
        found: dict[str, None] = {}
        for each in questions:
            permissions = self.reading if each["caller"] in READING else self.changing
            if each["caller"] not in READING | CHANGING | {UNKNOWN_CALLER} or each["action"] == SIGNING_IN:
                continue
            if each["action"] == UNKNOWN:
                found[f"what IAM is asked for {each['resource']} is not known: see authorization.toml"] = None
            elif not allows(permissions, each):
                found[f"{each['caller']} may not {each['action']} on {each['resource']}, {each['keys']}"] = None
        return list(found)


def allows(permissions: Permissions, question: Question) -> bool:
    """Return whether the permissions certainly allow the request."""
    context = RequestContext({key.lower(): _known(value) for key, value in question["keys"].items()}, {}, ABSENT)
    return decide(permissions, question["action"], question["resource"], context).allowed is Truth.YES


@cache
def held(scope: DeploymentScope) -> Held:
    """The policies of a scope, boundary included."""
    limit = parse(boundary(scope), name="boundary", kind="boundary")
    changing, reading = (
        Permissions(
            identity=tuple(parse(each, name="deployer") for each in policies(scope, role)),
            boundary=limit,
        )
        for role in (Role.DEPLOYER, Role.PREVIEW)
    )
    return Held(changing, reading)


def scope_of_stacks(stacks: Iterable[Stack]) -> DeploymentScope | None:
    """Return the scope of the deployment role for all configurations that the stacks have had."""
    settings = [each for stack in stacks for given in stack.configurations if (each := _settings(given))]
    return scope_of(settings, DEPLOYED_TAG, ACCOUNT) if settings else None


def create_roles_boundary(iam: Any, stack: Stack) -> None:
    """Create the permissions boundary that the roles of a stack have, as `deployer` prints it."""
    scope = scope_of_stacks([stack])
    assert scope is not None
    iam.create_policy(PolicyName=ROLES_BOUNDARY, PolicyDocument=json.dumps(role_boundary(scope)))


def recorded() -> dict[str, dict[str, list[str]]]:
    """By test and caller, the actions that were asked about."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def actions_of(questions: Iterable[Question]) -> dict[str, list[str]]:
    """By caller, the actions that are asked about."""
    known = [each for each in questions if each["caller"] in READING | CHANGING]
    return {
        caller: sorted({each["action"] for each in known if each["caller"] == caller})
        for caller in sorted({each["caller"] for each in known})
    }


def check_recording(test: str, questions: Iterable[Question]) -> None:
    """The recording says what the test has asked about; it is written anew where that is wished.

    It is of the stand-in: what another plugin asks about is for `make contract` to say.
    """
    if test not in RECORDED or os.environ.get(contract.PLUGIN):
        return
    now, kept = actions_of(questions), recorded()
    if os.environ.get("SHELL_ACCESS_RECORD"):
        FILE.write_text(json.dumps(dict(sorted((kept | {test: now}).items())), indent=1) + "\n")
        return
    assert now == kept.get(test), f"{FILE.name} is out of date; see {Path(__file__).name}"


def _settings(configuration: Mapping[str, Any]) -> Settings | None:
    try:
        return Settings.load(configuration)
    except SettingsError:
        return None


def _known(value: str | list[str]) -> Known:
    return Known(tuple(value), many=True) if isinstance(value, list) else Known((value,))


if __name__ == "__main__":
    for each in RECORDED:
        print(f"tests/engine/{each}")  # noqa: T201
