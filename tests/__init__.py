"""Everything that shows that triggerbot does what it should: what is quick and in one process, and `service`."""

from pathlib import Path

#: The repository; what tests start as a process of its own finds this package there.
ROOT = Path(__file__).resolve().parents[1]
