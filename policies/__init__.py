"""The policy pack: the checks that a platform team enforces on any stack."""
