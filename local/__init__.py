"""The embedded local AWS and everything that starts it. Nothing that ships imports from here."""
