"""What the plane says of each family: a few sentences, and the objective that is on its way down."""

from __future__ import annotations

from playground.contract import Card

_ALL = (
    "<br><br><b>Grey</b>: the target. <b>Coloured</b>: what the model draws. Change target or learning rate <b>while it "
    "trains</b>. <b>Drag the timeline</b>: every moment was kept."
)
_WORDS = {
    "autoregressive": (
        "First one coordinate, then the other <b>given the first</b>. Move the pointer: the white curve is the second "
        "coordinate's distribution there."
    ),
    "flow": (
        "A round heap of noise is <b>bent, layer by layer</b>, into the shape and never torn. Show the <i>warped grid</i> and "
        "turn <i>layers</i>."
    ),
    "vae": (
        "Each point becomes a <b>code</b> and is read back; beside the data lie the codes, which must look like the prior (the "
        "circles). With <i>warm-up</i> 0 (under More) the <b>posterior collapses</b>."
    ),
    "gan": (
        "The <b>discriminator</b> is blue where it believes in real points, red where in drawn ones; the <b>generator</b> moves "
        "its points towards the blue, and the map changes again."
    ),
    "diffusion": (
        "A network learns the way back from noise: the <b>arrows</b> point to where points of this noise level are more "
        "probable. At high levels they all point to the middle."
    ),
    "energy": (
        "Training pushes the <b>energy</b> down at data and up where the <b>chains</b> wander. New points walk downhill and "
        "shake; few cross a valley."
    ),
}
_ORDER_FORMULA = r"\log p(x) = \log p(x_1) + \log p(x_2 \mid x_1)"
_FLOW_FORMULA = r"\log p(x) = \log \N(z; 0, I) + \log \left|\det \frac{\partial z}{\partial x}\right|"
_BOUND_FORMULA = r"-\log p(x) \le \E_q [-\log p(x \mid z)] + \KL(q(z \mid x) \| p(z))"
_GAME_FORMULA = r"\min_G \max_D \; \E_x [\log D(x)] + \E_z [\log (1 - D(G(z)))]"
_NOISE_FORMULA = r"\E \| \epsilon - \hat{\epsilon}(x_t, t) \|^2"
_ENERGY_FORMULA = r"p(x) = \frac{\exp(-E(x))}{Z}"
_OBJECTIVES = {
    "autoregressive": _ORDER_FORMULA,
    "flow": _FLOW_FORMULA,
    "vae": _BOUND_FORMULA,
    "gan": _GAME_FORMULA,
    "diffusion": _NOISE_FORMULA,
    "energy": _ENERGY_FORMULA,
}


def of(card: Card) -> tuple[str, str]:
    """Words and formula of a model."""
    paper = f"<br><br>{card.system}: {card.paper}."
    return f"{_WORDS[card.family]}{_ALL}{paper}", _OBJECTIVES[card.family]


def of_loss(name: str) -> str:
    """A figure of a training as the plot's legend calls it."""
    return name.removesuffix("_loss").replace("_", " ") or "loss"
