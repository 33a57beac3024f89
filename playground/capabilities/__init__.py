"""What some models can do besides sampling: one small protocol for each thing that a view, a command or a measurement asks.

``isinstance(model, Decodes)`` alone finds out; :func:`promises` asks the same of a class.  Members are methods or attributes, never
submodules, parameters or buffers, which ``isinstance`` does not see from Python 3.12 on.  Neither torch nor Qt is imported.
"""

from __future__ import annotations

from playground.capabilities.codes import (
    DrawsBelow,
    FillsMaskedCells,
    PromptsToCodes,
    Tokenizes,
    TokenizesVectors,
)
from playground.capabilities.pictures import (
    Adversarial,
    AttendsSparsely,
    AttendsToPixels,
    BuildsOn,
    ClassConditional,
    Completes,
    Decodes,
    DecodesFrames,
    Denoises,
    DenoisesPrompts,
    DrawsInGroups,
    Encodes,
    EstimatesPartition,
    FollowsGuide,
    HalvesPrecision,
    HasEnergy,
    HasHiddenUnits,
    HasNoiseLevels,
    HasStyles,
    ImportanceWeighted,
    Invertible,
    JumpsToData,
    MasksConnections,
    MeasuresInformation,
    Precision,
    PredictsPixels,
    PricesReconstruction,
    ReadsPrompts,
    Reconstructs,
    Scores,
    SplitsElbo,
    TakesNoiseAway,
    Translates,
    Upscales,
)
from playground.capabilities.sequences import (
    AttendsToCharacters,
    DrawsStrokes,
    Dreams,
    ReadsFiles,
    Speaks,
    WritesText,
)

__all__ = [
    "Adversarial",
    "AttendsSparsely",
    "AttendsToCharacters",
    "AttendsToPixels",
    "BuildsOn",
    "ClassConditional",
    "Completes",
    "Decodes",
    "DecodesFrames",
    "Denoises",
    "DenoisesPrompts",
    "DrawsBelow",
    "DrawsInGroups",
    "DrawsStrokes",
    "Dreams",
    "Encodes",
    "EstimatesPartition",
    "FillsMaskedCells",
    "FollowsGuide",
    "HalvesPrecision",
    "HasEnergy",
    "HasHiddenUnits",
    "HasNoiseLevels",
    "HasStyles",
    "ImportanceWeighted",
    "Invertible",
    "JumpsToData",
    "MasksConnections",
    "MeasuresInformation",
    "Precision",
    "PredictsPixels",
    "PricesReconstruction",
    "PromptsToCodes",
    "ReadsFiles",
    "ReadsPrompts",
    "Reconstructs",
    "Scores",
    "Speaks",
    "SplitsElbo",
    "TakesNoiseAway",
    "Tokenizes",
    "TokenizesVectors",
    "Translates",
    "Upscales",
    "WritesText",
    "promises",
]


def promises(kind: type, capability: type) -> bool:
    """Whether instances of a class will have the methods that a capability adds to those that it builds on."""
    added = [name for name, member in vars(capability).items() if callable(member) and name[0] != "_"]
    return all(hasattr(kind, name) for name in added)
