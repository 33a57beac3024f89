"""What was measured of models of emoji, as the README's tables.  No torch: the window and ``playground list`` read it too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from playground import checkpoints, paths
from playground.checkpoints import Card

PICTURES = "colour_pictures"  # the key in a ``.metrics.json`` under which the figures of pictures stand
MARKS = {
    "other_half": "drawings of training, other ones",
    "held_out": "held-out drawings",
    "noise": "drawings, with noise of sigma 12",
    "blur": "drawings, through a 3x3 blur",
}
_FIDELITY = ("precision", "recall", "density", "coverage")
_OBEYED = {  # figure -> what it says; "drawn" and "real" are two figures of one line
    "new_pairs_concept": "concept right: new pairs of concept and style, own against 19 others",
    "new_pairs_style": "style right, of the same",
    "new_concepts": "concept right: concepts never seen, by the nearest held-out drawing of 20 concepts",
    "colour_obeyed": "colour word obeyed: new pairs of colour and thing, by pixels",
    "coloured_thing_right": "thing still itself, of the same",
    "both_colours_bound": "*A beside B*: both colours on their sides, by pixels",
    "both_colours_bound_without_word_order": "*A beside B*, the order of the words forgotten",
}


_PAINTED = {
    "drawing": "the drawing as it is",
    "mean_colour": "each level of ink in its mean colour",
    "nearest": "the colours of the nearest training drawing",
    "truth": "the true colours",
}
_WAYS = {
    "there": "there, all shared names",
    "back": "back, all shared names",
    "there_held_out": "there, held-out concepts",
    "back_held_out": "back, held-out concepts",
}
_FAR = ("l1", "l1_unchanged", "moved", "round_trip")
_RECOGNISED = ("style", "style_real", "thing", "thing_unchanged")


def classifier_file() -> Path:
    """The checkpoint of the classifier that measures, which lies among the judges."""
    return paths.folder("assets") / "judge/concepts-emoji.safetensors"


def marks_file() -> Path:
    """Where the figures of drawings, and of spoiled ones, are written down."""
    return paths.folder("assets") / "judge" / "marks-emoji.json"


def marks() -> dict[str, Any]:
    """Name -> figures, as written down; empty if another classifier measured them."""
    try:
        written = json.loads(marks_file().read_text(encoding="utf-8"))
        measured_by = checkpoints.weights_hash(classifier_file())
        return dict(written["marks"]) if written["classifier"] == measured_by else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def tables(cards: Iterable[Card]) -> list[str]:
    """The tables of colour pictures, first stages, words, super-resolution and translation: those that have a row, each a header and its rows."""
    cards = list(cards)
    found = (_pictures, _first_stages, _words, _super_resolution, _painted, _turned)
    made = [table(cards) for table in found]
    return ["\n".join(lines) for lines in made if len(lines) > 2]


def _pictures(cards: list[Card]) -> list[str]:
    head = (
        "colour pictures", "N", "FID", "of the blur's", *_FIDELITY,
        "nearer to training than 99 % of held-out drawings: in pixels", "in features",
    )  # fmt: skip
    rows = [(MARKS[name], figures) for name, figures in marks().items()]
    measured = [(f"`{c.id}`", c.metrics[PICTURES]) for c in cards if PICTURES in c.metrics]
    rows += sorted(measured, key=lambda row: row[1]["fid"]["value"])
    return _table(head, [_picture_row(title, figures) for title, figures in rows])


def _picture_row(title: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        title,
        f"{figures['num_images']:,}",
        f"{figures['fid']['value']:.3f} ± {figures['fid']['standard_error']:.3f}",
        f"{figures['quality']['value']:.3f}",
        *(f"{figures[name]['value']:.3f}" for name in _FIDELITY),
        *(
            f"{100 * figures[name]['value']:.1f} %" if name in figures else ""
            for name in ("near_by_pixels", "near_by_features")
        ),
    )


def _first_stages(cards: list[Card]) -> list[str]:
    """What comes back of held-out drawings, beside how many codes of a codebook are in use."""
    names = ("psnr_new_pairs", "psnr_new_concepts")
    measured = sorted(
        (c for c in cards if names[0] in c.metrics), key=lambda c: -c.metrics[names[0]]["value"]
    )
    rows = [
        (
            f"`{card.id}`",
            *(f"{card.metrics[n]['value']:.2f} ± {card.metrics[n]['standard_error']:.2f} dB" for n in names),
            f"{100 * card.metrics['codebook_use']['value']:.1f} %" if "codebook_use" in card.metrics else "",
            f"{card.metrics['codebook_perplexity']['value']:.0f}"
            if "codebook_perplexity" in card.metrics
            else "",
        )
        for card in measured
    ]
    head = (
        "first stage",
        "PSNR, new pairs",
        "PSNR, new concepts",
        "codes that occur",
        "perplexity of the codes",
    )
    return _table(head, rows)


def _words(cards: list[Card]) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for card in cards:
        for name, title in _OBEYED.items():
            drawn = card.metrics.get(name) or card.metrics.get(f"{name}_drawn")
            if drawn is not None:
                real = card.metrics.get(f"{name}_real")
                said = _share(real) if real else ""
                rows.append((f"`{card.id}`", title, _share(drawn), said, str(drawn["num_images"])))
    return _table(("checkpoint", "words", "drawn", "real drawings", "prompts"), rows)


def _share(figure: Mapping[str, Any]) -> str:
    return f"{100 * figure['value']:.1f} ± {100 * figure['standard_error']:.1f} %"


def _super_resolution(cards: list[Card]) -> list[str]:
    names = ("psnr_drawings", "psnr_drawings_bicubic", "psnr_decoded", "psnr_decoded_bicubic")
    rows = [
        (f"`{c.id}`", *(f"{c.metrics[n]['value']:.2f} dB" for n in names), f"{c.metrics[names[0]]['num_images']}")
        for c in cards
        if names[0] in c.metrics
    ]  # fmt: skip
    head = (
        "32x32 to 64x64",
        "held-out drawings",
        "bicubic",
        "the same, decoded by `kl-emoji`",
        "bicubic",
        "N",
    )
    return _table(head, rows)


def _painted(cards: list[Card]) -> list[str]:
    """Line drawings in colours; what needs no learning stands in the figures of the first model."""
    measured = [c for c in cards if "l1_nearest" in c.metrics]
    rows = [
        row
        for c in measured
        for name, title in (
            ("", f"`{c.id}`"),
            ("_three_dabs", f"`{c.id}`, three dabs where it is most wrong"),
        )
        for row in [_painted_row(title, c.metrics, name)]
    ]
    for name, title in _PAINTED.items():
        rows += [_painted_row(title, c.metrics, f"_{name}") for c in measured[:1]]
    return _table(("held-out line drawings in colours", "L1, grey levels", "FID", "sharpness", "N"), rows)


def _painted_row(title: str, figures: Mapping[str, Any], name: str) -> tuple[str, ...]:
    l1, fid, sharpness = (figures[f"{kind}{name}"] for kind in ("l1", "fid", "sharpness"))
    said = (f"{f['value']:.1f} ± {f['standard_error']:.1f}" for f in (l1, fid))
    return (title, *said, f"{sharpness['value']:.1f}", str(l1["num_images"]))


def _turned(cards: list[Card]) -> list[str]:
    rows = []
    for card in cards:
        for way, title in _WAYS.items():
            if f"{way}_l1" not in card.metrics:
                continue
            found = {
                n: card.metrics[f"{way}_{n}"] for n in (*_FAR, *_RECOGNISED) if f"{way}_{n}" in card.metrics
            }
            far = [f"{found[n]['value']:.1f}" for n in _FAR]
            recognised = [f"{100 * found[n]['value']:.0f} %" if n in found else "" for n in _RECOGNISED]
            rows.append((f"`{card.id}`", title, *far, *recognised, str(found["l1"]["num_images"])))
    head = (
        "two styles, no pairs", "way", "to the truth", "unchanged to the truth", "moved", "back to itself",
        "other style recognised", "real ones", "thing recognised", "before", "N",
    )  # fmt: skip
    return _table(head, rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows)]
