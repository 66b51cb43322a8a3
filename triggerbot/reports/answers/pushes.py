"""The latest pushes, each with its health and why."""

from triggerbot.core.formatting import moment
from triggerbot.core.verdict.health import Health
from triggerbot.reports import glossary, push_json, push_list
from triggerbot.reports.answers import Answer, Asked, Line, Question, line
from triggerbot.reports.judge import Judge
from triggerbot.store import Search, Summary

_STYLES = {Health.GOOD: "green", Health.FAILING: "red", Health.PENDING: "cyan", Health.INCOMPLETE: "magenta"}


def answer(asked: Asked, question: Question) -> Answer:
    """List the latest pushes: at most `limit` that fit `project`, `branch`, `author`, `text` and `health`."""
    wanted = Search(*(question.get(name) or "" for name in ("project", "branch", "author", "text", "health")))
    judge = Judge(asked.store, rules=asked.config.rules)
    found = push_list.pushes(asked.store, judge, wanted, question["limit"], asked.now)
    said = [part for one in found for part in _show(one)]
    none = [line("No push fits: none was heard of, or what was asked for leaves none.")]
    return Answer(0, {"pushes": [push_json.line(one) for one in found]}, said or none)


def _show(one: Summary) -> tuple[Line, Line]:
    push = one.push
    by = f" by {one.author}" if one.author else ""
    when = moment(one.last_heard if one.time is None else one.time)
    health = Health(one.health) if one.health else Health.PENDING
    name = f"{push.project} {push.revision[:12]} on {push.branch} ({push.system}){by}"
    state = (f"{glossary.HEALTHS[health]:<10}", _STYLES[health])
    return (
        Line([(f"{when}  ", ""), state, (f"  {name}", "")]),
        line(f"{'':<{len(when)}}  {'':<10}  {one.sentence}", "dim"),
    )
