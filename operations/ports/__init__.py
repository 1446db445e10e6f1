"""`ports`: matrix of the domain controllers' open ports, for terminals, on-premises firewalls and programs."""
