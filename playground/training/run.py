"""A run: the weights, averages, optimisers and curves of one training, its steps, and its files.

A run lives in one folder.  Its state (weights, averages, optimisers, curves) is replaced atomically, so that it can be
killed at any moment.  Under ``torchrun`` each process takes its part of every batch and the gradients are averaged, so that
all of them hold the same weights.  When what is done, ``loop.py`` decides.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from playground import checkpoints, data, distributed, machine, models, paths
from playground.checkpoints import training_record
from playground.contract import Model, Recipe, make_request
from playground.models.precision import bfloat16_pays
from playground.trainable import Counts, CountsStatistics, LearnsInTurn
from playground.training.optimizers import learning_rate_factor, make_optimizers


@dataclass
class TrainingRecord:
    """What the window plays later: curves, and pictures from fixed seeds at about twelve moments."""

    curves: list[dict[str, float]] = field(default_factory=list)
    snapshot_steps: list[int] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)  # each uint8 (n, H, W, C)


class Run:
    """Everything that changes while a recipe is trained."""

    def __init__(
        self,
        network: str,
        recipe: Recipe,
        folder: Path,
        world: distributed.World,
        dataset: data.Dataset | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.network, self.recipe, self.folder, self.world = network, recipe, folder, world
        self.dataset = dataset or data.DATASETS[recipe.dataset]
        self.device = distributed.device(world)
        self.model = models.network_class(network)(recipe.config)
        self.built_on: list[str] = []
        for name in recipe.built_on.split():
            foundation = checkpoints.load(name)
            self.model.build_on(foundation)
            self.built_on.append(f"{foundation.card.id}@{foundation.weights_hash}")
        self.guided_by: list[str] = []
        if recipe.guided_by:
            weaker = checkpoints.load(recipe.guided_by)
            self.model.be_guided_by(weaker)
            self.guided_by = [f"{weaker.card.id}@{weaker.weights_hash}"]
        self.model = self.model.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        # shown everything once, with nothing learned by steps
        self.counts = isinstance(self.model, Counts)
        # who learns in turn, by name
        self.turns = self.model.turns if isinstance(self.model, LearnsInTurn) else ("",)
        self.optimizers_of = [
            make_optimizers(self.model.get_submodule(turn), recipe, turn) for turn in self.turns
        ]
        self.optimizers = [optimizer for of_player in self.optimizers_of for optimizer in of_player]
        self.record = TrainingRecord()
        self.examples = torch.empty(0, dtype=torch.uint8)  # training pictures that statistics are counted on
        self.step, self.seconds = 0, 0.0
        self.continued_from, self.images_before = "", 0
        self.steps_before = 0  # of the record that this run continues

    # --- files

    @property
    def state_path(self) -> Path:
        return self.folder / paths.TRAINING_STATE

    def save_state(self) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for i, optimizer in enumerate(self.optimizers):
            for index, values in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{index}.{k}": v for k, v in values.items()}
        tensors |= {f"picture.{i}": torch.from_numpy(p) for i, p in enumerate(self.record.pictures)}
        text = {
            "step": self.step,
            "seconds": self.seconds,
            "curves": self.record.curves,
            "snapshot_steps": self.record.snapshot_steps,
            "continued_from": self.continued_from,
            "images_before": self.images_before,
            "steps_before": self.steps_before,
        }
        plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
        checkpoints.write_atomically(self.state_path, to_bytes(plain, {"run": json.dumps(text)}))

    def load_state(self) -> None:
        """Go on where the run in the folder stopped.

        Raises:
            ValueError: one sentence, if its state is damaged or of another recipe.
        """
        try:
            self._load_state()
        except (SafetensorError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())[:200]
            raise ValueError(f"{self.state_path} cannot be continued by {self.recipe.id}: {said}.") from None

    def _load_state(self) -> None:
        with safe_open(self.state_path, "pt") as file:
            text = json.loads(file.metadata()["run"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        self.model.load_state_dict(_under("model.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        for i, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in _under(f"optimizer.{i}.", tensors).items():
                index, _, key = name.partition(".")
                state.setdefault(int(index), {})[key] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            _lay_out_alike(optimizer)
        self.step, self.seconds = text["step"], text["seconds"]
        self.continued_from, self.images_before = text["continued_from"], text["images_before"]
        self.steps_before = text.get("steps_before", 0)
        pictures = [tensors[f"picture.{i}"].numpy() for i in range(len(text["snapshot_steps"]))]
        self.record = TrainingRecord(text["curves"], text["snapshot_steps"], pictures)

    def start_from(self, path: Path) -> None:
        """Take the weights (not the optimiser) of a checkpoint with the same configuration, and go on with its record."""
        model = checkpoints.load(path)
        self.model.load_state_dict(model.state_dict())
        self.average.load_state_dict(model.state_dict())
        self.continued_from = f"{model.card.id}@{checkpoints.weights_hash(path)}"
        self.images_before = model.card.images_seen
        self.seconds = model.card.training_seconds
        record = training_record.path_for(model)
        if record is not None:
            self._go_on_with(training_record.read(record))

    def learn_from(self, path: Path) -> None:
        """Hand over the model that the recipe begins with; what is made of it, and of its record, is another's."""
        other = checkpoints.load(path)
        for model in (self.model, self.average):
            model.learn_from(other)
        self.continued_from = f"{other.card.id}@{checkpoints.weights_hash(path)}"

    def _go_on_with(self, record: training_record.TrainingRecord) -> None:
        points: dict[int, dict[str, float]] = {}
        for name, (steps, values) in record.curves.items():
            for step, value in zip(steps.tolist(), values.tolist(), strict=True):
                points.setdefault(int(step), {"step": int(step)})[name] = value
        self.record = TrainingRecord(
            [points[s] for s in sorted(points)], list(record.snapshot_steps), list(record.pictures)
        )
        self.steps_before = record.last_step

    def card(self) -> checkpoints.Card:
        recipe, dataset = self.recipe, self.dataset
        return checkpoints.Card(
            id=recipe.id,
            family=self.model.family,
            system=self.model.system,
            paper=self.model.paper,
            network=self.network,
            likelihood=self.model.likelihood,
            config=dataclasses.asdict(recipe.config),
            dataset=dataset.name,
            dataset_title=dataset.title,
            licence=dataset.licence,
            classes=list(dataset.classes),
            recipe={
                **json.loads(json.dumps(dataclasses.asdict(recipe))),
                "continued_from": self.continued_from,
            },
            seed=recipe.seed,
            images_seen=self.images_before + self.step * recipe.batch_size,
            training_seconds=round(self.seconds, 1),
            machine=self._machine(),
            date=datetime.date.today().isoformat(),
            parameters=sum(p.numel() for p in self.model.parameters()),
            built_on=self.built_on,
            guided_by=self.guided_by,
        )

    def _machine(self) -> str:
        many = f"{self.world.size} processes, each on " if self.world.size > 1 else ""
        if self.device.type == "cuda":
            return many + torch.cuda.get_device_name(self.device)
        return many + f"{torch.get_num_threads()} of {machine.num_cores()} CPU cores, {platform.machine()}"

    def settle(self) -> None:
        """Before the average is used: a model that counts makes its tables, one with batch normalisation its statistics."""
        if self.counts:
            self.model.settle()
            self._update_average()
        if isinstance(self.average, CountsStatistics) and len(self.examples):
            generator = torch.Generator().manual_seed(self.recipe.seed)
            self.average.count_statistics(self.examples.to(self.device), generator)

    def save_checkpoint(self) -> Path:
        """The averaged weights with their card, and the training record beside them."""
        self.settle()
        path = self.folder / f"{self.recipe.id}.safetensors"
        checkpoints.save(path, self.average, self.card(), self.recipe.stored)
        record = {
            "id": self.recipe.id,
            "curves": self.record.curves,
            "snapshot_steps": self.record.snapshot_steps,
            "pictures_per_snapshot": len(self.record.pictures[0]) if self.record.pictures else 0,
        }
        checkpoints.write_atomically(
            self.folder / f"{self.recipe.id}.film.json", json.dumps(record).encode() + b"\n"
        )
        if self.record.pictures:
            rows = [np.concatenate(list(p), axis=1) for p in self.record.pictures]
            sheet = np.concatenate(rows, axis=0)
            with paths.replacing(self.folder / f"{self.recipe.id}.film.png") as partial:
                Image.fromarray(data.plain_pixels(sheet)).save(partial, format="PNG", optimize=True)
        return path

    # --- one step

    def train_step(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One step on this process's part of the batch; the figures are means over the whole of it."""
        if self.counts:
            self.step += 1
            return dict(self.model.count(x))
        seed = self.recipe.seed * 1_000_003 + self.record_step  # a later leg sees other noise
        generator = torch.Generator().manual_seed(
            seed + (self.world.rank << 40)
        )  # other draws in every process
        self.model.train()
        figures: dict[str, Tensor] = {}
        for turn, optimizers in zip(self.turns, self.optimizers_of, strict=True):
            figures |= self._learn(turn, optimizers, x, labels, generator)
        self._update_average()
        self.step += 1
        return figures

    def _learn(
        self,
        turn: str,
        optimizers: list[torch.optim.Optimizer],
        x: Tensor,
        labels: Tensor,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """One step of the whole model, or of the part whose turn it is while the others hold still."""
        recipe, player = self.recipe, self.model.get_submodule(turn)
        if turn:
            self.model.requires_grad_(False)
            player.requires_grad_(True)
        with self._precision():
            figures = _loss_of(self.model, turn, x, labels, generator)
        figures[named(turn, "loss")].backward()
        figures = {k: v.detach().float() for k, v in figures.items()}
        self._average_over_processes(player, figures, len(x))
        norm = torch.nn.utils.clip_grad_norm_(player.parameters(), recipe.max_grad_norm)
        factor = learning_rate_factor(self.step, recipe)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {**figures, named(turn, "gradient_norm"): norm}

    def _average_over_processes(
        self, player: torch.nn.Module, figures: dict[str, Tensor], count: int
    ) -> None:
        """Gradients, running means and figures become those of the whole batch; here it had ``count`` pictures."""
        gradients = [p.grad for p in player.parameters() if p.grad is not None]
        buffers = [b for b in self.model.buffers() if b.is_floating_point()]
        weight = count * self.world.size / self.recipe.batch_size
        distributed.average(self.world, [*gradients, *buffers, *figures.values()], weight)

    def _precision(self) -> torch.autocast:
        pays = self.recipe.bfloat16 and bfloat16_pays(self.device.type)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=pays)

    @torch.no_grad()
    def _update_average(self) -> None:
        # early on, average over what there is instead of over the random start
        recipe, step = self.recipe, self.step
        weight = 1 - min(recipe.ema, (1 + step) / (recipe.ema_ramp + step)) if recipe.ema else 1.0
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), weight)
        for mine, theirs in zip(self.average.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def validate(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """The loss of the averaged weights on validation images, with the same draws every time."""
        self.settle()
        generator = torch.Generator().manual_seed(1)
        totals: dict[str, float] = {}
        for x, y in zip(images.split(128), labels.split(128), strict=True):
            x, y = x.to(self.device), y.to(self.device)
            figures: dict[str, Tensor] = {}
            for turn in self.turns:
                with self._precision():
                    figures |= _loss_of(self.average, turn, x, y, generator)
            for name, value in figures.items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(x) / len(images)
        return {f"validation_{name}": value for name, value in totals.items()}

    @torch.no_grad()
    def take_snapshot(self) -> None:
        if not isinstance(self.model, Model):
            return  # a judge draws nothing
        self.settle()
        request = make_request(self.model.Request, self.recipe.snapshot)
        *_, frame = self.average.sample(request)
        record = self.record
        record.pictures.append(frame.images.copy())
        fewest = min(len(p) for p in record.pictures)  # an earlier leg may have drawn more
        record.pictures[:] = [p[:fewest] for p in record.pictures]
        record.snapshot_steps.append(self.record_step)

    @property
    def record_step(self) -> int:
        """The step in the record, which also counts the legs before this one."""
        return self.steps_before + self.step


def _lay_out_alike(optimizer: torch.optim.Optimizer) -> None:
    """Give restored averages the memory layout of their weights: sums in another order would bend the curve."""
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter).copy_(value)


def _loss_of(
    model: Any, turn: str, x: Tensor, labels: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """The model's figures; where several parts learn in turn, each under its part's name."""
    if not turn:
        return dict(model.loss(x, labels, generator))
    return {named(turn, k): v for k, v in model.loss(x, labels, generator, turn).items()}


def named(turn: str, figure: str) -> str:
    """What a figure is called where several parts learn in turn: after the part, too."""
    return f"{turn}_{figure}" if turn else figure


def _under(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
