"""The words of commands and pages: each enum member has a meaningful one."""

from dataclasses import replace

import pytest

from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.formatting import some
from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict, against_base, of_job
from triggerbot.reports import glossary


@pytest.mark.parametrize(
    ("words", "all_of_them"),
    [
        (glossary.REFUSALS, Refusal),
        (glossary.CAUSES, Cause),
        (glossary.RESULTS, Result),
        (glossary.STATES, State),
        (glossary.VERDICTS, Verdict),
        (glossary.HEALTHS, Health),
        (glossary.CLAIMS, ClaimState),
    ],
)
def test_there_is_a_word_for_each(words, all_of_them):
    """Each member of an enum needs its words here."""
    assert set(words) == set(all_of_them)


@pytest.mark.parametrize("refusal", list(Refusal))
def test_each_refusal_says_what_it_means_and_what_to_do(refusal):
    """A refusal is a sentence about the reason and another about the remedy."""
    advice = glossary.REFUSALS[refusal]
    assert advice.means.endswith(".")
    assert advice.remedy.endswith(".")
    assert advice.means[0].isupper()
    assert advice.remedy[0].isupper()
    assert str(advice) == f"{advice.means} {advice.remedy}"


@pytest.mark.parametrize("result", list(Result))
def test_each_result_has_a_letter_of_the_legend(result):
    """The letters in a row are explained below it."""
    letter = glossary.letter(Run("job", "1", 1, State.FINISHED, result))
    assert f"{letter} " in glossary.LEGEND


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING])
def test_an_unfinished_run_is_a_dot(state):
    """An unfinished run shows no result."""
    run = Run("job", "1", 1, state, None)
    assert glossary.letter(run) == "."
    assert glossary.standing(run) == glossary.STATES[state]


@pytest.mark.parametrize("result", list(Result))
def test_nothing_to_decide_has_its_reason(result):
    """For each result of a run, a sentence says why nothing was decided."""
    assert glossary.nothing_to_decide(Run("job", "1", 1, State.FINISHED, result)).endswith(".")


def test_what_is_one_too_many_is_counted() -> None:
    """A list says how many items it leaves out."""
    names = [str(number) for number in range(20)]
    assert some(names[:5]) == "0, 1, 2, 3, 4"
    assert some(names[:6]) == "0, 1, 2, 3, 4 and 1 more"
    assert some(names) == "0, 1, 2, 3, 4 and 15 more"


def test_one_failure_alone_proves_little():
    """Only several failures are said to be the change's."""
    one = Run("job", "1", 1, State.FINISHED, Result.FAILURE)
    two = Run("job", "2", 1, State.FINISHED, Result.FAILURE)
    assert "does not tell" in glossary.proof(of_job("job", [one], []))
    unknown = glossary.proof(of_job("job", [one, two], []))
    told = "It failed every time; nothing is known of the base, so it may have failed before."
    assert unknown == f"{told} {glossary.NOT_TOLD}"
    passes = against_base(of_job("job", [one, two], []), Standing(Relation.PASSES, "ab" * 20))
    assert "passes on the base: most likely it is the change" in glossary.proof(passes)
    cancelled = Run("job", "1", 1, State.FINISHED, Result.CANCELLED)
    assert "did not finish" in glossary.proof(of_job("job", [cancelled], []))
    for relation in Relation:
        once = glossary.proof(replace(of_job("job", [one], []), base=Standing(relation, "ba5e" * 10)))
        assert ("does not tell whether" in once) is (relation is not Relation.INHERITED)
        assert "most likely it is the change" not in once
