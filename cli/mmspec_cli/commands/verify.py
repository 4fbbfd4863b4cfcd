"""``mmspec verify``: the main job. Everything that can be checked here in a few minutes, with a line for each step."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import click
from rich.markup import escape

from mmprops.clients.kernel_buddy import missing
from mmprops.conform import judge_session, open_session, own_session
from mmprops.examples.build import TOOLCHAINS, build
from mmprops.machine import Machine
from mmprops.machines import MACHINES
from mmprops.traces.archive import open_capture, packaged_capture
from mmprops.traces.blocks import BlockStream
from mmprops.traces.checks import snapshot_checks
from mmprops.traces.replay import replay as follow
from mmspec.profile import Profile
from mmspec_cli.output import finish, format_option, people, styled, worst


@attrs.frozen
class Step:
    """One step: its name, what it needs that is not here (None: nothing), and what it does: a verdict and a sentence."""

    name: str
    needs: str | None
    run: Callable[[], tuple[str, str]]


@click.command()
@format_option
def verify(form: str) -> None:
    """Check every machine, replay the packaged capture, and run the example clients that can be built here."""
    done = []
    for step in steps():
        began = time.monotonic()
        with people.status(step.name):
            verdict, sentence = step.run() if step.needs is None else ("skipped", f"needs {step.needs}")
        seconds = time.monotonic() - began
        people.print(f"{styled(verdict):24} {step.name:28} {seconds:6.1f} s  {sentence}")
        done.append(
            {"name": step.name, "verdict": verdict, "seconds": round(seconds, 3), "needs": step.needs, "detail": sentence}
        )
    verdict = worst(str(step["verdict"]) for step in done if step["verdict"] != "skipped")
    skipped = [str(step["name"]) for step in done if step["verdict"] == "skipped"]
    text = [f"{styled(verdict)} {len(done) - len(skipped)} steps" + (f"; skipped: {', '.join(skipped)}" if skipped else "")]
    finish(form, verdict, {"steps": done}, text)


def steps() -> Iterator[Step]:
    """Yield the steps, the quickest to tell something first."""
    for machine in MACHINES:
        for profile in (Profile.KERNEL_6_12, Profile.KERNEL_6_1):
            yield Step(f"check {machine.name} {profile.value}", None, lambda m=machine, p=profile: checked(m, p))  # type: ignore[misc]
    yield Step("prove", None, proved)
    for engine in ("spec", "impl"):
        yield Step(f"replay packaged {engine}", None, lambda e=engine: replayed(e))  # type: ignore[misc]
    for language, tool in TOOLCHAINS.items():
        needs = None if shutil.which(tool.program) else tool.program
        yield Step(f"conform example {language}", needs, lambda language=language: conformed(language))  # type: ignore[misc]
    yield Step("conform gpu-buddy", missing(), lambda: conformed_to("gpu-buddy"))


def checked(machine: Machine, profile: Profile) -> tuple[str, str]:
    """Hold the implementation against the law."""
    run = judge_session(machine, own_session(machine, "impl", profile), profile, ops=20_000, seed=0)
    broken = f"; {run.violation.broken.clause}: {run.violation.broken.explanation}" if run.violation else ""
    return run.verdict, f"{run.ops} operations, {len(run.clauses_reached)} of {run.clauses_total} clauses reached{broken}"


def proved() -> tuple[str, str]:
    """Read from the ledger what is proved about the text as it is, and prove what is not in it."""
    from mmproofs.solve import prove

    report = prove(())
    cached = sum(record.cached for record in report.obligations)
    return report.verdict, f"{len(report.obligations)} obligations, {cached} of them by the ledger"


def replayed(engine: str) -> tuple[str, str]:
    """Replay the packaged capture, and check its snapshots."""
    capture = open_capture(packaged_capture())
    rows = snapshot_checks(capture)
    stream = BlockStream(capture)
    followed = follow(stream, MACHINES[0].replay[engine](stream))
    verdict = worst([row.verdict for row in rows] + [followed.verdict])
    compared = f"{followed.lists_equal} of {len(followed.comparisons)} sets of free blocks equal those in its RAM"
    return verdict, f"{followed.steps} operations of a real kernel; {compared}"


def conformed(language: str) -> tuple[str, str]:
    """Build an example client and hold it against the law."""
    with TemporaryDirectory(prefix="mmspec-") as folder:
        return conformed_to(build(MACHINES[0].name, language, Path(folder)))


def conformed_to(client: str) -> tuple[str, str]:
    """Hold a client against the law."""
    session = open_session(MACHINES[0], client, Profile.ANY, 5.0)
    try:
        run = judge_session(MACHINES[0], session, Profile.ANY, ops=20_000, seed=0)
    finally:
        session.close()
    return run.verdict, f"{run.ops} operations of {escape(run.client)}"
