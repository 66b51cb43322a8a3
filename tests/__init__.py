"""All tests of triggerbot: fast ones in one process, and `service` for those with real processes and servers."""

from pathlib import Path

#: The repository; processes that tests start find this package there.
ROOT = Path(__file__).resolve().parents[1]
