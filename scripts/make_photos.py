"""Makes the pictures of docs/guides/photos.md.

    python -m scripts.make_photos astronaut.png grace_hopper.jpg

Both photographs are in the public domain: the first (NASA) comes with scikit-image, the second
(US Navy) with Matplotlib. Also prints what putting back costs, in time and in pixels.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import facegen as fg
from facegen.images import resized
from facegen.measure.align import warp
from facegen.measure.segments import of_picture
from facegen.photos.align import AlignedFace, find_faces
from facegen.photos.intake import open_photo, read_photo
from facegen.photos.put_back import PutBack, put_back
from facegen.photos.save import encode_photo

OUT = Path(__file__).resolve().parent.parent / "docs" / "pictures"
TILE_PX, LABEL_PX, GAP_PX = 340, 24, 6
JPEG_QUALITY = 86
SEED, EDIT = 2007, {"smile": 2.0, "glasses": 3.0}
GRAIN_LEVELS = 7.0
OLDER_YEARS = 25
LARGE = (4000, 6000)
ROUNDS = 5


def main() -> None:
    """Write photos-align.jpg, photos-project.jpg and photos-paste.jpg, and print numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs=2, type=Path)
    paths = parser.parse_args().photos
    images = [open_photo(path).image for path in paths]
    found = [find_faces(image)[0] for image in images]
    tiles = []
    for path, image, face in zip(paths, images, found, strict=True):
        tiles += [
            (_outlined(image, face), f"{path.stem}: the face found"),
            (face.crop, f"crop, {face.eyes_px:.0f} px between the eyes"),
        ]
    left = np.ascontiguousarray(images[0][:, 185:])
    tiles.append((find_faces(left)[0].crop, "the photo ends at the left"))
    _save(tiles, OUT / "photos-align.jpg")
    project(images[0], found[0])

    retouched = _retouched(found[0].crop)
    by_hand = put_back(images[0], retouched, found[0].matrix)
    photo, face, redrawn, edited = _generated()
    by_network = put_back(photo, edited, face.matrix, reconstruction=redrawn)
    _save(
        [
            *_story(images[0], retouched, by_hand, "retouched by hand"),
            *_story(photo, edited, by_network, "edited by a network"),
        ],
        OUT / "photos-paste.jpg",
        columns=4,
    )
    for name, image, result in (("hand", images[0], by_hand), ("network", photo, by_network)):
        print(f"{name}: outside of the mask {_most_outside(image, result)} levels at most")
    _print_round_trip(photo, face)
    _print_times(photo)


def project(photo: np.ndarray, face: AlignedFace) -> None:
    """Write the photo, the face found for it, and the photo with that face older."""
    gen = fg.load()
    person = gen.project(photo)
    older = person.edit(age=person.readings["age"] + OLDER_YEARS, keep_rest=True)
    found, edited = gen.render(person), gen.render(older)
    back = put_back(photo, edited, face.matrix, reconstruction=found)
    tiles = [
        (photo, "the photo"),
        (found, "the face that was found"),
        (back.image, f"the photo with that face {OLDER_YEARS} years older"),
    ]
    _save(tiles, OUT / "photos-project.jpg", columns=len(tiles))


def _retouched(crop: np.ndarray) -> np.ndarray:
    """Lips redder and eyes green, as somebody would paint them."""
    shown = of_picture(crop)
    out = crop.astype(np.float32)
    for names, gains in ((("lips",), (1.05, 0.62, 0.72)), (("iris",), (0.6, 1.25, 0.75))):
        mask = cv2.GaussianBlur(resized(shown.mask(*names), len(crop)), (0, 0), 4)[..., None]
        out *= 1 + mask * (np.array(gains, np.float32) - 1)
    return out.round().clip(0, 255).astype(np.uint8)


def _generated() -> tuple[np.ndarray, AlignedFace, np.ndarray, np.ndarray]:
    """A photo of nobody, its face, and the crop as the network draws it before and after edits.

    The photo is the network's picture, larger, in warmer light and with grain.
    """
    gen = fg.load()
    before = gen.face(seed=SEED)
    pictures = [gen.render(one) for one in (before, before.move(**EDIT))]
    edge = 1640
    placed = np.diag([edge / 1024] * 2 + [1.0])
    placed[:2, 2] = 300, 200
    wide = cv2.copyMakeBorder(
        cv2.resize(pictures[0], (edge, edge), interpolation=cv2.INTER_CUBIC),
        200, 160, 300, 300, cv2.BORDER_REFLECT_101,
    ).astype(np.float32)  # fmt: skip
    soft = cv2.GaussianBlur(wide, (0, 0), 24)
    inside = np.zeros(wide.shape[:2], np.float32)
    inside[260 : 140 + edge, 360 : 240 + edge] = 1
    inside = cv2.GaussianBlur(inside, (0, 0), 20)[..., None]
    photo = inside * wide + (1 - inside) * soft
    photo *= np.array([1.06, 0.98, 0.86], np.float32)
    grain = np.random.RandomState(0).randn(*photo.shape).astype(np.float32)
    photo += GRAIN_LEVELS * cv2.GaussianBlur(grain, (0, 0), 0.7)
    photo = photo.round().clip(0, 255).astype(np.uint8)
    face = find_faces(photo)[0]
    to_crop = (np.vstack([face.matrix, [0, 0, 1]]) @ placed)[:2]
    redrawn, edited = (warp(one, to_crop, 1024, 1024) for one in pictures)
    return photo, face, redrawn, edited


def _story(
    photo: np.ndarray, edited: np.ndarray, result: PutBack, title: str
) -> list[tuple[np.ndarray, str]]:
    """The photo, the edited crop, the result, and where it differs from the photo."""
    mask = np.zeros(photo.shape[:2], np.uint8)
    left, top, right, bottom = result.box
    mask[top:bottom, left:right] = result.mask
    return [
        (photo, "photo"),
        (edited, f"crop, {title}"),
        (result.image, "put back"),
        (np.repeat(mask[..., None], 3, axis=2), "what was drawn anew"),
    ]


def _print_round_trip(photo: np.ndarray, face: AlignedFace) -> None:
    """What is lost where all of a crop is put back though nothing was edited."""
    same = put_back(photo, face.crop, face.matrix)
    print(f"unedited crop: {np.abs(same.image.astype(int) - photo).max()} levels at most")
    buffer = io.BytesIO()
    Image.fromarray(face.crop).save(buffer, "JPEG", quality=90)
    saved = read_photo(buffer.getvalue(), name="crop.jpg").image
    again = put_back(photo, saved, face.matrix)
    left, top, right, bottom = again.box
    inside = np.abs(again.image.astype(int) - photo)[top:bottom, left:right][again.mask > 0]
    print(f"saved as JPEG 90: mean {inside.mean():.2f}, max {inside.max()} levels inside")


def _print_times(photo: np.ndarray) -> None:
    """Seconds, and those of processors, for a photo of 24 megapixels, of which the crop takes 9."""
    scale = min(LARGE[0] / photo.shape[0], LARGE[1] / photo.shape[1])
    grown = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    large = np.full((*LARGE, 3), 128, np.uint8)
    large[: grown.shape[0], : grown.shape[1]] = grown
    data = _jpeg(large)
    face = find_faces(large)[0]
    edited = np.clip(1.15 * face.crop, 0, 255).astype(np.uint8)
    source = read_photo(data, name="large.jpg")
    steps = {
        "read": lambda: read_photo(data, name="large.jpg"),
        "find and align": lambda: find_faces(large),
        "put back": lambda: put_back(large, edited, face.matrix),
        "write JPEG": lambda: encode_photo(large, source, "JPEG"),
    }
    for name, step in steps.items():
        seconds, busy = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter(), time.process_time()
            step()
            seconds.append(time.perf_counter() - start[0])
            busy.append(time.process_time() - start[1])
        print(
            f"24 megapixels, {name}: {np.median(seconds):.2f} s, best {min(seconds):.2f}; "
            f"of processors {np.median(busy):.2f} s"
        )


def _most_outside(photo: np.ndarray, result: PutBack) -> int:
    apart = np.abs(result.image.astype(int) - photo)
    left, top, right, bottom = result.box
    apart[top:bottom, left:right][result.mask > 0] = 0
    return int(apart.max())


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _outlined(image: np.ndarray, face: AlignedFace) -> np.ndarray:
    """A photo with the square of a crop drawn on it."""
    back = cv2.invertAffineTransform(face.matrix)
    size = len(face.crop)
    corners = np.array([[0, 0], [0, size], [size, size], [size, 0]]) @ back[:, :2].T + back[:, 2]
    out = image.copy()
    width = max(2, len(image) // 150)
    cv2.polylines(out, [corners.round().astype(np.int32)], True, (255, 214, 10), width, cv2.LINE_AA)
    return out


def _save(tiles: list[tuple[np.ndarray, str]], path: Path, *, columns: int = 5) -> None:
    cell = TILE_PX + GAP_PX
    rows = -(-len(tiles) // columns)
    canvas = Image.new("RGB", (columns * cell, rows * (TILE_PX + LABEL_PX + GAP_PX)), "white")
    draw = ImageDraw.Draw(canvas)
    for place, (image, label) in enumerate(tiles):
        left, top = place % columns * cell, place // columns * (TILE_PX + LABEL_PX + GAP_PX)
        picture = Image.fromarray(image)
        picture.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
        draw.text((left + 2, top + 4), label, fill="black", font=ImageFont.load_default(14))
        canvas.paste(picture, (left, top + LABEL_PX))
    canvas.save(path, quality=JPEG_QUALITY)
    print(path)


if __name__ == "__main__":
    main()
