"""Entitlements of account access manager for operators, in the account of its application."""
