"""`python -m tests.chaos MODE`: runs one sort of chaos and tells what it did; exit code 1 if anything was wrong."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

if __name__ == "__main__":
    from chaos.telling import main

    sys.exit(main())
