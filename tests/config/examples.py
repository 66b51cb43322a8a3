"""The example of the design, word for word, the files in config/, and short configs to put one key into."""

from pathlib import Path

from tests import ROOT

EXAMPLES = sorted((ROOT / "config").glob("*.yml"))
DESIGN = (Path(__file__).parent / "design.yml").read_text()


def rule(text: str) -> str:
    """Write a config with one rule; its keys begin on line 3."""
    return f"rules:\n  - projects: [try]\n    {text}\n"


def system(text: str) -> str:
    """Write a config with one generic system; its further keys begin on line 5."""
    return f"systems:\n  ci:\n    type: generic\n    url: http://ci.example\n    {text}\n"
