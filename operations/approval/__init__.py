"""`request`, `approve`, `status` and `revoke`: what operators and approvers do from day to day, in either mode of approval."""
