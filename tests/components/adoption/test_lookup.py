"""Names in the stack of resources that share their names in AWS."""

from typing import Any

import pytest

from components.adoption import lookup
from components.adoption.lookup import names_in_stack

RULE = "aws:cloudwatch/eventRule:EventRule"
HOME, FORWARDED = ("tag-set", "eu-west-1"), ("tag-set", "us-east-1")


def urn(name: str, token: str = RULE) -> str:
    return f"urn:pulumi:prod::shell-access::shell-access:approval:Alarms${token}::{name}"


@pytest.mark.parametrize(
    ("state", "resources", "expected"),
    [
        ({}, {HOME: "tag-set", FORWARDED: "tag-set-forwarding"}, ["tag-set", "tag-set-forwarding"]),
        # The workflow moves to the Region of the forwarding rule, and back.
        (
            {"tag-set": HOME, "tag-set-forwarding": FORWARDED},
            {FORWARDED: "tag-set"},
            ["tag-set-forwarding"],
        ),
        (
            {"tag-set-forwarding": FORWARDED},
            {HOME: "tag-set", FORWARDED: "tag-set-forwarding"},
            ["tag-set", "tag-set-forwarding"],
        ),
        # It has begun in the other Region, so that its default name is in use.
        (
            {"tag-set": FORWARDED},
            {HOME: "tag-set", FORWARDED: "tag-set-forwarding"},
            ["tag-set-eu-west-1", "tag-set"],
        ),
    ],
)
def test_names_in_state_are_kept(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], resources: Any, expected: list[str]
) -> None:
    outputs = {urn(key): {"name": name, "region": region} for key, (name, region) in state.items()}
    outputs[urn("another-type", "aws:scheduler/schedule:Schedule")] = {"name": HOME[0], "region": HOME[1]}
    monkeypatch.setattr(lookup, "state_outputs", lambda: outputs)
    found = names_in_stack(RULE, resources)
    assert [found[each] for each in resources] == expected
