"""Golden files of `python -m operations request`, `approve`, `status` and `revoke`."""

import json

import pytest

from tests.operations.approval.conftest import ANTON, People
from tests.support.golden_files import Golden

REASON = ("--reason", "Disk is full", "--json")
NOWHERE = "i-0123456789abcdef0"


def test_approval_commands_are_golden(people: People, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = people.command("request", people.instance(), *REASON)
    refused = people.command("request", people.node, *REASON)
    people.client("ec2").stop_instances(InstanceIds=[people.node])
    people.rest(0)
    run, hopeless = (json.loads(each.stdout)["run"] for each in (requested, refused))
    decide = ("--yes", "--json")
    requests = {"requested": requested, "unusable instance": people.command("request", "app-9", *REASON)}
    approvals = {
        "requests listed": people.command("approve", "--json", by=ANTON),
        "not allowed to approve": people.command("approve", run, *decide, by=("Outsider", "oscar")),
        "granted": people.command("approve", run, *decide, by=ANTON),
        "refused by the runbook": people.command("approve", hopeless, *decide, by=ANTON),
        "not waiting": people.command("approve", run, *decide, by=ANTON),
    }
    statuses = {
        "requests listed": people.command("status", "--json"),
        "one request": people.command("status", run, "--json"),
        "no such request": people.command("status", NOWHERE, "--json"),
    }
    revocations = {
        "no such request": people.command("revoke", NOWHERE, *decide, by=ANTON),
        "no live grant": people.command("revoke", hopeless, *decide, by=ANTON),
        "revoked": people.command("revoke", run, *decide, by=ANTON),
    }
    people.iam.tag_role(RoleName="Operator", Tags=[{"Key": "SecurityAllowSessionInstance", "Value": NOWHERE}])
    statuses["tag without a grant"] = people.command("status", "--json")
    key = people.key_of(*ANTON)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    requests["AWS does not answer"] = people.command("request", NOWHERE, *REASON, by=key)
    approvals["AWS does not answer"] = people.command("approve", run, *decide, by=key)
    revocations["AWS does not answer"] = people.command("revoke", run, *decide, by=key)
    statuses["AWS does not answer"] = people.command("status", "--json", by=key)
    people.outputs = {}
    requests["stack without approval"] = people.command("request", NOWHERE, *REASON, by=key)
    approvals["stack without approval"] = people.command("approve", run, *decide, by=key)
    revocations["stack without approval"] = people.command("revoke", run, *decide, by=key)
    statuses["stack without approval"] = people.command("status", "--json", by=key)
    golden.command("request", requests)
    golden.command("approve", approvals)
    golden.command("status", statuses)
    golden.command("revoke", revocations)
