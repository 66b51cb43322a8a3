"""Imported first by every interpreter of these tests: makes a daemon fail when a file in its directory says so.

The file is `fault-N` for worker N (1 if there are no workers). It is renamed to `failed-N` before the fault, so
that the next life of the worker is a good one, unless it says `always`.
"""

import itertools
import os
import signal
import sys
import threading
import time
from pathlib import Path

if "TRIGGERBOT_WORKER" in os.environ and Path("no-library").exists():
    # As if a library of the worker were missing; this file needs it, too, and the interpreter goes on without it.
    print("before the end:", os.environ["CI_TOKEN"], file=sys.stderr)
    Path("no-library").rename("had-no-library")
    sys.modules["starlette"] = None

from triggerbot.daemon import engine, process
from triggerbot.daemon.process import Daemon
from triggerbot.daemon.workers import worker
from triggerbot.pipeline.dispatcher import Dispatcher

_run, _dispatch = Daemon.run, Dispatcher.run
_threads = itertools.count()
_number = [1]


def run(self, *arguments):
    """Run the daemon, and record which worker it is."""
    _number[0] = self.worker or 1
    return _run(self, *arguments)


def dispatch(self, stop):
    """Dispatch, with one thread that waits for its fault."""
    if next(_threads):
        return _dispatch(self, stop)
    fault = Path(f"fault-{_number[0]}")
    while not stop.is_set():
        if fault.exists():
            what = fault.read_text().split()
            if what[0] == "always":
                fail(*what[1:])
            fault.rename(f"failed-{_number[0]}")
            fail(*what)
        stop.wait(0.01)
    return None


def fail(what, *more):
    """Fail in the requested way."""
    match what:
        case "raise":
            raise ZeroDivisionError("told to", *(os.environ[name] for name in more))
        case "exit":
            os._exit(int(more[0]))
        case "signal":
            os.kill(os.getpid(), signal.Signals[more[0]])
        case "thread":
            threading.Thread(target=fail, args=more, name="unguarded").start()
        case "hang":
            threading.Event().wait()
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "linger":
            threading.Thread(target=threading.Event().wait, daemon=False).start()
            fail(*more)
        case "after":
            while not Path(f"failed-{more[0]}").exists():
                time.sleep(0.01)
            fail(*more[1:])


Daemon.run, Dispatcher.run = run, dispatch
if "FAULTS_LIMIT" in os.environ:
    engine._LIMIT = worker._SILENT = float(os.environ["FAULTS_LIMIT"])
    worker.GRACE = process._GRACEFUL = 0.5
