"""An organization as a fleet: one stack an account, brought up in waves."""
