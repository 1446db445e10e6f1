"""Every call of the document provider under every fault; `make faults` prints the same as a table."""

import itertools

import pytest

from tests.support.api_calls import is_write
from tests.support.faults.arena import Arena
from tests.support.faults.deployer import Deployer
from tests.support.faults.faults import Call, Fault, Times
from tests.support.faults.matrix import USUAL, Cell, Matrix, Stage

EVERY_FAULT = [
    pytest.param(fault, times, id=f"{fault} {times}".replace(" ", "-")) for fault in Fault for times in Times
]
SAMPLE_STEPS = (7, 5, 3, 1)
"""Odd, so that a call that every seventh fault hits is hit once by one of them and forever by the next."""


@pytest.fixture(scope="module")
def matrix(arena: Arena) -> Matrix:
    return Matrix(arena)


@pytest.fixture(scope="module")
def swapped_matrix(arena: Arena) -> Matrix:
    return Matrix(arena, swapped=True)


def sampled(cells: list[Cell], fault: Fault, times: Times) -> list[Cell]:
    """Every seventh cell, from another one on for each fault, and every write whose answer is lost."""
    step = next(each for each in SAMPLE_STEPS if each <= len(cells))
    start = list(itertools.product(Fault, Times)).index((fault, times)) % step
    return [
        cell
        for number, cell in enumerate(cells)
        if number % step == start or (fault is Fault.LOST and is_write(cell.call.operation))
    ]


def run_cells(matrix: Matrix, subtests: pytest.Subtests, cells: list[Cell]) -> None:
    assert cells
    for cell in cells:
        with subtests.test(str(cell)):
            matrix.run(cell)


@pytest.mark.parametrize(("fault", "times"), EVERY_FAULT)
@pytest.mark.parametrize("stage", USUAL)
def test_run_converges_or_reports_and_next_run_repairs(
    matrix: Matrix, subtests: pytest.Subtests, stage: Stage, fault: Fault, times: Times
) -> None:
    run_cells(matrix, subtests, sampled(list(matrix.cells(stage, fault, times)), fault, times))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("fault", "times"), EVERY_FAULT)
@pytest.mark.parametrize("stage", Stage)
def test_every_single_call_may_fail(
    matrix: Matrix, subtests: pytest.Subtests, stage: Stage, fault: Fault, times: Times
) -> None:
    run_cells(matrix, subtests, list(matrix.cells(stage, fault, times, exhaustive=True)))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("fault", "times"), EVERY_FAULT)
@pytest.mark.parametrize("stage", Stage)
def test_every_call_may_fail_with_swapped_duplicate_meaning(
    swapped_matrix: Matrix, subtests: pytest.Subtests, stage: Stage, fault: Fault, times: Times
) -> None:
    run_cells(swapped_matrix, subtests, list(swapped_matrix.cells(stage, fault, times, exhaustive=True)))


@pytest.mark.parametrize("stage", Stage)
def test_no_request_to_aws_escapes_the_matrix(matrix: Matrix, stage: Stage) -> None:
    assert len(matrix.calls(stage)) == matrix.requests(stage) > 0


@pytest.mark.parametrize("stage", USUAL)
def test_sample_reaches_every_call_once_and_for_ever(matrix: Matrix, stage: Stage) -> None:
    combinations = list(itertools.product(Fault, Times))
    whole = {cell.position for cell in matrix.cells(stage, *combinations[0])}
    reached = {
        (cell.position, times)
        for fault, times in combinations
        for cell in sampled(list(matrix.cells(stage, fault, times)), fault, times)
    }
    assert reached == set(itertools.product(whole, Times))


def test_matrix_covers_every_document_operation(matrix: Matrix) -> None:
    called = {call for stage in USUAL for call in matrix.calls(stage)}
    documents = {
        *("DescribeDocument", "ListTagsForResource", "AddTagsToResource", "GetDocument", "CreateDocument"),
        *("UpdateDocument", "UpdateDocumentDefaultVersion", "ListDocumentVersions", "DeleteDocument"),
        "RemoveTagsFromResource",
    }
    named = {Call("kms", "DescribeKey"), Call("logs", "DescribeLogGroups"), Call("s3", "GetBucketEncryption")}
    assert {Call("ssm", operation) for operation in documents} | named <= called


def test_refresh_makes_two_calls_and_no_write(matrix: Matrix) -> None:
    calls = matrix.calls(Stage.REFRESH)
    assert len(calls) <= 2
    assert not any(is_write(call.operation) for call in calls)


def test_unchanged_run_calls_nothing(arena: Arena) -> None:
    arena.aws.forget_documents()
    deployer = Deployer()
    deployer.up(arena.account.preferences(20))
    with arena.noting() as calls:
        deployer.up(arena.account.preferences(20))
    assert calls == []


def test_first_write_to_a_foreign_document_tags_prior_version(matrix: Matrix) -> None:
    written = [call for call in matrix.calls(Stage.ADOPTION) if is_write(call.operation)]
    assert written[0] == Call("ssm", "AddTagsToResource")


def test_named_resources_are_read_before_any_write(matrix: Matrix) -> None:
    for stage in (Stage.FIRST, Stage.ADOPTION, Stage.UPDATE):
        calls = matrix.calls(stage)
        first_write = next(number for number, call in enumerate(calls) if is_write(call.operation))
        looked_at = {call.service for call in calls[:first_write]}
        assert {"kms", "logs", "s3"} <= looked_at
