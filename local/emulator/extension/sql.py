"""Queries of Athena and CloudTrail Lake over rows in memory.

Both services run Trino, whose grammar sqlglot parses. Evaluated are selections of columns and fields, conditions and the
order of rows, with the functions that the queries of this repository call; everything else is an error, never a guess.

Sources:
    https://docs.aws.amazon.com/athena/latest/ug/select.html
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-limitations.html
    https://trino.io/docs/current/functions/comparison.html
"""

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any, Final, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Row = Mapping[str, Any]
"""Values by column; a struct is a mapping. Names are in lower case."""


class QueryError(Exception):
    """The query fails; the text is the reason that the service reports."""


@dataclass(frozen=True)
class Query:
    """A query that was parsed, with its parameters bound.

    Attributes:
        names: Names of the columns of the result.
        columns: Expressions of the columns.
        table: Database, if it is named, and table.
        conditions: Conditions that all must hold.
        order: Expressions to sort by, with whether the order is descending.
    """

    names: tuple[str, ...]
    columns: tuple[exp.Expr, ...]
    table: tuple[str, str]
    conditions: tuple[exp.Expr, ...]
    order: tuple[tuple[exp.Expr, bool], ...]

    def conditions_on(self, names: Iterable[str]) -> list[exp.Expr]:
        """Return the conditions that are about these columns only."""
        own = set(names)
        return [each for each in self.conditions if _names(each) and _names(each) <= own]

    def values_of(self, name: str) -> list[str] | None:
        """Return the values that a column is compared with by `=` or `IN`; None if it is not."""
        for each in self.conditions_on([name]):
            if isinstance(each, exp.EQ):
                return [str(_value(each.expression, {}))]
            if isinstance(each, exp.In):
                return [str(_value(value, {})) for value in each.expressions]
        return None

    def rows(self, source: Iterable[Row]) -> list[list[Any]]:
        """Return the rows of the result."""
        chosen = [row for row in source if all(_value(each, row) is True for each in self.conditions)]
        for each, is_descending in reversed(self.order):
            chosen.sort(key=lambda row, by=each: cmp_to_key(_compare)(_value(by, row)), reverse=is_descending)
        return [[_value(each, row) for each in self.columns] for row in chosen]


def parse(text: str, parameters: Iterable[str] = ()) -> Query:
    """Return a query.

    Raises:
        QueryError: The text is not a query of this form.
    """
    try:
        found = sqlglot.parse(text, read="athena")
        literals = [sqlglot.parse_one(each, read="athena") for each in parameters]
    except SqlglotError as wrong:
        raise QueryError(f"SYNTAX_ERROR: {_first_line(wrong)}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        raise QueryError("NOT_SUPPORTED: the local AWS runs one SELECT statement")
    query = found[0]
    _bind(query, literals)
    unknown = [name for name, value in query.args.items() if value and name not in _CLAUSES]
    tables = list(query.find_all(exp.Table))
    if unknown or len(tables) != 1:
        raise QueryError(f"NOT_SUPPORTED: the local AWS does not run {', '.join(unknown) or 'several tables'}")
    where, order = query.args.get("where"), query.args.get("order")
    return Query(
        names=tuple(each.alias_or_name for each in query.expressions),
        columns=tuple(each.unalias() for each in query.expressions),
        table=(tables[0].db, tables[0].name),
        conditions=_conditions(where.this) if where else (),
        order=tuple((each.this, bool(each.args.get("desc"))) for each in order.expressions) if order else (),
    )


def _conditions(condition: exp.Expr) -> tuple[exp.Expr, ...]:
    """Return the conditions that `AND` joins."""
    return tuple(condition.flatten()) if isinstance(condition, exp.And) else (condition,)


_CLAUSES: Final = frozenset({"expressions", "from_", "from", "where", "order"})


def _first_line(wrong: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(wrong)).splitlines()[0]


def _bind(query: exp.Select, literals: list[exp.Expr]) -> None:
    placeholders = list(query.find_all(exp.Placeholder, bfs=False))
    if len(placeholders) != len(literals):
        raise QueryError(
            f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected {len(placeholders)} but found {len(literals)}"
        )
    for place, literal in zip(placeholders, literals, strict=True):
        if not isinstance(literal, exp.Literal):
            raise QueryError("NOT_SUPPORTED: the local AWS takes literals as parameters")
        place.replace(literal)


def _names(expression: exp.Expr) -> set[str]:
    """Return the names of the columns in an expression."""
    return {_path(each)[0] for each in expression.find_all(exp.Column)}


def _path(column: exp.Column) -> list[str]:
    """Return the name of a column, and those of the fields in it."""
    return [part.name.lower() for part in column.parts]


def _value(expression: exp.Expr, row: Row) -> Any:
    """Return the value of an expression; None is NULL."""
    evaluate = _EVALUATORS.get(type(expression))
    if evaluate is None:
        raise QueryError(f"NOT_SUPPORTED: the local AWS does not evaluate {expression.sql('athena')}")
    return evaluate(cast("Any", expression), row)


def _column(column: exp.Column, row: Row) -> Any:
    name, *fields = _path(column)
    if name not in row:
        raise QueryError(f"COLUMN_NOT_FOUND: Column '{name}' cannot be resolved")
    value = row[name]
    for each in fields:
        value = None if value is None else value.get(each)
    return value


def _literal(literal: exp.Literal, _row: Row) -> Any:
    return literal.this if literal.is_string else json.loads(literal.this)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Row], bool | None]:
    def evaluate(expression: Any, row: Row) -> bool | None:
        left, right = _value(expression.this, row), _value(expression.expression, row)
        return None if left is None or right is None else compare(left, right)

    return evaluate


def _between(expression: exp.Between, row: Row) -> bool | None:
    value, low, high = (_value(expression.args[each], row) for each in ("this", "low", "high"))
    return None if None in (value, low, high) else low <= value <= high


def _in(expression: exp.In, row: Row) -> bool | None:
    if expression.args.get("query"):
        raise QueryError("NOT_SUPPORTED: the local AWS does not run subqueries")
    value = _value(expression.this, row)
    return None if value is None else value in [_value(each, row) for each in expression.expressions]


def _like(expression: exp.Like, row: Row) -> bool | None:
    value, pattern = _value(expression.this, row), _value(expression.expression, row)
    if value is None or pattern is None:
        return None
    parts = {"%": ".*", "_": "."}
    form = "".join(parts[each] if each in parts else re.escape(each) for each in str(pattern))
    return bool(re.fullmatch(form, str(value), re.DOTALL))


def _and(expression: exp.And, row: Row) -> bool | None:
    both = [_value(expression.this, row), _value(expression.expression, row)]
    return False if False in both else None if None in both else True


def _or(expression: exp.Or, row: Row) -> bool | None:
    both = [_value(expression.this, row), _value(expression.expression, row)]
    return True if True in both else None if None in both else False


def _lower(expression: exp.Lower, row: Row) -> str | None:
    value = _value(expression.this, row)
    return None if value is None else str(value).lower()


def _json_scalar(expression: exp.JSONExtractScalar, row: Row) -> str | None:
    """Return a scalar of a JSON text: NULL for objects, lists, and texts that are not JSON."""
    text = _value(expression.this, row)
    try:
        value: Any = None if text is None else json.loads(text)
    except ValueError:
        return None
    for each in expression.expression.expressions[1:]:
        if not isinstance(value, dict) or not isinstance(each, exp.JSONPathKey):
            return None
        value = cast("dict[str, Any]", value).get(each.this)
    if value is None or isinstance(value, dict | list):
        return None
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _compare(left: Any, right: Any) -> int:
    """Compare for the order of rows, in which NULL is last."""
    if left is None or right is None:
        return (left is None) - (right is None)
    return (left > right) - (left < right)


_EVALUATORS: Final[dict[type, Callable[[Any, Row], Any]]] = {
    exp.And: _and,
    exp.Between: _between,
    exp.Column: _column,
    exp.EQ: _comparison(operator.eq),
    exp.GT: _comparison(operator.gt),
    exp.GTE: _comparison(operator.ge),
    exp.In: _in,
    exp.JSONExtractScalar: _json_scalar,
    exp.LT: _comparison(operator.lt),
    exp.LTE: _comparison(operator.le),
    exp.Like: _like,
    exp.Literal: _literal,
    exp.Lower: _lower,
    exp.NEQ: _comparison(operator.ne),
    exp.Or: _or,
    exp.Paren: lambda expression, row: _value(expression.this, row),
}


def flat(rows: Iterable[list[Any]]) -> Iterator[list[str | None]]:
    """Yield rows with their values as texts, as both services return them."""
    for row in rows:
        yield [
            None if each is None else json.dumps(each) if isinstance(each, bool | dict) else str(each) for each in row
        ]
