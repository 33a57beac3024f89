"""Runs that the user has begun: what each was begun as, how far it is, and where what comes of it is put.  No torch.

A run's folder keeps its pictures, so that it goes on even if the folder they came from has gone.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from playground import checkpoints, paths
from playground.data import own_pictures
from playground.data.own_pictures import Collection

# recipe -> what it is called
TITLES = {
    "vae-own": "Variational autoencoder",
    "gan-own": "GAN",
    "ddpm-own": "Diffusion",
    "pixelcnn-own": "PixelCNN",
}
GREY_ONLY = frozenset({"pixelcnn-own"})  # it knows one number for each pixel
_NOTE = "own.json"


@dataclass(frozen=True)
class OwnRun:
    """What a run was begun as.

    Attributes:
        recipe: one of ``TITLES``, or the id of a checkpoint.
        id: what the new checkpoint is called.
        drawn_by: the model that draws as many pictures again, if any.
    """

    recipe: str
    id: str
    augment: bool
    drawn_by: str = ""


def check(recipe_id: str, colour: bool) -> None:
    """Raises ValueError with one sentence, if this recipe cannot learn from a folder of such pictures."""
    if recipe_id not in TITLES:
        raise ValueError(f"{recipe_id} does not learn from a folder of pictures; {', '.join(TITLES)} do.")
    if colour and recipe_id in GREY_ONLY:
        others = ", ".join(name for name in TITLES if name not in GREY_ONLY)
        raise ValueError(f"{recipe_id} draws grey pictures only: leave out the colours, or choose {others}.")


def begin(folder: Path, run: OwnRun, pictures: Collection | None) -> None:
    """Leave in ``folder`` what a run is and learns from.

    Raises:
        ValueError: one sentence, if there is a run already.
        OSError: if the folder cannot be written to.
    """
    if (folder / paths.TRAINING_STATE).exists():
        raise ValueError(f"{folder} already holds a run: continue it with --resume, or choose another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    while (old := own_pictures.kept_in(folder)) is not None:  # of a run that never came to its first state
        old.unlink()
    if pictures is not None:
        own_pictures.keep(pictures, folder)
    (folder / _NOTE).write_text(json.dumps(dataclasses.asdict(run)), encoding="utf-8")


def begun(folder: Path) -> OwnRun | None:
    """What was begun in a folder; None if nothing was."""
    try:
        said = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        drawn_by = str(said.get("drawn_by", ""))
        return OwnRun(str(said["recipe"]), str(said["id"]), bool(said["augment"]), drawn_by)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def pictures_of(folder: Path) -> Collection | None:
    """What the run in a folder learns from; None if that is a data set of the program's.

    Raises:
        OwnPicturesError: one sentence, if they are damaged.
    """
    path = own_pictures.kept_in(folder)
    return None if path is None else own_pictures.kept(path)


# --- those of the window


def unfinished() -> list[tuple[Path, OwnRun, int]]:
    """Runs that can go on, the latest first, with the step that each has reached."""
    try:
        folders = [folder for folder in paths.training_runs().iterdir() if folder.is_dir()]
    except OSError:
        return []
    found = []
    for folder in folders:
        run, state = begun(folder), folder / paths.TRAINING_STATE
        if run is not None and state.is_file():
            found.append((state.stat().st_mtime, folder, run, step_of(state)))
    return [(folder, run, step) for _, folder, run, step in sorted(found, key=lambda one: -one[0])]


def step_of(state: Path) -> int:
    """The training step of a saved state; 0 if nobody can say."""
    try:
        with state.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        return int(json.loads(header["__metadata__"]["run"])["step"])
    except (OSError, ValueError, KeyError, TypeError, struct.error, MemoryError, OverflowError):
        return 0


def new_id(recipe_id: str, title: str) -> str:
    """What a new model of these pictures is called: ``vae-own-holiday``, numbered if there is such a one."""
    plain = f"{recipe_id}-{own_pictures.slug(title)}"
    there = {folder.name for folder in paths.training_runs().glob("*")}
    there |= {file.stem for folder in paths.checkpoint_folders() for file in folder.glob("*.safetensors")}
    numbered = (plain, *(f"{plain}-{number}" for number in range(2, 10_000)))
    return next(id for id in numbered if id not in there)


def install(folder: Path) -> Path:
    """Copy what came of a run, and its pictures, to where the user's models are found; returns the checkpoint there.

    Raises:
        ValueError: one sentence, if there is no checkpoint yet.
        OSError: if it cannot be written.
    """
    run = begun(folder)
    made = folder / f"{run.id}.safetensors" if run is not None else folder
    if run is None or not made.is_file():
        raise ValueError(f"{folder} holds no model yet.")
    pictures = own_pictures.kept_in(folder)
    target = paths.trained_models()
    target.mkdir(parents=True, exist_ok=True)
    beside = [folder / f"{run.id}.film.json", folder / f"{run.id}.film.png"]
    for file in (*([pictures] if pictures else []), *beside, made):
        if file.is_file():  # the checkpoint last: where it is, all of it is
            with paths.replacing(target / file.name) as partial:
                shutil.copyfile(file, partial)
    return target / made.name


def gain(model_id: str) -> tuple[str, float, float] | None:
    """What drawn pictures brought a model: the one without them, its lowest held-out loss, and that of this one; None if nobody can say.

    Both learned the same pictures by the same recipe, and are in the user's folder.
    """
    known = {card.id: card for card in checkpoints.cards()}
    card = known.get(model_id)
    if card is None or not card.recipe.get("drawn_by"):
        return None
    alike = ("batch_size", "steps", "augment")
    for other in known.values():
        same = (other.dataset, other.network) == (card.dataset, card.network)
        if same and not other.recipe.get("drawn_by"):
            losses = [_held_out(one) for one in (other.id, card.id)]
            if None not in losses and all(other.recipe.get(k) == card.recipe.get(k) for k in alike):
                return other.id, float(losses[0] or 0.0), float(losses[1] or 0.0)
    return None


def _held_out(model_id: str) -> float | None:
    """The lowest held-out loss of a model that was trained here, as its record has it."""
    from playground.checkpoints import training_record  # numpy

    try:
        record = training_record.read(paths.trained_models() / f"{model_id}.film.json")
    except ValueError:
        return None
    _, values = record.curves.get("validation_loss", ((), ()))
    return float(min(values)) if len(values) else None


def forget(folder: Path) -> None:
    """Take a run of the window away; what it made stays where it was installed."""
    if folder.parent == paths.training_runs():
        shutil.rmtree(folder, ignore_errors=True)
