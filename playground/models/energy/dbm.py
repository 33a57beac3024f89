"""Deep Boltzmann machine: Salakhutdinov and Hinton 2009 ("Deep Boltzmann Machines", PMLR 5).

Binary pixels v, two layers of binary hidden units, and E(v, h1, h2) = -b^T v - c1^T h1 - c2^T h2 - v^T W1 h1 - h1^T W2 h2.
Units of one layer do not see each other, so all odd layers are drawn together, then all even ones.  Unlike in the
restricted machine, the hidden units of a known picture are not independent: **mean field** finds the independent ones that
fit best, and what it finds is a bound.  Pretrained layer by layer as two restricted machines, each with one layer twice (their
section 3), then all together with persistent chains (their section 2.1).  Pixels are black or white as in ``rbm.py``.

Gradients can be centred (Montavon and Mueller 2012).  The recipe leaves it: in our only trial, with Adam at the rate of the
recipe, the energies of the centred machine ran away from those of its chains.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.contract import Frame, Recipe, Score, State, knob
from playground.models import noise
from playground.models.energy.chains import ChainRequest, in_chunks, run, to_pictures
from playground.models.network import Network

BOTTOM, TOP, JOINT = (2, 0), (0, 2), (1, 1)  # how often the machine of a stage has the layers below and above


@dataclass(frozen=True)
class DBMConfig:
    """Shape of the machine, and how it is trained."""

    image_size: int = 28
    channels: int = 1
    dataset: str = "fashion"  # whose test images a chain may start from
    num_hidden: int = 500  # first layer
    num_top: int = 500  # second layer
    num_chains: int = 128  # persistent ones
    num_gibbs: int = 5  # their steps per update
    num_pretrain: int = 500  # steps of training for each layer alone, before both together
    num_mean_field: int = 10  # updates of both layers given a picture, in training and on a chain's way
    centered: bool = False


@dataclass(frozen=True)
class DBMRequest(ChainRequest):
    """How the chains run."""

    num_steps: int = knob(
        200,
        label="num_steps",
        low=1,
        high=2000,
        log=True,
        help="Steps of block Gibbs sampling: the first hidden layer given pixels and second layer, then these two given the first.",
    )
    temperature: float = knob(
        1.0,
        label="temperature",
        low=0.1,
        high=2.0,
        step=0.05,
        help="Divides the energy. Below 1 the chains hold on to deep valleys; above 1 they jump between them and fray.",
    )


class DBM(Network):
    """The machine: mean field, chains, estimated partition function."""

    family = "energy"
    system = "Deep Boltzmann machine"
    paper = "Salakhutdinov and Hinton 2009"
    likelihood = "energy"
    Config = DBMConfig
    Request = DBMRequest
    num_threads: int | None = 1
    sample_bytes = 2**20
    num_compared = 500
    energy_is_bound = True  # mean field: the score is never below the free energy

    def __init__(self, config: DBMConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = (config.channels, config.image_size, config.image_size)
        num_visible, num_hidden, num_top = math.prod(self.shape), config.num_hidden, config.num_top
        self.weight = nn.Parameter(0.01 * torch.randn(num_visible, num_hidden))
        self.top_weight = nn.Parameter(0.01 * torch.randn(num_hidden, num_top))
        self.visible_bias = nn.Parameter(torch.full((num_visible,), -1.0))
        self.hidden_bias = nn.Parameter(torch.zeros(num_hidden))
        self.top_bias = nn.Parameter(torch.zeros(num_top))
        self.offsets: list[str] = ["visible_offset", "hidden_offset", "top_offset"]
        for name, size in zip(self.offsets, (num_visible, num_hidden, num_top), strict=True):
            self.register_buffer(name, torch.full((size,), 0.5 if config.centered else 0.0))
        self.chains: Tensor
        self.hidden_chains: Tensor
        self.num_updates: Tensor
        # persistent: where the chains of training stand, pixels 0 or 255, and the first layer, from which they go on
        self.register_buffer("chains", torch.zeros(config.num_chains, num_visible, dtype=torch.uint8))
        self.register_buffer("hidden_chains", torch.zeros(config.num_chains, num_hidden, dtype=torch.uint8))
        self.register_buffer("num_updates", torch.zeros((), dtype=torch.int64))

    # --- energy

    def biases(self, copies: tuple[int, int] = JOINT) -> tuple[Tensor, Tensor, Tensor]:
        """b, c1 and c2 of the energy above, where the first hidden layer has so many pixels below and second layers above.

        What is learned are biases of units from which offsets are subtracted: (v - o) in place of v, and so on
        (Montavon and Mueller 2012, eq. 6).  It is the same machine; its gradients are centred.
        """
        below, above = copies
        o_v, o_1, o_2 = (self.get_buffer(name) for name in self.offsets)
        hidden = self.hidden_bias - below * (o_v @ self.weight) - above * (self.top_weight @ o_2)
        return self.visible_bias - self.weight @ o_1, hidden, self.top_bias - o_1 @ self.top_weight

    def energy(self, v: Tensor, top: Tensor, copies: tuple[int, int] = JOINT) -> Tensor:
        """-log sum_h1 exp(-E(v, h1, h2)) in nats, (B,), of pixels (B,784) and second layer (B,num_top)."""
        b, c_1, c_2 = self.biases(copies)
        fields = v @ self.weight + top @ self.top_weight.T + c_1
        return -v @ b - top @ c_2 - F.softplus(fields).sum(1)

    def hidden_energy(self, h: Tensor, copies: tuple[int, int] = JOINT) -> Tensor:
        """-log sum_v,h2 exp(-E(v, h1, h2)) in nats, (B,), of the first hidden layer (B,num_hidden)."""
        b, c_1, c_2 = self.biases(copies)
        below, above = F.softplus(h @ self.weight.T + b).sum(1), F.softplus(h @ self.top_weight + c_2).sum(1)
        return -h @ c_1 - copies[0] * below - copies[1] * above

    def mean_field(self, v: Tensor, num_updates: int = 50) -> tuple[Tensor, Tensor]:
        """Independent units that fit the hidden ones of ``v`` (B,784) best: (B,num_hidden) and (B,num_top) in [0, 1].

        Section 2.1, eqs. 6-8, layer after layer, so that each update tightens the bound; it begins with a pass upwards
        that counts the pixels twice, in place of the second layer that is not known yet (section 3).
        """
        _, c_1, c_2 = self.biases()
        up = v @ self.weight
        h = (2 * up + self.biases(BOTTOM)[1]).float().sigmoid()
        top = (h @ self.top_weight + c_2).float().sigmoid()
        for _ in range(num_updates):
            h = (up + top @ self.top_weight.T + c_1).float().sigmoid()
            top = (h @ self.top_weight + c_2).float().sigmoid()
        return h, top

    def forward(self, v: Tensor, num_updates: int = 50) -> Tensor:
        """Variational free energy of binary ``v`` (B,784): never below -log sum_h exp(-E(v, h)), in nats, (B,)."""
        _, top = self.mean_field(v, num_updates)
        return self.energy(v, top) - _entropy(top)

    def hidden_given(self, v: Tensor, temperature: float = 1.0) -> Tensor:
        """P(h1 = 1) in the mean field of ``v`` at temperature 1, (B,num_hidden)."""
        return self.mean_field(v)[0]

    def features(self) -> list[Tensor]:
        """What each unit of the first and of the second layer looks for in the picture, (units,C,H,W).

        Those of the second are sums of the first's, weighted by what it makes of them (Lee, Ekanadham and Ng 2008).
        """
        return [w.T.reshape(-1, *self.shape) for w in (self.weight, self.weight @ self.top_weight)]

    def binarise(self, x: Tensor) -> Tensor:
        """uint8 (B,C,H,W) -> 0 or 1, cut at half grey, float32 (B,784)."""
        return (x.flatten(1) > 127).float()

    @torch.no_grad()
    def score(self, x: Tensor, seed: int = 0, labels: Tensor | None = None) -> list[Score]:
        """Variational free energy in nats, up to the unknown constant log Z; low means probable.  Nothing is drawn."""
        return [Score(value, "energy", "nats") for value in self(self.binarise(x)).tolist()]

    @torch.no_grad()
    def log_partition(
        self, base: Tensor, num_chains: int = 200, num_temperatures: int = 2000, seed: int = 0
    ) -> tuple[float, float]:
        """log Z by annealed importance sampling over the first hidden layer, the others summed out (their section 2.3).

        Args:
            base: mean of binarised pictures, in [0, 1], (784,): annealing starts from independent pixels with these means.

        Returns:
            log Z in nats, and its standard error, as in ``rbm.py``; in float64, on the CPU.
        """
        base_bias = torch.logit(base.cpu().clamp(0.01, 0.99)).double()
        weight, top_weight = self.weight.cpu().double(), self.top_weight.cpu().double()
        b, c_1, c_2 = (bias.cpu().double() for bias in self.biases())
        generator = torch.Generator().manual_seed(seed)

        def draw(p: Tensor) -> Tensor:
            return (torch.rand(p.shape, generator=generator, dtype=torch.float64) < p).double()

        def fields(h: Tensor) -> tuple[Tensor, Tensor]:  # of pixels and second layer, without annealing
            return h @ weight.T + b, h @ top_weight + c_2

        def log_weight(h: Tensor, of_v: Tensor, of_top: Tensor, beta: float) -> Tensor:  # log p*_beta(h1)
            below = F.softplus((1 - beta) * base_bias + beta * of_v).sum(1)
            return beta * (h @ c_1) + below + F.softplus(beta * of_top).sum(1)

        h = draw(torch.full((num_chains, len(c_1)), 0.5, dtype=torch.float64))
        total = torch.zeros(num_chains, dtype=torch.float64)
        for last, beta in itertools.pairwise(np.linspace(0, 1, num_temperatures)):
            of_v, of_top = fields(h)
            total += log_weight(h, of_v, of_top, beta) - log_weight(h, of_v, of_top, last)
            v, top = draw(((1 - beta) * base_bias + beta * of_v).sigmoid()), draw((beta * of_top).sigmoid())
            h = draw((beta * (v @ weight + top @ top_weight.T + c_1)).sigmoid())
        log_base = F.softplus(base_bias).sum() + (len(c_1) + len(c_2)) * math.log(2)
        ratios = (total - total.max()).exp()
        estimate = float(log_base + total.max() + ratios.mean().log())
        return estimate, float(ratios.std() / ratios.mean() / math.sqrt(num_chains))

    # --- training

    def loss(self, x: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Its gradient is the bound's: pictures in their mean field down, the persistent chains' present states up.

        First for the lower two layers with the pixels twice, then for the upper two with the second layer twice, by
        contrastive divergence: chains begin at the pictures; then jointly, with chains that go on from update to update.
        """
        v, stage = self.binarise(x), self._stage()
        with torch.no_grad():
            if self.training:
                self._begin(v, generator)
                if stage != JOINT:  # contrastive divergence: from the pictures, at every update
                    drawn = _draw(2 * v @ self.weight + self.biases(BOTTOM)[1], generator)
                    self.hidden_chains.copy_(drawn[torch.arange(len(self.hidden_chains)) % len(v)])
                self._advance_chains(stage, generator)
                self.num_updates += 1
            chains = self._outer(self.hidden_chains.float(), stage, generator)
            if self.training and stage != TOP:
                self.chains.copy_(chains[0][0] * 255)
            below, above = (layer.sum(0) for layer in chains)
            num_updates = self.config.num_mean_field if stage == JOINT else 0
            (h, top), (_, of_chains) = (self.mean_field(u, num_updates) for u in (v, below))
        with torch.autocast(x.device.type, enabled=False):
            if stage == BOTTOM:
                data, chain = self.energy(2 * v, 0 * top, stage), self.energy(below, above, stage)
            elif stage == TOP:
                data, chain = (
                    self.hidden_energy(h, stage),
                    self.hidden_energy(self.hidden_chains.float(), stage),
                )
            else:  # entropies have no gradient here; less them, both are variational free energies
                data, chain = (
                    self.energy(v, top) - _entropy(top),
                    self.energy(below, above) - _entropy(of_chains),
                )
        on_data, on_chains = data.mean(), chain.mean()
        return {"loss": (on_data - on_chains) / v.shape[1], "data": on_data, "chains": on_chains}

    def _stage(self) -> tuple[int, int]:
        done = int(self.num_updates) // max(self.config.num_pretrain, 1)
        return JOINT if self.config.num_pretrain == 0 else (BOTTOM, TOP, JOINT)[min(done, 2)]

    def _begin(self, v: Tensor, generator: torch.Generator) -> None:
        """Offsets are set to the units' means when a layer begins to learn; before the first step all layers begin."""
        step, length = int(self.num_updates), self.config.num_pretrain
        if step == 0:
            mean = v.mean(0)
            if self.config.centered:
                self.get_buffer("visible_offset").copy_(mean)
            self.visible_bias.copy_(torch.logit(mean.clamp(0.01, 0.99)))
            self.hidden_chains.copy_(torch.rand(self.hidden_chains.shape, generator=generator) < 0.5)
        if length and step in (length, 2 * length) and self.config.centered:
            h = (2 * v @ self.weight + self.biases(BOTTOM)[1]).float().sigmoid()
            if step == length:
                kept = self.biases(BOTTOM)
                self.get_buffer("hidden_offset").copy_(h.mean(0))
            else:
                kept = self.biases(TOP)
                self.get_buffer("top_offset").copy_((h @ self.top_weight + kept[2]).float().sigmoid().mean(0))
            self._keep(kept, BOTTOM if step == length else TOP)

    def _keep(self, kept: tuple[Tensor, ...], copies: tuple[int, int]) -> None:
        """Offsets have moved: the machine shall be the same."""
        own = (self.visible_bias, self.hidden_bias, self.top_bias)
        for bias, before, after in zip(own, kept, self.biases(copies), strict=True):
            bias.add_(before - after)

    def _outer(self, h: Tensor, copies: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draws given the first layer: of every copy of the pixels, (copies,B,784), and of the second layer."""
        b, _, c_2 = self.biases(copies)
        below, above = h @ self.weight.T + b, h @ self.top_weight + c_2
        return _draw(below.expand(copies[0], -1, -1), generator), _draw(
            above.expand(copies[1], -1, -1), generator
        )

    def _advance_chains(self, copies: tuple[int, int], generator: torch.Generator) -> None:
        """Even layers given the odd one, then the odd one given these; of two copies the sum counts."""
        h, c_1 = self.hidden_chains.float(), self.biases(copies)[1]
        for _ in range(self.config.num_gibbs):
            below, above = (layer.sum(0) for layer in self._outer(h, copies, generator))
            h = _draw(below @ self.weight + above @ self.top_weight.T + c_1, generator)
        self.hidden_chains.copy_(h)

    # --- chains

    @torch.no_grad()
    def sample(self, request: DBMRequest, resume: State | None = None) -> Iterator[Frame]:
        """Block Gibbs sampling, a frame per step; pixels and second layer (B,784 + num_top) are the chain's state.

        ``images`` is P(v = 1 given h1).  Extras: ``energy`` variational free energy float32 (B,) in nats, ``hidden``
        P(h1 = 1 given v and h2) float32 (B,num_hidden), ``hidden_2`` P(h2 = 1) given these (B,num_top), ``binary`` uint8
        (B,H,W,C), the pixels themselves.
        """
        yield from run(self, request, resume)

    def kept(self) -> Tensor:
        """See :class:`Chain`."""
        return self.chains

    def as_state(self, grey: Tensor) -> Tensor:
        """Cut at half grey, and the second layer in the mean field of that, (B,784 + num_top)."""
        v = (grey.flatten(1) > 0.5).float()
        return torch.cat([v, self.mean_field(v)[1]], 1)

    def advance(self, x: Tensor, request: Any, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The odd layer given the even ones, then the even ones given it."""
        b, c_1, c_2 = self.biases()

        def gibbs(part: Tensor, first: int) -> tuple[Tensor, ...]:
            def draw(fields: Tensor, name: str) -> tuple[Tensor, Tensor]:
                p = (fields / request.temperature).sigmoid()
                indices = range(first, first + len(part))
                uniforms = torch.from_numpy(noise.uniform(request.seed, indices, name, p.shape[1:], step))
                return (uniforms.to(p.device, p.dtype) < p).float(), p

            v, top = self._layers(part)
            h, _ = draw(v @ self.weight + top @ self.top_weight.T + c_1, "h")
            (v, p), (top, _) = draw(h @ self.weight.T + b, "v"), draw(h @ self.top_weight + c_2, "top")
            return torch.cat([v, top], 1), p

        state, p = in_chunks(gibbs, x, request.first_index)
        return state, {"p": p}

    def _layers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        num_visible = math.prod(self.shape)
        return x[:, :num_visible], x[:, num_visible:]

    def frame_of(
        self, x: Tensor, seen: Mapping[str, Tensor], request: Any, step: int
    ) -> tuple[np.ndarray, dict]:
        """See :meth:`sample`."""
        v, top = self._layers(x)
        _, c_1, c_2 = self.biases()
        h = ((v @ self.weight + top @ self.top_weight.T + c_1) / request.temperature).sigmoid()
        extras = {
            "energy": self(v, self.config.num_mean_field).cpu().numpy(),  # a little looser, at every step
            "hidden": h.cpu().numpy(),
            "hidden_2": ((h @ self.top_weight + c_2) / request.temperature).sigmoid().cpu().numpy(),
            "binary": to_pictures(v, self.shape),
        }
        return to_pictures(seen.get("p", v), self.shape), extras


def _draw(fields: Tensor, generator: torch.Generator) -> Tensor:
    """Units, 0 or 1, in float32: in bfloat16 a probability near 1 would be 1."""
    uniforms = torch.rand(fields.shape, generator=generator).to(fields.device)
    return (uniforms < fields.float().sigmoid()).float()


def _entropy(p: Tensor) -> Tensor:
    """Of independent units that are on with probabilities ``p`` (B,N), in nats, (B,)."""
    return F.binary_cross_entropy(p, p, reduction="none").sum(1)


MODEL = DBM
RECIPES = (
    Recipe(
        id="dbm-fashion",
        config=DBMConfig(),
        steps=3000,
        batch_size=128,
        learning_rate=1e-3,
        betas=(0.9, 0.999),
        final_learning_rate=0.02,
        ema=0.999,
        max_grad_norm=100.0,
        compile=False,
        snapshot={"num_samples": 10, "start": "buffer", "num_steps": 100},
        evaluate={"start": "buffer", "num_steps": 100},
    ),
)
