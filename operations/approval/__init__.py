"""Commands of operators and approvers, in every mode of approval: `request`, `approve`, `status` and `revoke`."""
