"""Entry point of `python -m triggerbot`, the same as the command `triggerbot`."""

from triggerbot.cli import main

if __name__ == "__main__":
    main(prog_name="triggerbot")
