"""`python -m tests.service.hostile [--runs N] [--seed N]`: hostile webhooks; exits 1 if one got through."""

import argparse
import sys

from tests.service.hostile.fuzz import fuzz


def main() -> int:
    """Run the fuzz, and print its findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.hostile", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    findings = fuzz(given.runs, given.seed, show=True)
    print("\n".join(findings.lines()))
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
