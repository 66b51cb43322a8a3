"""What newly fails in a folder of reports, held against another folder: no store, no network.

Each folder in it is a job, as a CI unpacks artifacts; a report beside those is a job by itself.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from triggerbot.core.branch import novelty
from triggerbot.core.branch.novelty import Finding, Outcome
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
    here, problems = _read(form, folder)
    before, others = (None, ()) if against is None else _read_earlier(form, against)
    of_job: dict[str, list[Finding]] = defaultdict(list)
    for one in novelty.compare(here, before):
        of_job[one.job].append(one)
    jobs = []
    for job in sorted({*here, *of_job}):
        tests = here[job].tests if job in here else None
        held = against if against is not None and before and job in before else ""
        jobs.append(
            JobReport(job, _verdict(here.get(job)), groups(job), _pool(job), held, None, tests, tuple(of_job[job]))
        )
    return NoveltyReport(tuple(jobs), folder=folder, against=against or "", problems=(*problems, *others))


def _read(form: str, folder: str) -> tuple[Mapping[str, Outcome], tuple[str, ...]]:
    jobs: dict[str, list[File]] = defaultdict(list)
    for file in files.under(folder):
        jobs[_job(file, folder)].append(file)
    outcomes: dict[str, Outcome] = {}
    problems: list[str] = []
    for job, own in jobs.items():
        found = registry.read(own, form)
        problems += map(str, found.problems)
        if found.files:
            outcomes[job] = _outcome(job, found)
    return outcomes, tuple(problems)


def _read_earlier(form: str, folder: str) -> tuple[Mapping[str, Outcome] | None, tuple[str, ...]]:
    """Read what is compared with; `None` if it has no report, for then nothing tells what is new."""
    outcomes, problems = _read(form, folder)
    if outcomes:
        return outcomes, problems
    return None, (*problems, f"no report of {form} was found in {folder}: there is nothing to compare with")


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


def _verdict(one: Outcome | None) -> str:
    if one is None:
        return "none"
    return "failed" if one.failed else "passed"


def _pool(job: str) -> str:
    found = _POOL.match(job)
    return found["pool"] if found else OTHER
