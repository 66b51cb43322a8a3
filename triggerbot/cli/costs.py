"""What retriggers cost and save, and which jobs are intermittent, as `triggerbot stats` shows it."""

from collections.abc import Sequence

from rich.table import Table

from triggerbot.cli.printing import moment
from triggerbot.cli.tables import console, text
from triggerbot.costs import Costs, Day
from triggerbot.intermittency import Rate


def show(costs: Costs, worst: Sequence[Rate]) -> None:
    """Print it for people."""
    out = console()
    for sentence in costs.sentences():
        out.print(sentence)
    if len(costs.days) > 1:
        out.print(_days(costs.days))
    if worst:
        out.print(_worst(worst))


def _days(days: Sequence[Day]) -> Table:
    table = _table("day", "sent", "would have sent", "refused")
    for day in days:
        table.add_row(moment(day.at)[:10], str(day.sent), str(day.would_have_sent), str(day.refused))
    return table


def _worst(rates: Sequence[Rate]) -> Table:
    table = _table("intermittent job", "project", "rate", "at least", "at most", "of pushes", "last seen")
    for one in rates:
        shares = (f"{100 * share:.1f} %" for share in (one.rate, one.low, one.high))
        table.add_row(text(one.job), text(one.project), *shares, str(one.ran), moment(one.last_seen))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        left = column in ("day", "intermittent job", "project", "last seen")
        table.add_column(column, justify="left" if left else "right", overflow="fold")
    return table
