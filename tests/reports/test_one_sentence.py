"""Whatever is said of an intermittent job, wherever, comes from one judgement: no card says two things."""

import json
from dataclasses import dataclass

import pytest

from tests.fakes.push_report import job, told
from tests.fakes.world import push
from triggerbot.core.policy.evidence import Past
from triggerbot.core.verdict.history import Failure, Novelty, Standing
from triggerbot.core.verdict.merge_queue import Conclusion, conclude
from triggerbot.reports import glossary, push_json
from triggerbot.reports.reporters import markdown
from triggerbot.reports.reporters.slack import blocks

#: What only may be said of a failure that is suspected new, known, or neither.
SAID = {
    Novelty.NEW: ["suspected new", "may be so since this change"],
    Novelty.TOUCHED: ["suspected new", "may be so since this change"],
    Novelty.KNOWN: ["known: ", "was so before this change."],
    Novelty.UNKNOWN: ["says little", "is not known."],
}


@dataclass(frozen=True)
class Weighed:
    """Other pushes show this (a `same_failure.History`)."""

    novelty: Novelty

    def generic(self, job: str, shape: str) -> bool:
        """Treat every line as evidence."""
        return False

    def standing(self, job: str, failure: Failure) -> Standing:
        """Return it of every failure."""
        return Standing(self.novelty, "main", Past(3 * (self.novelty is Novelty.KNOWN), 7), Past(3, 7))


@pytest.mark.parametrize("novelty", list(Novelty))
def test_one_judgement(novelty: Novelty) -> None:
    """Comments, Slack, the page, commands, the API and the merge queue agree."""
    report = told(push("abcdef1234"), job("CI / test", "OG", lines=["x.py:1: boom"]), background=Weighed(novelty))
    (judged,) = report.judged.jobs
    texts = [
        markdown.comment(report, 65_000),
        json.dumps([blocks.message(report), blocks.details(report)], default=str),
        f"{judged.why}. {glossary.proof(judged)}",
        json.dumps(push_json.push(report.record, report.judged)),
    ]
    other = {words for one, all_words in SAID.items() if one is not novelty for words in all_words} - {*SAID[novelty]}
    for text in texts:
        assert not [words for words in other if words in text.lower()]
        assert "likely" not in text
    assert SAID[novelty][0] in judged.why
    assert SAID[novelty][1] in glossary.proof(judged)
    assert novelty.suspected == judged.suspected == ("suspected" in report.judged.sentence)
    merged, _ = conclude(report.judged, timed_out=False)
    assert (merged is Conclusion.SUCCESS) is (novelty is Novelty.KNOWN)
