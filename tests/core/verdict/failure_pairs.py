"""Failure lines as many test runners, compilers and CIs write them, labelled by a person: failure_pairs.yml."""

from pathlib import Path

import yaml

Pairs = tuple[tuple[str, str], ...]

_LABELLED = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text())


def _pairs(name: str) -> Pairs:
    return tuple((one, other) for one, other in _LABELLED[name])


SAME, DIFFERENT = _pairs("same"), _pairs("different")
HELD_OUT_SAME, HELD_OUT_DIFFERENT = _pairs("held_out_same"), _pairs("held_out_different")
GENERIC: tuple[str, ...] = tuple(_LABELLED["generic"])
TELLING: tuple[str, ...] = tuple(_LABELLED["telling"])
