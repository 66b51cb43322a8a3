"""What holds sending back beside the rules: how breakers open and close, and the hard caps."""

from dataclasses import dataclass, field

from triggerbot.core.policy.circuit_breaker import Settings
from triggerbot.core.policy.limits import Caps


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the guard goes by."""

    breakers: Settings = field(default_factory=Settings)
    caps: Caps = field(default_factory=Caps)
