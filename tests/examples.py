"""Profiles of Hypothesis: few examples in the fast tier, and three times as many in the slow one.

`pytest --hypothesis-profile=thorough` is the slow tier's; `--hypothesis-profile=search` looks further, and at other
examples each time. The others are deterministic, so that a run is repeatable anywhere.
"""

from hypothesis import HealthCheck, settings

#: Examples of a test that sets no number of its own.
_FAST, _THOROUGH, _SEARCH = 20, 60, 1000


def register_profiles() -> None:
    """Register the profiles, and load the fast one; the command line may load another one after this."""
    settings.register_profile(
        "fast",
        deadline=None,
        max_examples=_FAST,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    settings.register_profile("thorough", settings.get_profile("fast"), max_examples=_THOROUGH)
    settings.register_profile("search", settings.get_profile("fast"), max_examples=_SEARCH, derandomize=False)
    settings.load_profile("fast")


def examples(thorough: int) -> int:
    """Return how many examples to try, for a test that tries `thorough` in the slow tier."""
    return max(1, thorough * settings().max_examples // _THOROUGH)


def is_thorough() -> bool:
    """Return whether this is the slow tier or a search."""
    return settings().max_examples >= _THOROUGH
