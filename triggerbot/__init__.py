"""triggerbot: retriggers failed CI jobs within a budget and says what the runs together prove."""

__version__ = "0.1.0"
