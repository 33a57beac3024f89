"""The knobs of what is shown over a model of the plane, family by family: (name, type, knob) each."""

from __future__ import annotations

from typing import Any

from playground.contract import knob


def switch(label: str, help: str, on: bool = False) -> Any:
    """A knob that turns something on."""
    return knob(on, label=label, help=help)


_DENSITY = (
    "density",
    bool,
    switch("density", "What the model believes, as a heat map: brighter is more probable.", True),
)
_LAYERS = (
    "layers",
    float,
    knob(
        1.0,
        label="layers",
        low=0.0,
        high=1.0,
        step=0.05,
        help="How far the grid of z has come on its way through the layers to the data: 0 is the latent plane, 1 the data's.",
    ),
)
_LEVEL = (
    "level",
    float,
    knob(
        0.3,
        label="noise level",
        low=0.0,
        high=1.0,
        step=0.02,
        help="The level of noise whose score is shown: 0 is data, 1 noise.",
    ),
)
_LATENTS = (
    "latents",
    bool,
    switch("latent plane", "Beside the data: where the model's inside puts each point of the target.", True),
)
OVERLAYS: dict[str, tuple[Any, ...]] = {
    "autoregressive": (
        _DENSITY,
        (
            "conditional",
            bool,
            switch(
                "slice", "The second coordinate's distribution, given the first where the pointer is.", True
            ),
        ),
    ),
    "flow": (
        _DENSITY,
        (
            "latent_grid",
            bool,
            switch(
                "warped grid",
                "A square grid of the latent plane, after so many layers as the knob below says.",
                True,
            ),
        ),
        _LAYERS,
        (
            "latents",
            bool,
            switch(
                "latent plane",
                "Beside the data: where the flow puts each point of the target. It should become one round heap.",
            ),
        ),
    ),
    "vae": (
        _DENSITY,
        (
            "latent_grid",
            bool,
            switch("decoded grid", "Where the decoder puts a square grid of the latent plane."),
        ),
        _LATENTS,
    ),
    "gan": (
        (
            "discriminator",
            bool,
            switch(
                "discriminator",
                "Blue: it believes in a real point here. Red: it believes in a drawn one.",
                True,
            ),
        ),
        (
            "arrows",
            bool,
            switch("arrows", "Which way the generator's loss would move each point that it draws."),
        ),
        (
            "latent_grid",
            bool,
            switch("latent grid", "Where the generator puts a square grid of the latent plane."),
        ),
    ),
    "diffusion": (
        (
            "score_field",
            bool,
            switch(
                "score field", "Arrows uphill, to where points of this noise level are more probable.", True
            ),
        ),
        _LEVEL,
        (
            "x_0_pred",
            bool,
            switch(
                "x_0_pred",
                "Points of the target under noise of this level, each with an arrow to where the network thinks it came from: the mean of all that it may have been.",
            ),
        ),
        ("paths", bool, switch("paths", "The way of some points from noise to data.")),
    ),
    "energy": (
        _DENSITY,
        ("score_field", bool, switch("score field", "Arrows downhill in energy.")),
        ("paths", bool, switch("chains", "The walks of some chains.")),
    ),
}
