"""Tries the world model's controller in the world: ``python assets/car/try_controller.py`` (needs ``gymnasium[box2d]``).

On tracks that neither V nor M nor C has seen, after a start of a second and a half by the driver of the recorded drives (the dreams
begin on the way, too), it drives for sixteen seconds; what it comes along the road is written to
``controller.json`` under the hash of the weights, the first drive to ``controller-drive.npz``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import GRASS_COSTS, REPEAT, SKIPPED, Track

import playground

NUM_TRACKS, LENGTH, FIRST_SEED = 16, 200, 4000
STARTED = SKIPPED + 8  # frames that somebody else drives


def drive(
    model: Any, seed: int, by_chance: np.random.Generator | None = None
) -> tuple[np.ndarray, float, float]:
    """Frames uint8 (T,64,64,3), units along the road a frame less what grass costs, and the share of frames on the road."""
    import gymnasium

    env: Any = gymnasium.make("CarRacing-v3", continuous=True).unwrapped
    env._render = lambda mode: None
    env.reset(seed=seed)
    track, state, h = Track(env), None, torch.zeros(1, model.config.memory)
    frames, gained, on_road = [], 0.0, 0
    for t in range(STARTED + LENGTH):
        car = env.car.hull
        seen = track.view(*car.position, car.angle)
        frames += [seen] * (t >= STARTED)
        z = model.encode(torch.from_numpy(seen.transpose(2, 0, 1)[None].copy()))[0]
        action = model.act(z, h)
        if t < STARTED:
            action = torch.from_numpy(track.followed(car, 30.0).astype(np.float32))[None]
        elif by_chance is not None:
            action = torch.tensor(
                [[by_chance.uniform(-1, 1), by_chance.uniform(), by_chance.uniform(0, 0.3)]],
                dtype=torch.float32,
            )
        _, state = model.remember(z[None], action[None], state)
        h = state[0][0]
        for _ in range(REPEAT):
            env.step(action[0].numpy())
        if t < STARTED:
            continue
        progress, is_on = track.progress(car)
        gained += progress if is_on else -GRASS_COSTS
        on_road += is_on
    return np.stack(frames), gained / LENGTH, on_road / LENGTH


@torch.no_grad()
def main() -> None:
    """Try it, and as a peer somebody who steers by chance."""
    here, model = Path(__file__).parent, playground.load("worldmodel-car")
    torch.set_num_threads(1)
    drives = [drive(model, FIRST_SEED + i) for i in range(NUM_TRACKS)]
    chance = [drive(model, FIRST_SEED + i, np.random.default_rng(i))[1] for i in range(NUM_TRACKS)]
    gains = np.array([d[1] for d in drives])
    found = {
        "world": float(gains.mean()),
        "world_error": float(gains.std(ddof=1) / math.sqrt(NUM_TRACKS)),
        "world_on_road": float(np.mean([d[2] for d in drives])),
        "by_chance": float(np.mean(chance)),
        "num_tracks": NUM_TRACKS,
    }
    (here / "controller.json").write_text(json.dumps({model.weights_hash: found}, indent=1) + "\n")
    np.savez_compressed(here / "controller-drive.npz", frames=drives[0][0])
    print(found)


if __name__ == "__main__":
    main()
