"""Several processes on one machine that do the same work, started, watched and restarted by one supervisor.

The supervisor (`supervisor`) does nothing else, so little in it can fail. It starts each `worker` as a fresh process,
and passes it a `handover`. A dying worker writes the cause into its `crash_file`, before other workers die as a
consequence. `crash_log` groups the crashes of one incident and records them in the store. `child` runs in the worker.
"""
