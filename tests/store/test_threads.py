"""Many threads that read their first document at the same moment."""

import subprocess
import sys

RACE = """
import sys, threading
from triggerbot.core.model import Push
from triggerbot.store.documents import StoredPush, dump, load, run_of

sys.setswitchinterval(1e-6)
data = dump(StoredPush(Push("ci", "try", "try", "abcdef1"), 1.0, 2.0))
start = threading.Barrier(8)

def read():
    start.wait()
    load(StoredPush, data)
    run_of({"run_id": "1", "attempt": 1, "state": "running"}, "job")

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_they_do_not_end_the_process() -> None:
    """Msgspec 0.22 crashes where two of them build what it needs to know of a dataclass: every second time, here."""
    ended = [subprocess.run([sys.executable, "-c", RACE], check=False).returncode for _ in range(8)]
    assert ended == [0] * 8
