"""Data sets: the embedded digits, MNIST and its like in idx files, tables in .csv, .npy and .npz files."""

from xpnet.datasets.dataset import DataError, Dataset, Scaling
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.known import Whereabouts, available, data_path
from xpnet.datasets.load import load, load_digits, load_features, load_idx

__all__ = [
    "DataError",
    "Dataset",
    "Progress",
    "Scaling",
    "Whereabouts",
    "available",
    "data_path",
    "fetch",
    "load",
    "load_digits",
    "load_features",
    "load_idx",
]
