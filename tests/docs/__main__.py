"""`python -m tests.docs`: writes the pages that are made from the code."""

import sys
from pathlib import Path

# As pytest does: the tests' own modules are imported from there.
sys.path.insert(0, str(Path(__file__).parents[1]))

if __name__ == "__main__":
    from docs.generated import write

    write()
