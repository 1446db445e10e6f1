"""docs/verify.md, from the table of checks."""

from operations.verify.coverage import COVERAGE, OTHER_CHECKS
from tools.docs.markdown import table

_INTRODUCTION = """<!-- Made by `make docs` from operations/verify/coverage.py. -->
# Checks of `verify`

    $ python -m operations verify --stack prod
    ...
    eu-west-1 directory-flow-logs: different
      expected:  active flow logs of all traffic of directory-a, directory-b to /shell-access/domain-controllers/flow-logs
      found:     fl-0123456789abcdef0 of directory-a does not deliver: Access error
      remedy:    pulumi up --refresh --stack prod; see directory-flow-log-group, directory-flow-logs-role and ...

`verify` reads AWS, not the state: the existence, content, state and deliveries of each resource. A value that cannot be
read is `cannot tell`, never OK, and the exit code is then 1. A `*` stands for the rest of a check's ID.

`pulumi preview --refresh` compares the state with AWS, and shows some attributes that `verify` does not compare. The test
`tests/engine/test_verify_sabotage.py` changes each attribute of each resource of the stack `dev` in turn, and expects
one of the two to notice.

## By type of resource
"""

_OTHERS = """
## Prerequisites of the stack
"""


def verify_page() -> str:
    """Return the whole page."""
    rows = [
        (
            f"`{type_}`",
            ", ".join(f"`{each}`" for each in covered.checks) or "none",
            covered.compared,
            ", ".join(covered.by_refresh),
            covered.unchecked,
        )
        for type_, covered in COVERAGE.items()
    ]
    heading = ("resource", "checks", "compared", "only `preview --refresh` shows", "not checked, and why")
    others = [(f"`{check}`", about) for check, about in OTHER_CHECKS.items()]
    return "\n".join([_INTRODUCTION, table(heading, rows), _OTHERS, table(("check", "about"), others), ""])
