"""Wire format of property values between engine and provider."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws_provider import wire
from local.aws_provider.wire import UNKNOWN, Secret

leaves = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(max_size=8),
    st.just(UNKNOWN),
    st.builds(Secret, st.text(max_size=4)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), trees, max_size=4))
def test_values_survive_the_round_trip_with_secrets_and_unknowns(values: dict[str, Any]) -> None:
    assert wire.read(wire.write(values)) == values


def test_wire_omits_nulls() -> None:
    assert wire.read(wire.write({"gone": None, "kept": 1})) == {"kept": 1}


def test_empty_list_and_an_empty_map_are_values() -> None:
    assert wire.read(wire.write({"list": [], "map": {}})) == {"list": [], "map": {}}


def test_secrecy_returns_to_the_place_it_had() -> None:
    marked = {"tags": {"a": Secret("x"), "b": "y"}, "name": "n"}
    assert wire.keep_secret({"tags": {"a": "x", "b": "y"}, "name": "n"}, marked) == marked


def test_secret_element_makes_the_whole_list_secret() -> None:
    assert wire.keep_secret(["a", "b"], ["a", Secret("b")]) == Secret(["a", "b"])


def test_holds_secret_searches_nested_lists() -> None:
    assert wire.holds_secret([{"a": Secret(1)}])
    assert not wire.holds_secret([{"a": 1}])


def test_asset_is_refused() -> None:
    with pytest.raises(ValueError, match="assets"):
        wire.read(wire.write({"file": {wire.type_marker: "c44067f5952c0a294b673a41bacd8c17"}}))
