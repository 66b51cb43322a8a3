"""The page of a push, and the claims behind it."""

from tests.fakes.site import House
from tests.fakes.world import push
from triggerbot.core.claim import Claim

PATH = "/pushes/try/abcdef1"


def claims(house: House, job: str = "job") -> list[Claim]:
    """Return the claims that people made."""
    record = house.store.pushes.record(push())
    assert record is not None
    return [claim for one in record.jobs if one.job == job for claim in one.claims if claim.manual]
