"""The tables of the Compare tab: what was measured of every checkpoint, and what others published.  No torch, no Qt.

A figure that nobody measured is absent from its row: never zero.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from playground import data, families, paths
from playground.checkpoints import Card
from playground.checkpoints.figures import PICTURES
from playground.evaluation import baselines
from playground.evaluation.report import BINARISED, settings_text
from playground.export.csv_table import Table

Value = float | str
STARS = 5
STAR_RULE = (
    "Stars: in each column the measured models are ranked; the best fifth gets five, the next fifth four, and so on, "
    "and equal figures get equal stars. So that N does not matter, FID is ranked as a fraction of the blur's, and "
    "precision, recall and coverage as fractions of what real pictures reach, at the same N. A "
    "model of black and white pictures takes no part."
)
OF_REAL = {
    name: f"{name}_of_real" for name in ("precision", "recall", "coverage")
}  # figures that depend on N
_RANKED_AS = {"fid": "quality", **OF_REAL}


@dataclass(frozen=True)
class Column:
    """One column: what it is called, how its figures are written, and which way is better."""

    key: str
    title: str
    tip: str
    text: Callable[[Any], str] = str
    better: int = 0  # 1: more is better, -1: less is better, 0: neither


@dataclass(frozen=True)
class Row:
    """A line of a table; ``key`` is a checkpoint's id, or "" for a row of reference."""

    name: str
    family: str
    values: Mapping[str, Value]
    key: str = ""
    tips: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)  # what stands before a figure
    ranked: bool = True  # takes part when stars are given


# --- how figures are written


def duration(seconds: float) -> str:
    """9 min, 1 h 48 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def decimals(count: int, value: float) -> str:
    """A fixed number of decimals."""
    return f"{value:,.{count}f}"


def cost(milliseconds: float) -> str:
    """Three figures or so."""
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:,.1f}"


def percent(value: float) -> str:
    """Of a share: one decimal."""
    return f"{100 * value:.1f} %"


def _plain(value: float) -> str:
    return f"{value:.0f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


COLUMNS = (
    Column("name", "model", "A checkpoint of this program, or a mark on the ruler"),
    Column(
        "fid",
        "FID",
        "Distance of its pictures from real ones on our own judge's features: less is better. Compares with nothing "
        "that others print.",
        partial(decimals, 2),
        -1,
    ),
    Column(
        "quality",
        "FID, blur = 1",
        "FID as a fraction of that of real pictures blurred 3x3",
        partial(decimals, 2),
        -1,
    ),
    Column("precision", "precision", "How many of its pictures could be real", partial(decimals, 3), 1),
    Column("recall", "recall", "How much of what is real it can reach", partial(decimals, 3), 1),
    Column(
        "coverage", "coverage", "How many real pictures have one of its near them", partial(decimals, 3), 1
    ),
    Column(
        "memorised",
        "memorised",
        "How many of its pictures lie nearer to a training picture than 99 % of held-out real ones do: 1 % would be as real ones, "
        "much more a model that copies. Blurred pictures are near to everything.",
        percent,
        -1,
    ),
    Column("count", "N", "Pictures that were drawn to measure it: FIDs at other N differ a little", _count),
    Column(
        "milliseconds",
        "ms/image",
        "Processor time for each picture in a batch of 128, at the settings measured",
        cost,
        -1,
    ),
    Column("passes", "passes", "Through the network, for each picture", _count, -1),
    Column("training", "trained", "Time that its training took, on one processor core", duration, -1),
    Column("parameters", "M params", "Millions of parameters", partial(decimals, 2), -1),
    Column(
        "bits", "bits/dim", "Bits for each pixel of a test picture: less is better", partial(decimals, 3), -1
    ),
    Column(
        "likelihood",
        "likelihood",
        "exact, a bound (the truth is at most this), an energy (up to an unknown constant), or none at all",
    ),
    Column("resolution", "size", "Height and width of its pictures", lambda side: f"{side:.0f}x{side:.0f}"),
    Column("year", "year", "Of the paper", _plain),
    Column("family", "family", "The tab that it stands in"),
    Column("system", "system", "What it is"),
)


def rows(cards: Sequence[Card], titles: Mapping[str, str] | None = None) -> list[Row]:
    """A row for every checkpoint of pictures, and the baselines at every count of pictures that one of them was measured with.

    Args:
        cards: with their metrics.
        titles: family -> the name of its tab.
    """
    cards = [c for c in cards if data.modality(c.dataset).has_pixels and families.has_tab(c.family)]
    found = [_row(card, titles or {}) for card in cards]
    for dataset in sorted({card.dataset for card in cards}):
        used = {
            c.metrics[PICTURES]["num_images"] for c in cards if c.dataset == dataset and PICTURES in c.metrics
        }
        for count in sorted(used, reverse=True):
            found += _marks(dataset, count, several=len(used) > 1)
    return found


def _row(card: Card, titles: Mapping[str, str]) -> Row:
    pictures, bits = card.metrics.get(PICTURES, {}), card.metrics.get("bits_per_dim")
    values: dict[str, Value] = {
        "name": card.id,
        "family": titles.get(card.family, card.family),
        "system": card.system,
        "training": card.training_seconds,
        "parameters": card.parameters / 1e6,
        "likelihood": card.likelihood,
        **_figures(pictures),
        **_against_real(card.dataset, pictures),
    }
    tips = _errors(pictures)
    if (year := year_of(card.paper)) is not None:
        values["year"] = year
        tips["year"] = tips["system"] = card.paper
    if near := card.metrics.get("memorised", pictures.get("near_by_pixels")):
        values["memorised"] = near["value"]
        tips["memorised"] = f"{percent(near['value'])} ± {percent(near['standard_error'])}"
    if bits:
        values["bits"] = bits["value"]
        tips["bits"] = (
            f"{bits['value']:.3f} ± {bits['standard_error']:.3f} ({bits['kind']}), {bits['num_images']:,} test images"
        )
    if card.dataset in data.DATASETS:
        values["resolution"] = float(data.DATASETS[card.dataset].image_shape[0])
    if settings := pictures.get("settings"):
        tips["name"] = tips["milliseconds"] = tips["passes"] = f"measured with {settings_text(settings)}"
    ranked = card.network not in BINARISED
    if not ranked:
        values["likelihood"] = f"{card.likelihood}, binarised"
        tips["fid"] = "Of its own grey, the probability of white: not ranked with models of grey pictures"
    return Row(card.id, card.family, values, card.id, tips, ranked=ranked)


def _figures(pictures: Mapping[str, Any]) -> dict[str, Value]:
    """What was measured of pictures; what was not is left out."""
    found: dict[str, Value] = {
        name: pictures[name]["value"]
        for name in ("fid", "quality", "precision", "recall", "coverage")
        if name in pictures
    }
    for name, key in (("milliseconds", "milliseconds"), ("passes", "passes"), ("count", "num_images")):
        if key in pictures:
            found[name] = float(pictures[key])
    return found


def _against_real(dataset: str, pictures: Mapping[str, Any]) -> dict[str, Value]:
    """What depends on how many pictures were drawn, as a fraction of what as many real ones reach."""
    real = baselines.read(dataset, pictures["num_images"]).get("held_out", {}) if pictures else {}
    shared = [n for n in OF_REAL if n in pictures and real.get(n, {}).get("value")]
    return {OF_REAL[n]: pictures[n]["value"] / real[n]["value"] for n in shared}


def _errors(pictures: Mapping[str, Any]) -> dict[str, str]:
    names = [n for n in ("fid", "quality", "precision", "recall", "coverage") if n in pictures]
    return {n: f"{pictures[n]['value']:.4f} ± {pictures[n]['standard_error']:.4f}" for n in names}


def _marks(dataset: str, count: int, several: bool) -> list[Row]:
    written = baselines.read(dataset, count)
    blur = written.get(baselines.BLUR)
    found = []
    for name, figures in written.items():
        title = baselines.BASELINES[name][0]
        full = f"{title}, N = {count:,}" if several else title
        values: dict[str, Value] = {"name": full, "system": title, "family": "reference", **_figures(figures)}
        if blur:
            values["quality"] = figures["fid"]["value"] / blur["fid"]["value"]
        values.setdefault("count", float(count))
        found.append(Row(full, "neutral", values, tips=_errors(figures)))
    return found


def year_of(paper: str) -> int | None:
    """The first year that a reference names."""
    found = re.search(r"\b(19|20)\d\d\b", paper)
    return int(found.group()) if found else None


# --- stars


def stars(rows: Iterable[Row], columns: Sequence[Column] = COLUMNS) -> dict[tuple[str, str], int]:
    """(checkpoint, column) -> 1 to 5, by :data:`STAR_RULE`; baselines are no entrants, and what has no figure no star."""
    models = [row for row in rows if row.key and row.ranked]
    found = {}
    for column in columns:
        if not column.better:
            continue
        ranked = _RANKED_AS.get(column.key, column.key)
        figures = {r.key: float(r.values[ranked]) for r in models if ranked in r.values}
        for key, value in figures.items():
            ahead = sum((other - value) * column.better > 0 for other in figures.values())
            found[key, column.key] = STARS - math.floor(STARS * ahead / len(figures))
    return found


# --- published by others

PUBLISHED_COLUMNS = (
    Column("name", "system", "As its source calls it"),
    Column("family", "family", "Which family it belongs to"),
    Column("year", "year", "Of its own paper", _plain),
    Column(
        "fid",
        "CIFAR-10 FID",
        "Inception features: compares with nothing that we measure",
        partial(decimals, 2),
        -1,
    ),
    Column("cifar_bits", "CIFAR-10 bits/dim", "8-bit colour pictures of 32x32", partial(decimals, 2), -1),
    Column("imagenet32_bits", "ImageNet 32", "Bits/dim on pictures of 32x32", partial(decimals, 2), -1),
    Column("imagenet64_bits", "ImageNet 64", "Bits/dim on pictures of 64x64", partial(decimals, 2), -1),
    Column("bound", "kind", "at most: a bound on the likelihood; about: printed as approximate"),
    Column("source", "source", "Where the figure is printed"),
    Column("flag", "remark", "Where a figure is doubted"),
)


def published(titles: Mapping[str, str] | None = None) -> tuple[list[Row], dict[str, str]]:
    """The figures of ``assets/published.toml`` as rows, and the full references: short name -> text.

    Raises:
        OSError, ValueError, KeyError: if the file is not there or is not what it should be.
    """
    read = tomllib.loads((paths.folder("assets") / "published.toml").read_text(encoding="utf-8"))
    sources = read["sources"]
    found = []
    for entry in read["rows"]:
        source = sources[entry["source"]]
        values: dict[str, Value] = {
            "name": entry["system"],
            "family": (titles or {}).get(entry["family"], entry["family"]),
            "source": source["short"],
        }
        for name in ("year", "fid", "cifar_bits", "imagenet32_bits", "imagenet64_bits"):
            if name in entry:
                values[name] = float(entry[name])
        signs = {}
        if entry.get("bound") or entry.get("about"):
            values["bound"] = "at most" if entry.get("bound") else "about"
            signs["cifar_bits"] = "≤ " if entry.get("bound") else "≈ "
        if "flag" in entry:
            values["flag"] = entry["flag"]
        tips = {"source": source["text"], **({"fid": entry["flag"]} if "flag" in entry else {})}
        found.append(Row(entry["system"], entry["family"], values, tips=tips, signs=signs))
    return found, {s["short"]: s["text"] for s in sources.values()}


# --- order and export


def in_order(rows: Sequence[Row], column: str, falling: bool = False) -> list[Row]:
    """Sorted by one column, as numbers where they are numbers; blanks come last either way."""
    there = [row for row in rows if column in row.values]
    blank = [row for row in rows if column not in row.values]

    def key(row: Row) -> tuple[float, str]:
        value = row.values[column]
        return (value, "") if isinstance(value, int | float) else (0.0, value.lower())

    return [*sorted(there, key=key, reverse=falling), *blank]


def as_table(name: str, rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    """For a CSV file; blanks stay blank."""
    return Table(
        name, [c.title for c in columns], [[row.values.get(c.key, "") for c in columns] for row in rows]
    )
