"""Draw the picture and the table of docs/architecture.md: `python -m scripts.draw_architecture`.

Both follow from `LEVELS` in tests/test_layering.py and from the imports in the source, so they
cannot say anything else than the test does; tests/test_docs.py compares them with what is written.
What lives in each room is said here.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from test_layering import LEVELS, PACKAGE, imports_of, room_of  # noqa: E402

PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "architecture.svg"
BEGIN, END = "<!-- rooms: begin -->", "<!-- rooms: end -->"

ROOMS = {
    "ui": ("the app in the browser", "Streamlit: `pages/`, `components/` (with their CSS and "
           "JavaScript), what one browser session remembers"),
    "cli": ("the terminal", "click commands; only `cli` and `ui` print"),
    "service": ("behind the app", "one network for all visitors: queue, caches, loading, measuring "
                "at rest, sweeps in the background"),
    "easy": ("the front of the package", "`load`, faces that edit themselves, sweeps in one line"),
    "datasets": ("many people", "a resumable folder of pictures; local processes or Ray"),
    "sweeps": ("many pictures of a face", "the grid of poses and expressions, its pictures, sheets "
               "and films"),
    "session": ("what a visitor edits", "edit states, undo and redo, readouts, presets, as values "
                "without Streamlit"),
    "pose": ("turning and expressions", "head pose, expressions, gaze; planning what is done in "
             "the picture"),
    "invert": ("photograph to latent", "the encoder's guess at a photograph's latent, "
               "corrected by looking at the result, and refining it on the picture"),
    "explore": ("finding and choosing", "people by words: a sentence as conditions, screening "
                "many latents, confirming on the picture; averages, children, similar people"),
    "local": ("a part of the picture", "where each dial acts (masks from landmarks and segments), "
              "and edits that keep the rest"),
    "evaluation": ("judging the dials", "tests on faces that learning did not use; writes "
                   "`docs/results/`"),
    "editing": ("dials, targets, locks", "reading and moving dials, targets and locks, correction "
                "on the picture"),
    "optimise": ("gradient descent", "losses over rows of a latent: bringing a turned face back to "
                 "the person"),
    "learning": ("learning the dials", "samples, labels, regressors, calibration; nothing here "
                 "runs while a face is edited"),
    "directions": ("what dials need", "direction files, regressor, solver, a user's own dials"),
    "retouch": ("pixels", "eyes, warps and motions done in a finished picture; `apply.py` makes "
                "the picture of a request"),
    "library": ("people that are kept", "one's own people in an SQLite file: names, tags, search, "
                "history as a tree, folders of face files"),
    "photos": ("photographs", "reading what cameras and phones write, aligning every face, putting "
               "an edited one back"),
    "face": ("a face and its file", "`Face`: latent, operations, origin; PNG and npz"),
    "measure": ("picture to numbers", "`Measurer`: landmarks, pose, shape, classifiers, "
                "descriptor"),
    "bench": ("timing", "all engines side by side; lower bounds from the sizes"),
    "generator": ("seed to picture", "z → w → w_plus → picture, with the fastest engine there is"),
    "networks": ("file to networks", "the networks of a model, whatever its architecture"),
    "weights": ("model files", "registry, download, checks, imported models"),
    "engines": ("ways to run a network", "OpenVINO, PyTorch, CUDA, and falling back"),
    "formats": ("foreign files as data", "pickles, checkpoints, latents; nothing is executed"),
    "render_request": ("what a picture depends on", "`RenderRequest`, the key of every cache"),
    "operation_records": ("records of operations", "JSON values, checked when they are read"),
    "operations": ("what was done to a face", "dial moves, pose, expression, and changes in the "
                   "picture, as named values"),
    "latents": ("seeds, w, w_plus", "shapes, truncation, latent spaces"),
    "images": ("pixels and PNG", "decoding with limits, metadata, marking as synthetic"),
    "nets": ("PyTorch modules", "the networks and their OpenVINO graphs; no files"),
    "clothing": ("what somebody is to wear", "another's clothes or a colour: as value and as text"),
    "operation_texts": ("what operations did, as lines for people", "one line each"),
    "backdrops": ("what is behind somebody", "blur, colour, another's, none: as value and as text"),
    "controls": ("the table of dials", "names, labels, units, groups"),
    "paths": ("where files are", "the program's data and the user's"),
    "checks": ("arrays", "shapes and finite numbers"),
    "files": ("safe writing", "named after people; whole or not at all"),
    "cache": ("one bounded cache", "least recently used is dropped"),
    "records": ("JSON from files", "typed records that check what they read"),
    "masks": ("where a picture may change", "masks of 256 x 256 cells, for every size"),
    "threads": ("thread counts", "what must not depend on the number of threads"),
    "errors": ("errors", "one tree; every message is a sentence"),
    "version": ("version", "the version number"),
    "protocols": ("protocols", "`Maps`, `Renders`, `Measures`, `Progress`"),
}  # fmt: skip
"""Room -> (a few words for the picture, what lives there)."""
EVERYBODY = {name for name, level in LEVELS.items() if level <= 1}
"""Rooms that any other may import; the table does not repeat them."""

BOX_WIDTH, BOX_HEIGHT, GAP, LEFT = 196, 46, 10, 44
WIDTH = LEFT + 5 * (BOX_WIDTH + GAP)
COLOURS = ((14, "#dbeafe"), (10, "#dcfce7"), (7, "#fef9c3"), (3, "#ffedd5"), (0, "#f1f5f9"))
"""From this level on, this colour."""


def rooms_by_level() -> list[tuple[int, list[str]]]:
    """Levels from the highest down, each with its rooms."""
    levels = defaultdict(list)
    for room, level in LEVELS.items():
        if room not in ROOMS:
            raise SystemExit(
                f"{room} is a new room: say in {Path(__file__).name} what lives there."
            )
        levels[level].append(room)
    return sorted(levels.items(), reverse=True)


def imports_by_room() -> dict[str, set[str]]:
    """The rooms that the files of each room import at run time."""
    found: dict[str, set[str]] = {room: set() for room in LEVELS}
    for path in sorted(PACKAGE.rglob("*.py")):
        if (room := room_of(path)) in found:
            parts = [module.split(".") for module in imports_of(path)]
            found[room] |= {
                p[1] for p in parts if p[0] == "facegen" and len(p) > 1 and p[1] in LEVELS
            }
    return {room: others - {room} for room, others in found.items()}


def table() -> str:
    """Room, what lives there, what it imports."""
    imports = imports_by_room()
    lines = ["| level | room | what lives there | imports |", "| ---: | --- | --- | --- |"]
    for level, rooms in rooms_by_level():
        for room in rooms:
            ending = "/" if (PACKAGE / room).is_dir() else ".py"
            others = sorted(imports[room] - EVERYBODY, key=lambda name: (-LEVELS[name], name))
            lines.append(
                f"| {level} | [`{room}{ending}`](../facegen/{room}{ending.strip('/')}) | "
                f"{ROOMS[room][1]} | {', '.join(others) or '–'} |"
            )
    return "\n".join(lines)


def picture() -> str:
    """The rooms as boxes, levels stacked, as SVG."""
    boxes: list[str] = []
    y = GAP
    for level, rooms in rooms_by_level():
        colour = next(colour for start, colour in COLOURS if level >= start)
        boxes.append(f'<text x="12" y="{y + 28}" class="level">{level}</text>')
        for place, room in enumerate(rooms):
            row, column = divmod(place, 5)
            x, top = LEFT + column * (BOX_WIDTH + GAP), y + row * (BOX_HEIGHT + 4)
            boxes += [
                f'<rect x="{x}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" '
                f'fill="{colour}" stroke="#94a3b8"/>',
                f'<text x="{x + 10}" y="{top + 19}" class="room">{room}</text>',
                f'<text x="{x + 10}" y="{top + 36}" class="what">{ROOMS[room][0]}</text>',
            ]
        y += -(-len(rooms) // 5) * (BOX_HEIGHT + 4) + 6
    style = (
        "text{font-family:system-ui,sans-serif;fill:#0f172a}.room{font-weight:600;font-size:14px}"
        ".what{font-size:12px}.level{font-size:13px;fill:#64748b}"
    )
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
         'aria-label="The rooms of the package in levels">',
         f"<style>{style}</style>",
         f'<rect width="{WIDTH}" height="{y}" fill="white"/>', *boxes, "</svg>", ""]
    )  # fmt: skip


def page() -> str:
    """docs/architecture.md with a fresh table."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    """Write both."""
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    print(PICTURE, PAGE, sep="\n")


if __name__ == "__main__":
    main()
