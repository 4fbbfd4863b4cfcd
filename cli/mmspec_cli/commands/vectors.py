"""``mmspec vectors MACHINE``: programs with the answers that are right, for those who replay them without Python."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from mmprops.machines import machine_named
from mmprops.vectors import compare, generate, read_folder, write
from mmspec_cli.output import finish, format_option, people, styled


@click.command()
@click.argument("machine")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the files into this folder.")
@click.option("--check", type=click.Path(path_type=Path, file_okay=False), help="Compare the files in this folder bit for bit.")
@format_option
def vectors(machine: str, out: Path | None, check: Path | None, form: str) -> None:
    """Make a machine's vectors; without --out and --check say how many there are."""
    which = machine_named(machine)
    found = None if check is None else read_folder(check)
    with people.status(f"vectors of {escape(machine)}"):
        files = generate(which)
    differing = [] if found is None else compare(found, files)
    if out is not None:
        write(out, files)
    verdict = "fail" if differing else "pass"
    count = sum(map(len, files.values()))
    fields = {"files": len(files), "vectors": count, "differing": len(differing)}
    text = [
        f"{file:20}{len(of_file):5} vectors, {sum(len(v.expected) for v in of_file)} steps" for file, of_file in files.items()
    ]
    if out is not None:
        text.append(f"written to {escape(str(out))}")
    if check is not None:
        text += [f"  differs: {name}" for name in differing]
        text.append(f"{styled(verdict)} {len(differing)} of {count} vectors differ from {escape(str(check))}")
    finish(form, verdict, fields, text)
