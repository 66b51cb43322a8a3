"""The GitHub Actions system: webhooks and the sweep as intake, reruns of jobs as retriggers, reports beside commits.

A rerun is a further attempt of the same workflow run, so this system is `serial`: one at a time in a workflow run,
50 at most, within 30 days of the first (GitHub's limits, 2026). Reruns carry no mark of ours: a request in doubt is
settled by the attempts that the look-back finds.

    settings.py     its keys in the config              system.py  the system itself
    messages.py     GitHub's messages as typed values   parse.py   from those to events and comment commands
    auth.py         tokens                              limits.py  rate limits, pacing
    attempts.py     what a listing of all attempts says twice
    client.py       one request, with all of that       runs.py    look-back and sweep
    rerun.py        which reruns now; their answers     reporting.py  what reports and comment commands need
    credentials.py  what the credentials allow          endings.py  what the end of a job proves
    graphql.py      what REST takes many requests for   annotations.py  what failed jobs say
    merge_queue.py  who is in it, and putting back      workflow_file.py  workflow files, at their commits
    workflow.py     what they say                       shape.py   what that means for the jobs of a workflow run
    expressions.py  what their `${{ }}` come to
"""
