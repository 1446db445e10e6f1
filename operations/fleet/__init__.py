"""Deployment to an organization: one stack per account, in rollout waves."""
