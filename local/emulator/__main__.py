"""`python -m local.emulator`: the local AWS in the foreground."""

from local.emulator.server import main

if __name__ == "__main__":
    raise SystemExit(main())
