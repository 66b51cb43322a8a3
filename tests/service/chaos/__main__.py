"""`python -m tests.service.chaos MODE`: run one kind of chaos and report on it; exits 1 if anything was wrong."""

import sys

if __name__ == "__main__":
    from tests.service.chaos.command import main

    sys.exit(main())
