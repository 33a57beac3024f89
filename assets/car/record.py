"""Records drives of Gymnasium's CarRacing for the world model: ``python assets/car/record.py FOLDER`` (needs ``gymnasium[box2d]``).

The physics is CarRacing's, four steps a frame; the picture is our own: the track drawn once as a map, of which each frame
shows 48 x 48 units, turned with the car, which stands three quarters down.  A driver follows the middle of the road, and is
disturbed by noise of several strengths, so that there is grass to be seen, and the way back from it.

``train.npz`` and ``validation.npz`` go into FOLDER (``PLAYGROUND_DATA``, or the cache); ``test-drives.npz`` stays here.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from playground.data.car import SIDE, UNITS

REPEAT = 4  # physical steps, of 1/50 s each, for a frame
GRASS_COSTS = 2.5  # units a frame, as in the dreams that the controller learned in
SKIPPED = 12  # frames: the car starts from rest
PER_UNIT = 4  # pixels of the map
GRASS, PATCH, ROAD, CAR, GLASS = (102, 204, 102), (92, 184, 92), (102, 102, 106), (204, 30, 30), (40, 40, 60)
CURB = ((255, 255, 255), (255, 60, 60))
NOISES = (0.3, 0.8, 1.5)
SEEDS = {"train": range(1000, 1132), "validation": range(2000, 2006), "test": range(3000, 3006)}
LENGTHS = {"train": 240, "validation": 240, "test": 100}


class Track:
    """One track: its map, and where its middle runs."""

    def __init__(self, env: Any) -> None:
        from gymnasium.envs.box2d import car_racing

        self.range = car_racing.PLAYFIELD * 1.1
        side = int(2 * self.range * PER_UNIT)
        sheet = Image.new("RGB", (side, side), GRASS)
        pen = ImageDraw.Draw(sheet)
        step = car_racing.GRASS_DIM / 2
        for i in range(int(2 * self.range / step)):
            for j in range(i % 2, int(2 * self.range / step), 2):
                pen.rectangle([i * step * PER_UNIT, j * step * PER_UNIT, (i + 1) * step * PER_UNIT, (j + 1) * step * PER_UNIT], fill=PATCH)  # fmt: skip
        for poly, colour in env.road_poly:
            is_curb = len(set(np.asarray(colour).tolist())) > 1 or float(np.max(colour)) > 200
            fill = ROAD if not is_curb else CURB[0] if min(colour) > 200 else CURB[1]
            pen.polygon([self.place(x, y) for x, y in poly], fill=fill)
        self.map = sheet
        self.middle = np.array([[x, y] for _, _, x, y in env.track])
        self.half_width = car_racing.TRACK_WIDTH

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the world on the map."""
        return (x + self.range) * PER_UNIT, (self.range - y) * PER_UNIT

    def view(self, x: float, y: float, angle: float) -> np.ndarray:
        """What is seen from the car, uint8 (SIDE,SIDE,3)."""
        scale = UNITS / SIDE * PER_UNIT  # pixels of the map for one of the picture
        cos, sin = math.cos(angle), math.sin(angle)
        px, py = self.place(x, y)
        # right and down of the picture on the map: the car looks up
        right, down = (cos * scale, -sin * scale), (sin * scale, cos * scale)
        cx, cy = SIDE / 2, SIDE * 0.75
        a, b = right[0], down[0]
        d, e = right[1], down[1]
        c, f = px - a * cx - b * cy, py - d * cx - e * cy
        seen = self.map.transform(
            (SIDE, SIDE), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
        )
        pen = ImageDraw.Draw(seen)
        pen.rectangle([cx - 1.5, cy - 3, cx + 1.5, cy + 3], fill=CAR)
        pen.rectangle([cx - 1, cy - 1, cx + 1, cy], fill=GLASS)
        return np.asarray(seen)

    def distances(self, x: float, y: float) -> np.ndarray:
        """From a point to each of the middle's, in units."""
        return np.hypot(*(self.middle - [x, y]).T)

    def followed(
        self, hull: Any, speed_wanted: float, wander: float = 0.0, jitter: float = 0.0
    ) -> np.ndarray:
        """Wheel, gas and brake of a driver who follows the middle of the road."""
        x, y = hull.position
        near = int(self.distances(x, y).argmin())
        ahead = self.middle[(near + 4) % len(self.middle)] - [x, y]
        off = (math.atan2(-ahead[0], ahead[1]) - hull.angle + math.pi) % (2 * math.pi) - math.pi
        speed = math.hypot(*hull.linearVelocity)
        wheel = np.clip(-1.4 * off + 0.12 * hull.angularVelocity + wander, -1, 1)
        gas = np.clip((speed_wanted - speed) / 15 + jitter, 0, 1) * 0.6
        return np.array([wheel, gas, np.clip((speed - speed_wanted - 8) / 30, 0, 0.8)])

    def progress(self, hull: Any) -> tuple[float, bool]:
        """How far along the road a car comes in a frame, in units, and whether it is on the road."""
        distance = self.distances(*hull.position)
        now = int(distance.argmin())
        along = self.middle[(now + 1) % len(self.middle)] - self.middle[now - 1]
        speed = float(np.dot(hull.linearVelocity, along / np.hypot(*along)))
        return speed * REPEAT / 50, bool(distance.min() < self.half_width)


def drive(seed: int, noise: float, length: int) -> dict[str, np.ndarray]:
    """One drive: frames uint8 (T,SIDE,SIDE,3), actions float32 (T,3) that lead to each, progress float32 (T,), on_road (T,)."""
    import gymnasium

    env: Any = gymnasium.make("CarRacing-v3", continuous=True).unwrapped
    env._render = lambda mode: None
    env.reset(seed=seed)
    track, rng = Track(env), np.random.default_rng(seed)
    frames, actions, progress, on_road = [], [], [], []
    wander, speed_wanted = 0.0, rng.uniform(20, 45)
    for t in range(length + SKIPPED):
        car = env.car.hull
        wander = 0.85 * wander + noise * 0.3 * rng.normal()
        if rng.random() < 0.02:
            speed_wanted = rng.uniform(12, 50)
        action = track.followed(car, speed_wanted, wander, 0.2 * rng.normal())
        for _ in range(REPEAT):
            env.step(action)
        x, y = car.position
        gained, is_on = track.progress(car)
        if t >= SKIPPED:
            frames.append(track.view(x, y, car.angle))
            actions.append(action)
            progress.append(gained if is_on else 0.0)
            on_road.append(is_on)
        if max(abs(x), abs(y)) > track.range * 0.9:
            break
    return {
        "frames": np.stack(frames),
        "actions": np.array(actions, np.float32),
        "progress": np.array(progress, np.float32),
        "on_road": np.array(on_road),
    }


def main(folder: Path) -> None:
    """Record every split."""
    for split, seeds in SEEDS.items():
        drives = [drive(seed, NOISES[i % 3], LENGTHS[split]) for i, seed in enumerate(seeds)]
        drives = [d for d in drives if len(d["frames"]) == LENGTHS[split]]
        kept = {name: np.stack([d[name] for d in drives]) for name in drives[0]}
        where = Path(__file__).parent / "test-drives.npz" if split == "test" else folder / f"car-{split}.npz"
        np.savez_compressed(where, **kept)
        print(
            split,
            kept["frames"].shape,
            f"on the road {kept['on_road'].mean():.2f}",
            where,
            where.stat().st_size,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
