"""Crashes, faults and hostile moments, by the thousand: `python -m tests.service.chaos --help`, or `make chaos`.

Every run prints its seed. The same seed makes the same plan: what fails at the CI, when, and which kills and cuts come
after how long. What threads and the network make of it differs from run to run, as it does in life.
"""
