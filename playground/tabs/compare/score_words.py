"""The words of "One image": what kind of number a model gives, why some give none, and where to see more of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from playground import data, labels
from playground.checkpoints import Card
from playground.evaluation import report
from playground.evaluation.out_of_distribution import (
    DATASET,
    GARMENTS,
    SETS,
    Census,
    ScoreSummary,
    code_bytes,
)
from playground.tabs.compare.score_layout import Histograms, RowContent

NUM_DIMS = data.DATASETS[DATASET].num_dims
ORDER = ("exact", "bound", "energy", "none")  # of the rows

# the view in which a family takes one picture apart, and networks that have another
VIEWS = {
    "autoregressive": "Surprise",
    "flow": "Score",
    "vae": "Reconstruct",
    "diffusion": "Forward",
    "energy": "Energy",
}
NO_VIEW = ("energy/gsn",)

_WHY_NONE: Mapping[str, str] = {
    "gan": "None: a GAN only ever draws. Its generator turns noise into pictures, and nothing in it says how probable "
    "a given picture is.",
    "energy/gsn": "None: this chain restores what it has corrupted, over and over. Where it spends its time is the "
    "model, and nothing computes that for one picture.",
    "vae/autoencoder": "None: an autoencoder has no prior over its codes, so it can restore a picture but not say how "
    "probable it is.",
}
_NO_WORD = "None: this model can only draw."


def name_of(card: Card) -> str:
    """What a model is called on screen."""
    return labels.short(card.id, card.system)


def why_none(card: Card) -> str:
    """One sentence or two for a model without a likelihood."""
    return _WHY_NONE.get(card.network, _WHY_NONE.get(card.family, _NO_WORD))


def view_of(card: Card) -> str:
    """The view in which this model takes one picture apart, "" if it has none."""
    return "" if card.network in NO_VIEW else VIEWS.get(card.family, "")


def link_of(card: Card) -> str:
    """What a click on the row does."""
    view = view_of(card)
    return f"Open {view} with {name_of(card)}" if view else ""


def _id_and_link(card: Card) -> str:
    return "\n".join(filter(None, (card.id, link_of(card))))


def waiting(card: Card) -> RowContent:
    """A row before its score has come."""
    if card.likelihood == "none":
        return RowContent(
            name_of(card), card.system, note=why_none(card), link=link_of(card), tip=_id_and_link(card)
        )
    return RowContent(
        name_of(card), card.system, "…", word=card.likelihood, link=link_of(card), tip=_id_and_link(card)
    )


def failed(card: Card, sentence: str) -> RowContent:
    """A row whose model could not be asked."""
    return RowContent(name_of(card), card.system, note=sentence, tip=card.id)


def scored(card: Card, score_summary: ScoreSummary, census: Census | None, other: str) -> RowContent:
    """A row with its number, beside garments and the pictures of another set."""
    value, unit = score_summary.score.value, score_summary.score.unit
    assert value is not None
    size = code_bytes(value, NUM_DIMS) if unit == "bits/dim" else None
    histograms, marker, under = None, None, ""
    areas: tuple[float, ...] = ()
    if census is not None:
        histograms = Histograms.of(census.scores[GARMENTS], census.scores[other])
        marker = value if not math.isnan(value) else math.inf
        under = _among(census.share_below(marker))
        areas = tuple(census.auc(name) for name in SETS if name != GARMENTS)
    return RowContent(
        name_of(card),
        card.system,
        number(value, unit),
        unit,
        word(card, score_summary),
        histograms=histograms,
        no_histograms=f"not measured: playground evaluate {card.id} --only out-of-distribution --save",
        marker=marker,
        under_marker=under,
        areas=areas,
        size=size,
        size_text="∞" if unit == "bits/dim" and size is None else "",
        link=link_of(card),
        tip=full_words(card, score_summary, census),
    )


def number(value: float, unit: str) -> str:
    """A score as it is written: three places of bits, one of nats, more where the energies of a model are small."""
    if not math.isfinite(value):
        return "∞"
    if unit == "bits/dim" and abs(value) >= 1000:
        return f"{value:,.0f}"
    places = 3 if unit == "bits/dim" or abs(value) < 10 else 1
    return f"{value:,.{places}f}".replace("-", "−")


def word(card: Card, score_summary: ScoreSummary) -> str:
    """The word for this kind of number, with what belongs to it."""
    score = score_summary.score
    error = f" ± {score.standard_error:.3f}" if score.standard_error >= 0.0005 else ""
    if score.kind == "exact":
        return "exact"
    if score.kind == "bound":
        if score_summary.tightened is not None and math.isfinite(score_summary.tightened):
            return f"bound{error}; IW {number(score_summary.tightened, 'bits/dim')}"
        return f"bound{error}"
    return "energy, binarised" if card.network in report.BINARISED else "energy, up to a constant"


def explained(census_counts: tuple[int, ...], other: str) -> str:
    """What histograms, areas and bytes mean, for the line under the rows."""
    counts = f"{min(census_counts)} to {max(census_counts)}" if len(set(census_counts)) > 1 else ""
    counts = counts or (str(census_counts[0]) if census_counts else "no")
    return (
        "Exact: the probability itself; bound: the true bits are at most this (IW: with 64 importance weights); energy: "
        f"up to an unknown constant. Bars up: {SETS[GARMENTS].title}, {counts} for each model; bars down: "
        f"{SETS[other].title}; line: this picture; further left is more probable. AUC: how often one of those is less "
        "probable than a garment (0.50: the model cannot tell; less: it prefers them). Bytes: the smallest file that a "
        "code made from the model allows; the tick is the PNG file."
    )


def so_what(shares: Sequence[float]) -> str:
    """The picture against garments, over all models that can say so: one sentence, "" before any has.

    Args:
        shares: of each model, the share of garments that it finds more probable than the picture.
    """
    if not shares:
        return ""
    beaten = sorted(round(100 * (1 - share)) for share in shares)
    middle, low, high = beaten[len(beaten) // 2], beaten[0], beaten[-1]
    who = f"to the middle one of {len(beaten)} models" if len(beaten) > 1 else "to this model"
    spread = f" (from {low} % to {high} %)" if high - low >= 5 else ""
    return f"<b>So what:</b> {who} this picture is more probable than {middle} % of garments{spread}."


def full_words(card: Card, score_summary: ScoreSummary, census: Census | None) -> str:
    """Everything about one row in a tool tip."""
    score = score_summary.score
    assert score.value is not None
    kinds = {
        "exact": "exact: the probability of the 8-bit picture itself",
        "bound": "a bound: the true figure is at most this",
        "energy": "an energy: up to an unknown constant, so it ranks pictures for this model only",
    }
    figure = f"{number(score.value, score.unit)} {score.unit}"
    said = [f"{card.id}: {figure}, {kinds.get(score.kind, score.kind)}."]
    if card.network in report.BINARISED:
        said.append("The picture is made black and white first: this model knows no grey.")
    if score.kind == "bound" and card.family == "flow":
        said.append("Its continuous density is exact; the step from 256 levels makes it a bound.")
    if score.standard_error:
        said.append(f"Standard error {score.standard_error:.4f}, from the random draws.")
    if score_summary.tightened is not None:
        said.append(
            f"With {score_summary.num_weights} importance weights {number(score_summary.tightened, 'bits/dim')}."
        )
    if census is not None:
        areas = ", ".join(f"{SETS[n].short} {census.auc(n):.2f}" for n in SETS if n != GARMENTS)
        said.append(f"AUC, with {census.count} of each: {areas}.")
    return "\n".join([*said, link_of(card)]).strip()


def _among(share: float) -> str:
    if share in (0, 1):
        return "ahead of all" if share == 0 else "behind all"
    return f"behind {min(max(round(share * 100), 1), 99)} %"
