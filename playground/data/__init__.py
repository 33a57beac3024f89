"""Data sets as numpy arrays: one file per data set, and the registry that names them all.  No torch, no Qt."""

from playground.data.dataset import Dataset, Modality, Split
from playground.data.registry import DATASETS, download, load, modality, wants_download

__all__ = ["DATASETS", "Dataset", "Modality", "Split", "download", "load", "modality", "wants_download"]
