"""Permissions of the role that deploys a stack: its policies, its boundary, and a CloudFormation template of both."""
