"""Data sets as numpy arrays: one file per data set, and the registry that names them all.  No torch, no Qt."""

from playground.data.dataset import Dataset, Split
from playground.data.modality import Modality, plain_pixels
from playground.data.registry import DATASETS, download, load, modality, texts, wants_download

__all__ = [
    "DATASETS",
    "Dataset",
    "Modality",
    "Split",
    "download",
    "load",
    "modality",
    "plain_pixels",
    "texts",
    "wants_download",
]
