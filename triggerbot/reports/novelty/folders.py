"""What newly fails in a folder of reports, held against another folder: no store, no network.

Each folder in it is a job, as a CI unpacks artifacts; a report beside those is a job by itself.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

from triggerbot.core.branch import novelty
from triggerbot.core.branch.novelty import Change, Finding, Outcome
from triggerbot.core.run_tests import RunTests
from triggerbot.formats import Contents, File, files, registry
from triggerbot.reports.novelty import OTHER, JobReport, NoveltyReport

#: The kind of machine in the name of a folder, as Transformers writes it: `single-gpu_run_models_gpu_test_reports`.
_POOL = re.compile(r"(?P<pool>(?:single|multi)-gpu|cpu)(?=_)")
#: The only job of a folder that has the parts of pytest's reports itself.
_ONLY = "tests"


def compare(form: str, folder: str, against: str | None, groups: Callable[[str], str]) -> NoveltyReport:
    """Read a folder, and hold it against another; `groups` names the group of a job.

    Raises:
        NotReadable: a folder cannot be read.
    """
    here, damaged, problems = _read(form, folder)
    before, unread, others = (None, frozenset[str](), ()) if against is None else _read_earlier(form, against)
    if before is not None:
        # What is there and could not be read has not vanished.
        before = {job: one for job, one in before.items() if job in here or job not in damaged}
    of_job: dict[str, list[Finding]] = defaultdict(list)
    for one in novelty.compare(here, before):
        # Nothing tells what failed in the part of a report that could not be read.
        passed = before is not None and one.job in before and one.test in before[one.job].passed
        unsure = one.change is Change.NEW and one.job in unread and not passed
        of_job[one.job].append(replace(one, change=Change.UNKNOWN) if unsure else one)
    jobs = []
    for job in sorted({*here, *of_job, *damaged}):
        tests = here[job].tests if job in here else None
        held = against if against is not None and before and job in before else ""
        jobs.append(
            JobReport(
                job,
                _verdict(here.get(job), damaged=job in damaged),
                groups(job),
                _pool(job),
                held,
                None,
                tests,
                tuple(of_job[job]),
            )
        )
    return NoveltyReport(tuple(jobs), folder=folder, against=against or "", problems=(*problems, *others))


def _read(form: str, folder: str) -> tuple[Mapping[str, Outcome], frozenset[str], tuple[str, ...]]:
    """Return what each job came to, the jobs of which not everything could be read, and why not."""
    jobs: dict[str, list[File]] = defaultdict(list)
    for file in files.under(folder):
        jobs[_job(file, folder)].append(file)
    outcomes: dict[str, Outcome] = {}
    problems: list[str] = []
    damaged: set[str] = set()
    for job, own in jobs.items():
        found = registry.read(own, form)
        problems += map(str, found.problems)
        if found.problems:
            damaged.add(job)
        if found.files:
            outcomes[job] = _outcome(job, found)
    return outcomes, frozenset(damaged), tuple(problems)


def _read_earlier(form: str, folder: str) -> tuple[Mapping[str, Outcome] | None, frozenset[str], tuple[str, ...]]:
    """Read what is compared with; `None` if it has no report, for then nothing tells what is new."""
    outcomes, damaged, problems = _read(form, folder)
    if outcomes or damaged:
        return outcomes, damaged, problems
    return None, damaged, (*problems, f"no report of {form} was found in {folder}: there is nothing to compare with")


def _job(file: File, folder: str) -> str:
    path = file.name.removeprefix(folder.rstrip("/")).lstrip("/")
    first, _, rest = path.partition("/")
    if rest:
        return first
    return first.removesuffix(".xml") if first.endswith(".xml") else _ONLY


def _outcome(job: str, found: Contents) -> Outcome:
    tests = found.tests or RunTests()
    # Of a report that is damaged not all is known.
    complete = found.complete and not found.problems
    return novelty.outcome(job, tests, found.passed, found.skipped, complete=complete, whole=not found.problems)


def _verdict(one: Outcome | None, *, damaged: bool) -> str:
    if one is not None and one.failed:
        return "failed"
    # What could not be read may have told of failures.
    if damaged:
        return "unknown"
    return "none" if one is None else "passed"


def _pool(job: str) -> str:
    found = _POOL.match(job)
    return found["pool"] if found else OTHER
