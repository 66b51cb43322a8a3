"""GitHub Actions: webhooks and the sweep as intake, reruns of jobs as retriggers, reports beside commits.

A rerun is a further attempt of the same workflow run, so this system is `serial`: one at a time in a workflow run,
50 at most, within 30 days of the first (GitHub's limits, 2026). Reruns carry no mark of ours: a request in doubt is
settled by the attempts that the look-back finds.

    settings.py its keys in the config          system.py  the system itself
    wire.py     GitHub's messages as typed values      parse.py   from its words to ours
    auth.py     tokens                                 limits.py  rate limits, pacing
    client.py   one request, with all of that          etags.py   conditional reads
    runs.py     look-back and sweep                    plan.py    which reruns now
    answers.py  what the answer to a rerun means       check.py   what the credentials give

and for people:

    talk.py     GitHub's messages about that           wishing.py    what people ask for in comments and by buttons
    outcomes.py what answers mean                      listening.py  who asks, and showing that it was heard
    checks.py   check runs, commit statuses            explaining.py why a job failed, which files a commit changes
    pulls.py    pull requests, comments                reporting.py       what reports need of all that
"""
