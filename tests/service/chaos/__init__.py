"""Crashes, faults and hostile moments, by the thousand: `python -m tests.service.chaos --help`, or `make chaos`.

Every run prints its seed. The same seed makes the same plan: what fails at the CI, when, and which kills and cuts come
after how long. Timing of threads and the network differs from run to run, as in production.
"""
