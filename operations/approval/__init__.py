"""Commands of operators and approvers, in either mode of approval: `request`, `approve`, `status` and `revoke`."""
