"""Which ports are open to whom: the matrix for people, for on-premises firewalls and for machines."""
