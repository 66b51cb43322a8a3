"""The glossary: the terms of triggerbot beside those of CIs, other tools and textbooks."""

from typing import NamedTuple

from tests.service.docs.markdown import page, table


class Word(NamedTuple):
    """One term, its meaning, and its names elsewhere."""

    word: str
    meaning: str
    elsewhere: str


#: Words by heading; a heading names what they belong to.
WORDS: dict[str, tuple[Word, ...]] = {
    "What a CI has": (
        Word("system", "one CI that triggerbot talks to, named in the config", "CI provider, CI service"),
        Word("push", "a revision on a branch of a project: what a developer asks about", "commit, changeset, change"),
        Word("job", "a named unit of CI in a push", "job (GitHub), task (Taskcluster), check, builder"),
        Word("run", "one execution of a job: a run id, an attempt, a state, a result", "attempt, build, execution"),
        Word("batch", "what a CI keeps runs together with", "workflow run (GitHub), task group (Taskcluster)"),
        Word("tier", "how much a job matters: 1 is the most", "severity, blocking or not"),
        Word("hidden", "of a tier above `max_tier`: shown, and decides nothing", "allowed to fail, non-blocking"),
        Word("pool", "the kind of machine that a job runs on", "worker pool, runner label, agent queue"),
        Word("step", "the part of a run that failed first", "step (GitHub), phase, stage"),
        Word("infra", "the CI itself failed, not the job", "infrastructure error, exception (Taskcluster)"),
    ),
    "What is heard": (
        Word("event", "one thing heard about a run, in triggerbot's own form", "notification, payload, message"),
        Word("intake", "where events come from: webhook, pulse (AMQP), poll, file", "source, connector, ingestion"),
        Word("sweep", "asking a CI every few minutes what finished lately", "polling fallback, anti-entropy"),
        Word("lead", "a message that names neither push nor job, until the CI was asked", "unresolved event"),
        Word("expectation", "how often something should be heard of a branch", "dead man's switch, heartbeat"),
        Word("dead letter", "a message that could not be handled, kept with the reason", "dead-letter queue"),
    ),
    "What is decided": (
        Word("rule", "which pushes, jobs and failures are looked after, and how far", "policy"),
        Word("claim", "the durable promise to deal with one job of one push once", "work item, idempotency record"),
        Word("look-back", "asking the CI which runs exist, before anything is spent", "read before write"),
        Word("budget", "how many jobs of one push may be retriggered because they failed", "retry budget, quota"),
        Word("refusal", "a decision not to retrigger, with its reason", "skip, rejection"),
        Word("rebuild", "further runs that a commit message or a comment asks for", "repeat, stress run"),
        Word("dry run", "everything is decided and recorded, nothing is sent", "shadow mode, no-op mode"),
    ),
    "What is sent": (
        Word("retrigger", "asking the CI for further runs of a job", "rerun, retry, restart, rebuild"),
        Word("operation", "one request to a CI, under an id that a second try keeps", "request, idempotency key"),
        Word("in doubt", "nobody knows whether the CI took a request; a look-back settles it", "unknown outcome"),
        Word("grace", "the time that a CI may take to list a run that it accepted", "visibility delay"),
        Word("breaker", "stops sending while a CI, a pool or a step is ill", "circuit breaker, outage detection"),
        Word("canary", "the one claim that an open breaker lets through", "half-open probe, trial request"),
        Word("cap", "how many retriggers may leave within an hour", "rate limit"),
        Word("held", "a claim that a breaker or a cap keeps back, in order", "throttled, queued; admission control"),
        Word("pause", "all sending stops, on every replica; watching goes on", "kill switch, maintenance mode"),
    ),
    "What it proves": (
        Word("failure line", "what a failed run says is wrong", "error line, annotation, bug suggestion (Treeherder)"),
        Word("same failure", "failure lines are alike once what varies is masked", "failure fingerprint, signature"),
        Word("tests of a run", "how many passed and failed, and which, with a line each", "test report, test results"),
        Word("new", "of a failure: the job did not have it at the last earlier push", "regression, novelty"),
        Word("generic", "a failure line that any failure may show: no evidence", "noise, boilerplate"),
        Word("verdict", "what the runs of a job at one push prove", "classification, conclusion"),
        Word("intermittent", "it failed and passed at the same revision", "flaky, a flake"),
        Word("base", "the revision that a push is based on", "merge base, parent push, baseline"),
        Word("inherited", "it fails on the base too, in the same way", "pre-existing, broken trunk"),
        Word("suspected new", "intermittent, and it may have come with this push", "newly introduced flake"),
        Word("health", "what the verdicts come to: good, failing, pending or incomplete", "status, build state"),
        Word("push order", "the pushes of a branch as they were pushed, however heard of", "commit order"),
        Word("streak", "a job that fails at consecutive pushes, up to now", "recurrent failure, permafail"),
        Word("isolated failure", "one at a single push, after which the job passed", "one-off failure, flake"),
        Word("shard", "one of the pieces in which a CI runs a job", "chunk (Mozilla), split, partition"),
        Word("sample", "a job that gets further runs to measure its verdict (`calibration`)", "audit, ground truth"),
        Word("report", "what is told of a push elsewhere: a check run, a comment, Slack", "notification, status check"),
        Word("story", "what happened to a push or a job, in order, as `explain` tells it", "timeline, audit log"),
    ),
}  # fmt: skip


def glossary_page() -> str:
    """Write the page."""
    sections = []
    for heading, words in WORDS.items():
        rows = ((f"**{one.word}**", one.meaning, one.elsewhere) for one in words)
        sections += [f"## {heading}", table(["here", "what it means", "elsewhere"], rows)]
    return page(
        "Glossary",
        "One word for one thing, in the config, the commands, the pages and the logs; beside it what others call the "
        "same, or what comes closest.",
        *sections,
    )
