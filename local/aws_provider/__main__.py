"""Entry point: `python -m local.aws_provider [engine address]`, or `--table` for the table in README.md."""

import sys


def main() -> int:
    """Serve the provider protocol until the engine ends, or print the table."""
    if "--table" in sys.argv[1:]:
        from local.aws_provider import registry  # noqa: PLC0415 - not needed to serve

        sys.stdout.write(registry.render_table())
        return 0
    from local.aws_provider import server  # noqa: PLC0415 - not needed for the table

    return server.serve()


if __name__ == "__main__":
    sys.exit(main())
