"""What making an avatar costs: CPU for each kind of photo, and the most memory one takes.

Memory is the peak of a process of its own that makes one avatar, above what it held before:
decoders keep their memory where Python does not see it.

    python bench/photos.py KIND      prints what one avatar took, in MB
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from jackfield.flows.avatars import NotAnAvatar, make_avatar

TIMES = 30


@dataclass
class Cost:
    """What one kind of photo costs."""

    what: str
    cpu_ms: float
    peak_mb: float
    photo_mb: float


def _noise(width: int, height: int) -> Image.Image:
    """Something like a photo: soft, in colours."""
    parts = [Image.effect_noise((width // 8 or 1, height // 8 or 1), 80) for _ in range(3)]
    return Image.merge("RGB", parts).resize((width, height), Image.Resampling.BICUBIC)


def _saved(picture: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


KINDS: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "usual": (
        "360 x 360 JPEG, as Graph keeps it",
        lambda: _saved(_noise(360, 360), "JPEG"),
    ),
    "phone": ("12 million pixels, JPEG", lambda: _saved(_noise(4000, 3000), "JPEG", quality=80)),
    "progressive": (
        "40 million pixels, progressive JPEG",
        lambda: _saved(_noise(7300, 5400), "JPEG", quality=40, progressive=True),
    ),
    "png": (
        "16 million pixels, PNG with transparency",
        lambda: _saved(Image.new("RGBA", (4600, 3450), (10, 90, 200, 130)), "PNG"),
    ),
    "gif": ("16 million pixels, GIF", lambda: _saved(Image.new("P", (4600, 3450), 3), "GIF")),
}


def measure() -> list[Cost]:
    """Every kind."""
    costs = []
    for kind, (what, drawn) in KINDS.items():
        photo = drawn()
        times = TIMES if len(photo) < 100_000 and kind == "usual" else 2
        begun = time.process_time()
        for _ in range(times):
            with suppress(NotAnAvatar):
                make_avatar(photo)
        cpu_ms = (time.process_time() - begun) / times * 1e3
        told = subprocess.run(
            [sys.executable, __file__, kind], input=photo, check=True, capture_output=True
        )
        costs.append(Cost(what, cpu_ms, float(told.stdout), len(photo) / 1e6))
    return costs


def _peak_mb() -> float:
    """Of this process alone; `getrusage` would tell the parent's, where that was larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    content = sys.stdin.buffer.read()
    make_avatar(_saved(_noise(360, 360), "JPEG"))
    before = _peak_mb()
    with suppress(NotAnAvatar):
        make_avatar(content)
    print(_peak_mb() - before)
