"""Background tasks run as declared, while they hold their locks."""

from __future__ import annotations

from itertools import pairwise

from tests.faults.jobs import BACKOFF, JobProbe, Ran, Tenure
from tests.faults.outcome import Outcome
from tests.faults.scenario import Act, Fault

from .limits import DIGIT


def runs_have_contexts_and_dependencies(outcome: Outcome) -> None:
    """Each has a context of its own, and ends before its dependencies shut down."""
    for job in outcome.jobs:
        for ran in job.runs:
            assert ran.mark == "unset", f"{job.name} in another's context"
            assert ran.given == tuple(need.value for need in job.needs), job.name
            for need in job.needs:
                assert need.started is not None, f"{job.name} is too early"
                assert need.started.number < ran.began.number, job.name
                is_closed = need.has_cleanup and not need.crashed_at
                if is_closed and job.name not in outcome.abandoned_jobs:
                    assert ran.ended is not None
                    assert need.stopping is not None
                    assert ran.ended.number < need.stopping.number, (
                        f"{need.name} closes before a run of {job.name} has ended"
                    )


def runs_follow_as_declared(outcome: Outcome) -> None:
    for job in outcome.jobs:
        for before, ran in pairwise(job.runs):
            assert before.ended is not None, f"runs of {job.name} overlap"
            assert before.ended.number < ran.began.number, job.name
            if tenure_of(job, before) is not tenure_of(job, ran):
                continue
            if job.job.every is not None:
                late = (ran.began.at - before.began.at) % job.job.every
                assert min(late, job.job.every - late) <= DIGIT, job.name
                due = ran.began.at - job.job.every
                assert due <= before.ended.at + DIGIT, f"{job.name} has missed a run"
            else:
                assert job.job.restart != "never", job.name
                assert job.job.restart == "always" or before.failed, job.name
                pause = ran.began.at - before.ended.at
                assert BACKOFF[0] <= pause + DIGIT, job.name
                assert pause <= BACKOFF[1] + DIGIT, job.name


def runs_hold_their_lock(outcome: Outcome) -> None:
    """Each begins and ends within one tenure; a loss cancels it at once."""
    for job in outcome.jobs:
        if job.job.lock is None:
            continue
        for ran in job.runs:
            tenure = tenure_of(job, ran)
            assert tenure is not None, f"{job.name} runs without its lock"
            lost = tenure.lost
            if lost is not None:
                assert ran.began.at <= lost.at, f"{job.name} begins after the loss"
                if ran.ended is None or ran.ended.at > lost.at:
                    assert ran.cancelled is not None or ignores_limits(job)
                if ran.cancelled is not None:
                    assert ran.cancelled.at <= lost.at, f"{job.name} goes on"
            if job.name not in outcome.abandoned_jobs:
                assert ran.ended is not None
                assert tenure.released is not None
                assert ran.ended.number < tenure.released.number, job.name


def tenure_of(job: JobProbe, ran: Ran) -> Tenure | None:
    """Return the tenure in which *ran* began."""
    return next(
        (
            tenure
            for tenure in job.tenures
            if tenure.acquired.number < ran.began.number
            and (tenure.released is None or ran.began.number < tenure.released.number)
        ),
        None,
    )


def ignores_limits(job: JobProbe) -> bool:
    """Whether a run may ignore or swallow cancellations."""
    faults = {act.fault for act in (*job.job.runs, job.job.clean_up)}
    return bool({Fault.STUBBORN, Fault.SWALLOW} & faults)


def may_be_abandoned(job: JobProbe) -> bool:
    """Whether a job may need more than two cancellations to end."""
    lock = job.job.lock
    # Its clean-up may have used the first limit.
    is_slow = lock is not None and (
        lock.release.seconds or lock.release.fault is Fault.HANG
    )
    return bool(is_slow) or ignores_limits(job)


def may_be_late(job: JobProbe) -> bool:
    """Whether one cancellation may not be enough to end a job in time."""
    lock = job.job.lock
    acts = [job.job.clean_up, *([] if lock is None else [lock.release])]
    slow = any(act.seconds or act.fault is Fault.HANG for act in acts)
    return slow or ignores_limits(job)


def no_lock_is_left(outcome: Outcome) -> None:
    """Also an abandoned run leaves no lock; and it ends once it can."""
    assert outcome.ended is not None
    for job in outcome.jobs:
        assert job.name not in outcome.abandoned_jobs or may_be_abandoned(job)
        assert not job.is_open, f"{job.name} never ends"
        if job.name not in outcome.abandoned_jobs:
            assert job.name not in outcome.jobs_left
        for tenure in job.tenures:
            assert tenure.released is not None, f"{job.name} keeps its lock"
            if job.job.lock is not None and job.job.lock.release == Act():
                assert tenure.released.at <= outcome.ended.at, job.name


PROMISES = (
    runs_have_contexts_and_dependencies,
    runs_follow_as_declared,
    runs_hold_their_lock,
    no_lock_is_left,
)
