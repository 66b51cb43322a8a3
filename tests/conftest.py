"""What all tests share: how hard Hypothesis tries, the same way each time."""

from hypothesis import HealthCheck, settings

#: Deterministic, and moderate in number: a run is repeatable anywhere, and the whole suite stays quick.
settings.register_profile(
    "triggerbot",
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
#: `pytest --hypothesis-profile=search` looks further, and elsewhere each time.
settings.register_profile("search", settings.get_profile("triggerbot"), max_examples=1000, derandomize=False)
settings.load_profile("triggerbot")
