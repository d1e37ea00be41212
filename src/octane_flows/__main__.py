"""`python -m octane_flows` is the command `octane-flows`."""

from octane_flows.cli import main

if __name__ == "__main__":
    main()
