"""``mmspec verify``: the main job. Everything that can be checked here in a few minutes, with a line for each step."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import click
from rich.markup import escape

from mmprops.clients.registry import BUILT_IN
from mmprops.conform import judge_session, open_session, own_session
from mmprops.examples.build import TOOLCHAINS, build, examples
from mmprops.machine import ENGINES, Machine
from mmprops.machines import LEVELS, MACHINES
from mmspec.profile import Profile
from mmspec_cli import packaged
from mmspec_cli.assurance import assurance, summary
from mmspec_cli.output import finish, format_option, people, styled, worst
from mmspec_cli.report.assemble import OUT, write
from mmspec_cli.report.gather import gather


@attrs.frozen
class Step:
    """One step: its name, what it needs that is not here (None: nothing), and what it does: a verdict and a sentence."""

    name: str
    needs: str | None
    run: Callable[[], tuple[str, str]]


@click.command()
@format_option
def verify(form: str) -> None:
    """Check every machine, prove what is not proved yet, replay the packaged capture, run the clients that are here, report."""
    done: list[dict[str, Any]] = []
    for step in chain(steps(), [Step("report", None, partial(reported, done))]):
        began = time.monotonic()
        with people.status(step.name):
            verdict, sentence = step.run() if step.needs is None else ("skipped", f"needs {step.needs}")
        seconds = time.monotonic() - began
        padding = " " * (8 - len(verdict))
        people.print(f"{styled(verdict)}{padding}{step.name:32}{seconds:6.1f} s  {escape(sentence)}", soft_wrap=True)
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
            yield Step(f"check {machine.name} {profile.value}", None, partial(checked, machine, profile))
    yield Step("prove", None, proved)
    for level, engine in product(LEVELS, ENGINES):
        yield Step(f"replay packaged {level} {engine}", None, partial(replayed, level, engine))
    for machine in MACHINES:
        for language in examples(machine.name):
            program = TOOLCHAINS[language].program
            needs = None if shutil.which(program) else program
            yield Step(f"conform {machine.name} example {language}", needs, partial(conformed_example, machine, language))
        for name, client in BUILT_IN.items():
            if client.machine == machine.name:
                yield Step(f"conform {machine.name} {name}", client.missing(), partial(conformed, machine, name))
    yield Step("assurance", None, assured)


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


def assured() -> tuple[str, str]:
    """Say how many clauses rest on what."""
    found = assurance(MACHINES)
    return found.verdict, summary(found)


def replayed(level: str, engine: str) -> tuple[str, str]:
    """Replay the packaged capture, and check its snapshots."""
    followed = packaged.followed(level, engine)
    verdict = worst([row.verdict for row in packaged.snapshots()] + [followed.verdict])
    foretold = followed.prediction
    lists = "sets of free blocks" if foretold is None else "ordered free lists"
    compared = f"{followed.lists_equal} of {len(followed.comparisons)} {lists} equal those in its RAM"
    told = "" if foretold is None else f"{foretold.predicted} of {followed.allocations} allocations predicted; "
    return verdict, f"{followed.steps} operations of a real kernel; {told}{compared}"


def reported(done: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Write all that is known, and what the steps so far came to, as one page."""
    write(gather(steps=done), OUT)
    return "pass", f"{OUT}: open it in a browser"


def conformed_example(machine: Machine, language: str) -> tuple[str, str]:
    """Build an example client and hold it against the law."""
    with TemporaryDirectory(prefix="mmspec-") as folder:
        return conformed(machine, build(machine.name, language, Path(folder)))


def conformed(machine: Machine, client: str) -> tuple[str, str]:
    """Hold a client against the law."""
    session = open_session(machine, client, Profile.ANY, 5.0)
    try:
        run = judge_session(machine, session, Profile.ANY, ops=20_000, seed=0)
    finally:
        session.close()
    return run.verdict, f"{run.ops} operations of {run.client}"
