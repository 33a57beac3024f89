"""Measured figures as words and as the README's tables.  No torch: the window and ``playground list`` read it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from playground import checkpoints, data
from playground.checkpoints import Card
from playground.checkpoints.figures import PICTURES, nats_text
from playground.evaluation import baselines, emoji_report
from playground.evaluation.sequences import drives_report

# networks whose pictures are black and white: no rank among grey-level ones
BINARISED = frozenset({"energy/rbm", "energy/dbm"})
_NAMES = ("precision", "recall", "density", "coverage", "class_entropy", "accuracy", "nearest_ratio")


def tables() -> str:
    """The tables of the README, in Markdown."""
    cards = checkpoints.cards()
    text = [c for c in cards if data.modality(c.dataset) is data.Modality.TEXT]
    strokes = [c for c in cards if data.modality(c.dataset) is data.Modality.STROKES]
    pictures = [c for c in cards if c not in text]
    of_garments = [c for c in pictures if c.dataset == "fashion"]  # figures of other data do not compare
    found = [likelihood_table(of_garments), picture_table(of_garments)]
    for dataset in dict.fromkeys(c.dataset for c in text):
        found.append(text_table([c for c in text if c.dataset == dataset]))
    found += [sound_table([c]) for c in cards if "bits_per_sample" in c.metrics]
    found += [strokes_table(strokes)] if strokes else []
    return "\n\n".join([*found, *emoji_report.tables(cards), *drives_report.tables(cards)])


def sound_table(cards: Iterable[Card]) -> str:
    """What held-out voices cost models of sound and models that hear next to nothing, and whose words are named right."""
    rows = []
    for card in cards:
        bits, share = card.metrics["bits_per_sample"], card.metrics["named"]
        rows += [(name, f"{value:.3f}", "", "") for name, value in bits["baselines"].items()]
        real = share["real"]
        rows.append(("real clips, voices held out", "", _percent(real), f"{real['num_clips']}"))
        cost = f"{bits['value']:.3f} ± {bits['standard_error']:.3f} (exact)"
        rows.append((f"`{card.id}`", cost, _percent(share), f"{share['num_clips']}"))
    return _markdown(("sound", "bits/sample of held-out voices", "words named right", "of clips"), rows)


def _percent(share: Mapping[str, Any]) -> str:
    return f"{share['value']:.0%} ± {share['standard_error']:.0%}"


def strokes_table(cards: Iterable[Card]) -> str:
    """One row per model of drawings, and what a stroke without memory costs."""
    rows = []
    for c in cards:
        if "nats_per_drawing" not in c.metrics:
            continue
        whole, point = c.metrics["nats_per_drawing"], c.metrics["nats_per_point"]
        rows.append(
            (
                f"`{c.id}`",
                f"{whole['value']:.2f} ± {whole['standard_error']:.2f}",
                f"{point['value']:.3f}",
                f"{whole['without_code']:.2f}, {point['without_code']:.3f}",
                f"{whole['mean_stroke']:.2f}, {point['mean_stroke']:.3f}",
                f"{c.parameters / 1e6:.2f} M",
            )
        )
    head = ("checkpoint", "nats/drawing (bound)", "nats/point (bound)", "told no code (exact)")
    return _markdown((*head, "a mean stroke", "parameters"), rows)


def text_table(cards: Iterable[Card]) -> str:
    """One row per model of text, the best first."""
    cards = list(cards)
    is_code = any("syntax" in c.metrics for c in cards)
    what = next((data.DATASETS[c.dataset].parts for c in cards if c.dataset in data.DATASETS), "texts")
    measured = [(c, c.metrics["bits_per_char"]) for c in cards if "bits_per_char" in c.metrics]
    rows = [
        (
            f"`{c.id}`",
            f"{bits['value']:.3f} ± {bits['standard_error']:.3f}",
            f"{c.parameters / 1e6:.2f} M",
            ", ".join(f"{name} {value:.2f}" for name, value in bits["books"].items()),
            _times(c),
            *([_parses(c)] if is_code else []),
        )
        for c, bits in sorted(measured, key=lambda pair: pair[1]["value"])
    ]
    head = (
        "checkpoint",
        f"bits/character of the test {what} (exact)",
        "parameters",
        f"{what[:-1]} by {what[:-1]}",
    )
    again = "made-up name, first and second time"
    return _markdown((*head, again, *(["of its code parses"] if is_code else [])), rows)


def _times(card: Card) -> str:
    """What a made-up name costs each time that it stands in a text, in bits per character."""
    return ", ".join(f"{value:.2f}" for value in card.metrics.get("in_context", {}).get("values", []))


def _parses(card: Card) -> str:
    """The share of its samples that Python can parse, and what is wrong with the others."""
    found = card.metrics.get("syntax")
    if found is None:
        return ""
    wrong = ", ".join(f"{name} {found[name]:.0%}" for name in ("brackets", "indentation", "other"))
    return f"{found['value']:.0%} ± {found['standard_error']:.0%} (real {found['real']['value']:.0%}); wrong: {wrong}"


def likelihood_table(cards: Iterable[Card]) -> str:
    """One row per checkpoint, those that say most about a picture first."""

    def bits(card: Card) -> float:
        return float(card.metrics.get("bits_per_dim", {"value": 99.0})["value"])

    rows = [
        (f"`{c.id}`", _likelihood(c), f"{c.parameters / 1e6:.2f} M", f"{c.images_seen:,}")
        for c in sorted(cards, key=lambda c: (bits(c), c.id))
    ]
    return _markdown(("checkpoint", "bits/dim of 8-bit values", "parameters", "training images seen"), rows)


def picture_table(cards: Iterable[Card], dataset: str = "fashion") -> str:
    """The baselines and, best first, every checkpoint whose pictures were measured."""
    found = [c for c in cards if c.dataset == dataset and PICTURES in c.metrics]
    counts = sorted(
        {c.metrics[PICTURES]["num_images"] for c in found} or {baselines.NUM_REFERENCE}, reverse=True
    )
    rows = []
    for count in counts:
        written = baselines.read(dataset, count)
        blur = written.get(baselines.BLUR)
        for name, figures in written.items():
            rows.append(_picture_row(baselines.BASELINES[name][0], {**figures, **_quality(figures, blur)}))
        of_count = [c for c in found if c.metrics[PICTURES]["num_images"] == count]
        for card in sorted(of_count, key=lambda c: c.metrics[PICTURES]["fid"]["value"]):
            rows.append(_picture_row(f"`{card.id}`", card.metrics[PICTURES]))
    head = ("pictures", "N", "FID", "of the blur's", "second judge", *(n.replace("_", " ") for n in _NAMES))
    return _markdown((*head, "passes", "ms", "drawn with"), rows)


def _quality(figures: Mapping[str, Any], blur: Mapping[str, Any] | None) -> dict[str, Any]:
    """A mark's FID as a fraction of the blur's, by both judges."""
    if not blur:
        return {}
    found: dict[str, Any] = {"quality": {"value": figures["fid"]["value"] / blur["fid"]["value"]}}
    if "second" in figures:
        value = figures["second"]["fid"]["value"] / blur["second"]["fid"]["value"]
        found["second"] = {**figures["second"], "quality": {"value": value}}
    return found


def _picture_row(title: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    second = figures.get("second", {}).get("quality")
    fid = figures["fid"]
    return (
        title,
        f"{figures['num_images']:,}",
        f"{fid['value']:.3f} ± {fid['standard_error']:.3f}",
        f"{figures['quality']['value']:.3f}" if "quality" in figures else "",
        f"{second['value']:.3f}" if second else "",
        *(f"{figures[name]['value']:.3f}" if name in figures else "" for name in _NAMES),
        str(figures.get("passes", "")),
        f"{figures['milliseconds']:.1f}" if "milliseconds" in figures else "",
        settings_text(figures.get("settings", {})),
    )


def settings_text(settings: Mapping[str, Any]) -> str:
    """``name=value`` for each; a label of -1 means each class in turn."""
    return ", ".join(f"{k}={'each' if k == 'label' and v == -1 else v}" for k, v in settings.items())


def _likelihood(card: Card) -> str:
    bits = card.metrics.get("bits_per_dim")
    if nats := card.metrics.get("log_likelihood"):
        return f"{nats_text(nats)} of black and white pixels, by annealed importance sampling (not bits/dim)"
    if bits is None:
        word = {"none": "none", "energy": "energy only: log p(x) up to an unknown constant"}
        return word.get(card.likelihood, "not measured")
    few = "" if bits["num_images"] == 10_000 else f", {bits['num_images']:,} images"
    said = f"{bits['value']:.3f} ± {bits['standard_error']:.3f} ({bits['kind']}{few})"
    tighter = card.metrics.get("importance_weighted_bits_per_dim_64")
    return said + (f"; {tighter['value']:.3f} with 64 importance weights" if tighter else "")


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    rows = list(rows)
    filled = [i for i in range(len(head)) if not rows or any(row[i] for row in rows)]  # no empty columns
    lines = [tuple(line[i] for i in filled) for line in (head, ("---",) * len(head), *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sentences(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The figures of drawn pictures as names and texts, for the model card and the terminal."""

    def value(name: str, within: Mapping[str, Any] = figures) -> str:
        found = within[name]
        return f"{found['value']:.3f} ± {found['standard_error']:.3f}"

    said = [("pictures", f"FID {value('fid')} of {figures['num_images']:,} pictures")]
    if "quality" in figures:
        said.append(("against a 3x3 blur", f"{value('quality')} of the FID that blurred real pictures have"))
    if "second" in figures and "quality" in figures["second"]:
        said.append(("by the second judge", f"{value('quality', figures['second'])} of the blur's FID"))
    said.append(("faithful", f"precision {value('precision')}, density {value('density')}"))
    said.append(("varied", f"recall {value('recall')}, coverage {value('coverage')}"))
    if "class_entropy" in figures:
        said.append(("classes", f"entropy {value('class_entropy')} of the largest"))
    if "accuracy" in figures:
        said.append(("class as asked", value("accuracy")))
    if "nearest_ratio" in figures:
        said.append(("nearest training picture", f"{value('nearest_ratio')} times as far as from a real one"))
    if "near_by_pixels" in figures:
        near = f"{value('near_by_pixels')} in pixels, {value('near_by_features')} in features"
        said.append(("nearer to training than 99 % of held-out pictures", near))
    if "passes" in figures:
        cost = f"{figures['passes']} network passes, {figures['milliseconds']:.1f} ms for each picture"
        settings = settings_text(figures.get("settings", {}))
        said.append(("drawn with", f"{cost}" + (f" ({settings})" if settings else "")))
    return said
