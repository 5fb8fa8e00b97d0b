"""What several commands need: options, seed ranges, progress, JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from facegen.errors import UsageError
from facegen.images import PICTURE_SIZES
from facegen.latents import DEFAULT_MODEL, MAX_SEED
from facegen.paths import IN_CHECKOUT

if TYPE_CHECKING:
    from facegen.face import Face
    from facegen.generator import Generator

MAX_SEEDS = 1_000_000
MOST_STEPS = 40
"""As `facegen.optimise.identity.MOST_STEPS`, which takes PyTorch to import."""
WIDEST_TABLE = 10_000  # characters, of tables that programs read

model_option = click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="Registered model; see `models list`.",
)
engine_option = click.option(
    "--engine", default="auto", show_default=True, help="How to run it; see `bench`."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
folder_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the pictures; made if need be.",
)
picture_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The picture to write: .png, .jpg or .webp, each with the face inside.",
)
size_option = click.option(
    "--size",
    type=click.Choice([str(size) for size in PICTURE_SIZES]),
    callback=lambda context, option, value: value and int(value),
    help="Edge of the pictures, pixels. [their own]",
)
npz_option = click.option("--npz", is_flag=True, help="Also write the latent as .npz.")
lock_option = click.option(
    "--lock",
    "locks",
    multiple=True,
    metavar="DIAL",
    help="Keep a dial's reading, or the identity. Repeatable.",
)
hold_person_option = click.option(
    "--hold-person",
    "person_steps",
    type=click.IntRange(0, MOST_STEPS),
    default=0,
    show_default=True,
    metavar="STEPS",
    help="Bring each turned picture back to the person: 5 is good, and about thirty times "
    "slower on a CPU.",
)
yes_option = click.option(
    "--yes", is_flag=True, help="Do not ask before making very many pictures."
)


class SeedRange(click.ParamType):
    """'0-7' or '1,2,5-10': a list of seeds.

    >>> SeedRange().convert("1,2,5-7", None, None)
    [1, 2, 5, 6, 7]
    """

    name = "seeds"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int]:
        """Parse; a wrong text is a usage error."""
        if isinstance(value, list):
            return value
        seeds: list[int] = []
        for part in str(value).split(","):
            match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
            if not match:
                self.fail(f"'{part}' is not a seed or a range; write 0-7 or 1,2,5-10.", param, ctx)
            first = int(match[1])
            last = int(match[2] or first)
            if last < first or last > MAX_SEED:
                self.fail(f"'{part}' must rise and stay below {MAX_SEED + 1}.", param, ctx)
            if len(seeds) + last - first >= MAX_SEEDS:
                self.fail(f"That is more than {MAX_SEEDS} seeds.", param, ctx)
            seeds.extend(range(first, last + 1))
        return seeds


def open_face(path: Path) -> Face:
    """The face in a file somebody named.

    Raises:
        BadFileError: it is missing, damaged, or of another kind; then says where that belongs.
    """
    from facegen.face import Face
    from facegen.formats.sniff import FACES, Kind, require_kind

    require_kind(path, path.name, FACES | {Kind.PHOTOGRAPH}, wanted="a face")
    return Face.load(path)


def load_generator(model: str, *, engine: str = "auto") -> Generator:
    """Load a model, with a progress bar on stderr if it has to be fetched first."""
    from facegen.generator import Generator  # PyTorch: seconds that `show` should not cost

    with count_progress(f"Fetching {model}") as progress:
        return Generator.load(model, engine=engine, progress=progress)


def needs_checkout(command: str) -> None:
    """Refuse a command that rewrites the program's own files where it is installed.

    Raises:
        UsageError: this is no checkout.
    """
    if not IN_CHECKOUT:
        raise UsageError(
            f"`{command}` rewrites files of the program itself; run it in a checkout of facegen."
        )


@contextmanager
def count_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, fed with (done, in all); appears with the first call.

    Where stderr is no terminal, the label alone is written, once.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    bar = Progress(
        *columns, console=console, disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # results that go elsewhere stay out of it
    )  # fmt: skip
    task: Any = None

    def progress(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bar.add_task(label, total=total)
            bar.start()
            if bar.disable:
                click.echo(label, err=True)
        bar.update(task, completed=max(done, bar.tasks[task].completed), total=total)

    try:
        yield progress
    finally:
        bar.stop()


def print_json(value: object) -> None:
    """JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(rows: list[dict[str, object]], *, columns: list[str] | None = None) -> None:
    """A report to stdout, aligned; numbers to the right. Never cut where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    columns = columns or list(rows[0])
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDEST_TABLE)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        is_number = all(isinstance(row.get(name), int | float | None) for row in rows)
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(Text(name), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in columns))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return (
        f"{value:.3g}"
        if isinstance(value, float) and abs(value) < 100
        else (f"{value:.0f}" if isinstance(value, float) else str(value))
    )
