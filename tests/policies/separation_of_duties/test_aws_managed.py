"""The lists of policies that AWS manages say what the questions of the rules say of their documents."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from common.iam.documents import Policy, parse
from components.session_manager.document import DOCUMENT_NAME
from policies.separation_of_duties import aws_managed
from policies.separation_of_duties.approval_tag import sets_approval_tag
from policies.separation_of_duties.node_access import (
    ACCESS_REQUESTS,
    GOVERNED_DOCUMENTS,
    INSTANCE_WAYS,
    LOGIN_WAYS,
    command_paths,
    document_paths,
    matching_paths,
)
from policies.separation_of_duties.permission_changes import changes, widening
from policies.separation_of_duties.sessions import (
    starts_beyond_approval,
    starts_with_other_documents,
    touches_others_sessions,
)

FILE = Path(aws_managed.__file__).with_suffix(".toml")


def other_documents(policies: list[Policy]) -> bool:
    start = starts_beyond_approval(policies)
    return not start and bool(starts_with_other_documents(policies, [DOCUMENT_NAME]))


def starts_instances(policies: list[Policy]) -> bool:
    """User data runs at a start; service roles such as that of EKS clusters change other attributes of instances only."""
    return "ec2:StartInstances" in policies[0].allowed(("ec2:StartInstances",))


QUESTIONS: dict[str, Callable[[list[Policy]], Any]] = {
    "start": starts_beyond_approval,
    "others": touches_others_sessions,
    "documents": other_documents,
    "change": changes,
    "tag": sets_approval_tag,
    "widen": widening,
    "commands": lambda policies: matching_paths(command_paths(), policies),
    "logins": lambda policies: matching_paths((*LOGIN_WAYS, *ACCESS_REQUESTS), policies),
    "instances": lambda policies: starts_instances(policies) and matching_paths(INSTANCE_WAYS, policies),
    "changed_documents": lambda policies: matching_paths(document_paths(GOVERNED_DOCUMENTS), policies),
}


@pytest.fixture(scope="module")
def documents() -> dict[str, Policy]:
    """Those that can be attached, as this version of moto knows them."""
    given = json.loads(aws_managed_policies_data)
    return {
        name: parse(each["Document"], name=name)
        for name, each in given.items()
        if "aws-service-role" not in each["Path"]
    }


@pytest.mark.parametrize("question", QUESTIONS)
def test_list_holds_the_policies_that_answer_its_question(question: str, documents: dict[str, Policy]) -> None:
    listed = tomllib.loads(FILE.read_text())[question]
    assert listed["reason"].endswith(".")
    assert listed["names"] == sorted(name for name, policy in documents.items() if QUESTIONS[question]([policy]))


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::aws:policy/AdministratorAccess", "AdministratorAccess"),
        ("arn:aws-cn:iam::aws:policy/service-role/AmazonSSMAutomationRole", "AmazonSSMAutomationRole"),
        ("arn:aws:iam::111122223333:policy/AdministratorAccess", ""),
        ("AdministratorAccess", ""),
    ],
)
def test_name_is_read_from_an_arn_of_aws(arn: str, name: str) -> None:
    assert aws_managed.name_of(arn) == name
