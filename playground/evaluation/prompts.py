"""Does a text-to-image model do what it is told?  Measured on words and things that training never put together.

By pixels: whether a colour word is obeyed, and whether both colours of "A beside B" are on their sides (the measures are those of
``data/emoji/colours.py``).  By a classifier that never saw the held-out pairs (``emoji_features.py``): whether a drawing shows
its concept rather than 19 others, and in its style.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from playground.contract import Model, knobs, make_request
from playground.data import emoji
from playground.data.emoji import captions as emoji_captions
from playground.data.emoji import colours as emoji_colours
from playground.evaluation import emoji_features

COUNT = 120  # prompts of each kind
_TOGETHER = 50  # pictures drawn at once
Prompts = Sequence[tuple[str, str]]  # (style, prompt)


def measure(
    model: Model, count: int | None, settings: Mapping[str, Any], tell: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Every share, each as a figure with its standard error; ``count`` prompts of each kind (default 120, all new pairs)."""
    figures: dict[str, dict[str, Any]] = {}
    words, things = held_out_colours(count or COUNT, seed=0)
    drawn = draw(
        model,
        [(style, emoji_captions.named(n, w)) for w, (style, n) in zip(words, things, strict=True)],
        settings,
    )
    obeyed = [emoji_colours.colour_obeyed(x[None], w)[0] for x, w in zip(drawn, words, strict=True)]
    figures["colour_obeyed"] = share(obeyed, "by pixels")
    tell(f"{len(drawn)} held-out pairs of a colour and a thing")
    pairs = held_out_pairs(count or COUNT, seed=0)
    said = [(p.style, p.prompt) for p in pairs]
    orders = {"both_colours_bound": settings}
    if any(k.name == "word_order" for k in knobs(model.Request)):
        orders["both_colours_bound_without_word_order"] = {**settings, "word_order": False}
    for figure, how in orders.items():
        laid = draw(model, said, how)
        figures[figure] = share([p.is_bound(x) for p, x in zip(pairs, laid, strict=True)], "by pixels")
    tell(f"{len(laid)} held-out pairs of things beside each other")
    figures["coloured_thing_right"] = share(
        emoji_features.concepts_right(drawn, [n for _, n in things]), "by a classifier"
    )
    new = _first("new-pairs", count)
    made = draw(model, _said(new), settings, tell)
    for name, images in (("drawn", made), ("real", new.images)):
        right = emoji_features.concepts_right(images, new.names.tolist())
        figures[f"new_pairs_concept_{name}"] = share(right, "by a classifier")
        right = emoji_features.styles_right(images, new.styles.tolist())
        figures[f"new_pairs_style_{name}"] = share(right, "by a classifier")
    tell(f"{len(made)} new pairs of a concept and a style")
    unknown = _first("new-concepts", count)
    places = list(zip(unknown.styles.tolist(), unknown.names.tolist(), strict=True))
    for name, images in (("drawn", draw(model, _said(unknown), settings, tell)), ("real", unknown.images)):
        right = emoji_features.new_concepts_right(images, places)
        figures[f"new_concepts_{name}"] = share(right, "by a classifier's features")
    return figures


def _first(split: emoji.EmojiSplit, count: int | None) -> emoji.Drawings:
    held = emoji.load(split)
    return held[np.arange(len(held))[: count or len(held)]]


def _said(some: emoji.Drawings) -> Prompts:
    names = (emoji_captions.named(n) for n in some.names.tolist())
    return list(zip(some.styles.tolist(), names, strict=True))


def share(right: Sequence[Any] | np.ndarray, kind: str) -> dict[str, Any]:
    """How many of some pictures are right, with the standard error of a proportion."""
    values = np.asarray(right, dtype=np.float64)
    mean = float(values.mean())
    error = float(np.sqrt(max(mean * (1 - mean), 1e-9) / len(values)))
    return {"value": mean, "standard_error": error, "unit": "of 1", "kind": kind, "num_images": len(values)}


def draw(
    model: Model,
    prompts: Prompts,
    settings: Mapping[str, Any],
    tell: Callable[[str], None] = lambda line: None,
) -> np.ndarray:
    """One picture for each prompt, uint8 (N,H,W,C); noise hangs on the place in the list."""
    request: Any = make_request(model.Request, {"seed": 0, **settings})
    parts = []
    for first in range(0, len(prompts), _TOGETHER):
        some = tuple(prompts[first : first + _TOGETHER])
        *_, frame = model.sample(
            dataclasses.replace(request, num_samples=len(some), first_index=first, each=some)
        )
        parts.append(frame.images)
        tell(f"{first + len(some)} of {len(prompts)} pictures")
    return np.concatenate(parts)


# --- what was held out


def held_out_colours(count: int, seed: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Colour words and the (style, name) that training never called by them, drawn at random, each thing once if there are enough."""
    known = emoji.load("train")
    known = known[emoji_captions.recolourable(known)]
    places = [
        (word, (style, name))
        for name, style in zip(known.names.tolist(), known.styles.tolist(), strict=True)
        for word in emoji_colours.HUES
        if emoji_captions.held_out(word, emoji.family(name))
        and len(name.split("-")) <= emoji_captions.MOST_WORDS - 1
    ]
    chosen = np.random.default_rng(seed).permutation(len(places))[:count]
    return [places[i][0] for i in chosen], [places[i][1] for i in chosen]


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two coloured things beside each other."""

    style: str
    colours: tuple[str, str]
    prompt: str

    def is_bound(self, image: np.ndarray) -> bool:
        """Whether both colours are on their sides."""
        half = image.shape[1] // 2
        sides = (image[:, :half], image[:, half:])
        return all(
            bool(emoji_colours.colour_obeyed(s[None], c)[0]) for s, c in zip(sides, self.colours, strict=True)
        )


def held_out_pairs(count: int, seed: int) -> list[Pair]:
    """ "COLOUR thing beside COLOUR thing" that training never showed, two different colours each."""
    known = emoji.load("train")
    short = np.array([len(n.split("-")) <= 2 for n in known.names.tolist()])
    known = known[emoji_captions.recolourable(known) & short]
    rng = np.random.default_rng(seed)
    found: list[Pair] = []
    words = [w for w in emoji_colours.HUES if w != "orange"]  # too near to yellow
    while len(found) < count:
        style = str(rng.choice(emoji.STYLES))
        names = rng.choice(known.names[known.styles == style], 2).tolist()
        colours = rng.choice(words, 2, replace=False).tolist()
        said = [emoji_captions.named(n, c) for n, c in zip(names, colours, strict=True)]
        if emoji_captions.held_out("beside", " ".join(said)):
            found.append(Pair(style, (colours[0], colours[1]), " beside ".join(said)))
    return found
