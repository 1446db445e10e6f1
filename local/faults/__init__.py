"""Faults between this project and the local AWS, and what becomes of the preferences document under each of them."""
