"""`python -m tests.hostile [--runs N] [--seed N]`: hostile webhooks; exit code 1 if anything was not as it must be."""

import argparse
import sys
from pathlib import Path

# The fakes of the tests are of use here, too; pytest finds them by its own setting.
sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile.fuzz import fuzz


def main() -> int:
    """Try, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    findings = fuzz(given.runs, given.seed, show=True)
    print("\n".join(findings.lines()))
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
