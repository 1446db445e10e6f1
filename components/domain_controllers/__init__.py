"""Active Directory domain controllers on EC2 that only the listed ports can reach."""
