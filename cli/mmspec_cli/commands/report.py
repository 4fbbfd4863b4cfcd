"""``mmspec report``: all that is known, as one HTML page that needs no network."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from mmspec_cli.output import finish, format_option, people
from mmspec_cli.report.assemble import OUT, write
from mmspec_cli.report.gather import gather


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True, help="The page to write.")
@click.option("--bench", type=click.Path(path_type=Path), help="What `mmspec bench --out FILE` wrote.")
@click.option("--failures", type=click.Path(path_type=Path), help="A folder of failure files [default: mmspec-failures].")
@format_option
def report(out: Path, bench: Path | None, failures: Path | None, form: str) -> None:
    """Write one page of what is proved, what is only tested, on which real systems it was seen to hold, and what failed."""
    with people.status("gathering") as status:
        write(gather(bench, failures, progress=lambda section: status.update(f"gathering: {section}")), out)
    finish(form, "pass", {"path": str(out)}, [escape(f"{out}: open it in a browser; it needs no network")])
