"""Faults between this project and the local AWS, and their effect on the preferences document."""
