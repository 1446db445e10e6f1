"""Policy pack: checks that a platform team enforces on any stack."""
