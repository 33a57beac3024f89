"""Counting n-grams and keeping the ones that matter: interpolated absolute discounting, pruned to a fixed size.

Ney, Essen and Kneser 1994, "On structuring probabilistic dependences in stochastic language modelling":
``p(c|h) = max(n(h,c) - D, 0) / n(h) + gamma(h) p(c|h')``, where h' is h without its oldest character.  What is pruned
(after Stolcke 1998) leaves its share to gamma, so that the probabilities always sum to 1.  Numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BASE = 128  # codes; a key is its characters as digits, the newest of the context lowest


@dataclass(frozen=True, eq=False)
class Order:
    """All n-grams of one context length, sorted by ``keys`` = context * 128 + character.

    Attributes:
        keys: int64 (n,).
        counts: int64 (n,), how often each was seen.
        shares: float64 (n,), max(count - D, 0) / count of its context.
        chances: float64 (n,), p(character | context), interpolated.
        gains: float64 (n,), by how many nats that is above p(character | shorter context).
        contexts: int64 (m,), sorted; ``first`` (m,): where the n-grams of each begin.
    """

    keys: np.ndarray
    counts: np.ndarray
    shares: np.ndarray
    chances: np.ndarray
    gains: np.ndarray
    contexts: np.ndarray
    first: np.ndarray


@dataclass(frozen=True, eq=False)
class Tree:
    """What is kept.  Nodes are contexts, the empty one first, then by length; a child has one older character more.

    Attributes:
        older: uint8 (nodes,), the character that a node adds to its parent; 0 for the first.
        num_children, num_entries: uint8 (nodes,), how many a node has; they follow each other in the order of the nodes.
        characters: uint8 (n,), and shares: float32 (n,), of all entries.
    """

    older: np.ndarray
    num_children: np.ndarray
    num_entries: np.ndarray
    characters: np.ndarray
    shares: np.ndarray


def count(codes: np.ndarray, longest: int) -> list[Order]:
    """Every n-gram of the rows of ``codes`` uint8 (N,T) that follows at least its whole context, for lengths 0..longest.

    The first character of a row is context only.
    """
    wide = codes.astype(np.int64)
    orders: list[Order] = []
    for length in range(longest + 1):
        context = np.zeros((len(wide), max(wide.shape[1] - max(length, 1), 0)), np.int64)
        for back in range(1, length + 1):
            context += wide[:, length - back : wide.shape[1] - back] * BASE ** (back - 1)
        target = wide[:, max(length, 1) :]
        keys, counts = np.unique((context * BASE + target).ravel(), return_counts=True)
        lower = np.full(len(keys), 1 / BASE)
        if orders:  # without the oldest character, the highest digit
            lower = orders[-1].chances[np.searchsorted(orders[-1].keys, keys % BASE**length)]
        orders.append(_interpolated(keys, counts, lower))
    return orders


def _interpolated(keys: np.ndarray, counts: np.ndarray, lower: np.ndarray) -> Order:
    """``lower``: the chances of the same characters after the shorter contexts."""
    contexts, first = np.unique(keys // BASE, return_index=True)
    sizes = np.diff(np.append(first, len(keys)))
    totals = np.repeat(np.add.reduceat(counts, first), sizes)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    discount = min(max(once / max(once + 2 * twice, 1), 0.1), 0.9)  # Ney, Essen and Kneser 1994, eq. 22
    shares = (counts - discount) / totals
    left = discount * np.repeat(sizes, sizes) / totals
    return Order(
        keys, counts, shares, shares + left * lower, np.log((shares + left * lower) / lower), contexts, first
    )


def pruned(orders: list[Order], most_nodes: int, most_entries: int) -> Tree:
    """The n-grams whose loss would cost most bits on the text itself, as many as fit."""
    gains = [order.counts * order.gains for order in orders]

    def fits(kept: Kept) -> bool:
        nodes, entries = _size(kept)
        return nodes <= most_nodes and entries <= most_entries

    best = _kept(orders, gains, -np.inf)
    if fits(best):
        return _tree(orders, best)
    low, high = 1e-3, float(max(gain.max() for gain in gains[1:])) + 1
    best = _kept(orders, gains, high)  # the first characters alone
    for _ in range(24):
        middle = (low * high) ** 0.5
        tried = _kept(orders, gains, middle)
        if fits(tried):
            best, high = tried, middle
        else:
            low = middle
    return _tree(orders, best)


Kept = list[tuple[np.ndarray, np.ndarray]]  # of each length: which contexts, which n-grams (masks)


def _size(kept: Kept) -> tuple[int, int]:
    return sum(int(c.sum()) for c, _ in kept), sum(int(e.sum()) for _, e in kept)


def _kept(orders: list[Order], gains: list[np.ndarray], threshold: float) -> Kept:
    """N-grams whose gain is above a threshold, the contexts that have any, and the contexts that lead to those."""
    found: Kept = []
    needed = np.zeros(0, np.int64)  # contexts of the present length that longer ones hang on
    for length in reversed(range(len(orders))):
        order = orders[length]
        entries = gains[length] > threshold if length else np.ones(len(order.keys), bool)
        contexts = np.logical_or.reduceat(entries, order.first)
        contexts[np.searchsorted(order.contexts, needed)] = True
        found.append((contexts, entries))
        needed = np.unique(order.contexts[contexts] % BASE ** max(length - 1, 0))
    return found[::-1]


def _tree(orders: list[Order], kept: Kept) -> Tree:
    older, children, entries, characters, shares = [], [], [], [], []
    names = [np.zeros(1, np.int64)]  # of each length: the kept contexts, in the order of the tree
    for length, order in enumerate(orders):
        if length:
            chosen = order.contexts[kept[length][0]]
            parent = np.argsort(names[-1], kind="stable")
            place = parent[np.searchsorted(names[-1], chosen % BASE ** (length - 1), sorter=parent)]
            turn = np.lexsort((chosen, place))  # by parent, then by the oldest character
            children.append(np.bincount(place, minlength=len(names[-1])))
            names.append(chosen[turn])
            older.append(names[-1] // BASE ** (length - 1))
        else:
            older.append(names[0])
        mask = kept[length][1]
        keys, values = order.keys[mask], order.shares[mask]
        turn = np.argsort(names[-1], kind="stable")
        place = turn[np.searchsorted(names[-1], keys // BASE, sorter=turn)]
        order_of = np.lexsort((keys, place))
        entries.append(np.bincount(place, minlength=len(names[-1])))
        characters.append(keys[order_of] % BASE)
        shares.append(values[order_of])
    children.append(np.zeros(len(names[-1]), np.int64))

    def whole(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts).astype(np.uint8)

    values = np.concatenate(shares).astype(np.float32)
    return Tree(whole(older), whole(children), whole(entries), whole(characters), values)
