"""``mmspec walk CAPTURE``: a real machine's page tables against the specification, or one address through them."""

from __future__ import annotations

import time
from typing import Any

import click

from mmprops.traces.archive import open_capture
from mmprops.traces.pagetables import SHOWN, Comparison, Dump, Step, compare, read_dump, steps
from mmspec.errors import InputError
from mmspec.virtual.page_table.ops import KINDS
from mmspec_cli.output import finish, format_option, people, styled


@click.command()
@click.argument("capture")
@click.option("--va", "addresses", multiple=True, help="Show the walk of this address instead (0x...); may be repeated.")
@click.option("--kind", type=click.Choice(KINDS), default="read", show_default=True, help="With --va: what the access does.")
@click.option("--user", is_flag=True, help="With --va: walk in user mode.")
@format_option
def walk(capture: str, addresses: tuple[str, ...], kind: str, user: bool, form: str) -> None:
    """Walk a dump of page tables (a directory, or the prefix of its archive) and compare with what the machine answered."""
    began = time.monotonic()
    wanted = [address_of(text) for text in addresses]
    opened = open_capture(capture)
    dump = read_dump(opened)
    if wanted:
        shown = [(va, steps(dump, va, KINDS.index(kind), user)) for va in wanted]
        finish(form, "pass", dump.names | {"walks": [walk_json(va, found) for va, found in shown]}, walk_text(shown))
    with people.status("walking"):
        found = compare(opened, dump)
    verdict = verdict_of(found)
    finish(form, verdict, comparison_json(dump, found, time.monotonic() - began), comparison_text(dump, found, verdict))


def address_of(text: str) -> int:
    """Return an address of the command line (InputError: it is none)."""
    try:
        value = int(text, 16)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise InputError(f"--va {text} is no 64-bit address", hint="--va 0xffffffff81000000")
    return value


def verdict_of(found: Comparison) -> str:
    """Return the verdict; where the dump says of nothing what is right, nothing is known."""
    if found.differences:
        return "fail"
    return "pass" if found.leaves or found.queries or found.expected is not None else "unknown"


def comparison_json(dump: Dump, found: Comparison, seconds: float) -> dict[str, Any]:
    """Return a comparison with the fields of the interface, and how many leaves were reached and announced."""
    return dump.names | {
        "leaves": found.leaves,
        "leaves_equal": found.leaves_equal,
        "queries": found.queries,
        "queries_equal": found.queries_equal,
        "leaves_reached": found.counted,
        "leaves_announced": found.expected,
        "differences": list(found.differences[:SHOWN]),
        "seconds": round(seconds, 3),
    }


def comparison_text(dump: Dump, found: Comparison, verdict: str) -> list[str]:
    """Return a comparison as text."""
    about = f"{dump.names['arch']} {dump.names['mode']}: {found.counted} leaves reached"
    text = [f"{styled(verdict)} {about}; {found.leaves_equal} of {found.leaves} listed leaves equal, "
            f"{found.queries_equal} of {found.queries} queries"]  # fmt: skip
    if verdict == "unknown":
        text.append("  the dump does not say what is right: --va 0x... shows the walk of an address")
    text += [f"  {difference}" for difference in found.differences[:SHOWN]]
    more = len(found.differences) - SHOWN
    return [*text, f"  and {more} more"] if more > 0 else text


def walk_json(va: int, found: list[Step]) -> dict[str, Any]:
    """Return one address's walk."""
    entries = [{"level": s.level, "pa": hex(s.pa), "value": hex(s.entry)} for s in found[:-1]]
    return {"va": hex(va), "entries": entries, "result": found[-1].text}


def walk_text(shown: list[tuple[int, list[Step]]]) -> list[str]:
    """Return walks as text, an entry a line from the root on."""
    text = []
    for va, found in shown:
        text.append(f"{va:#x}")
        text += [f"  level {s.level:2}  {s.pa:#014x}  {s.entry:#018x}" for s in found[:-1]]
        text.append(f"  {found[-1].text}")
    return text
