"""Data sets: the embedded digits, MNIST and its like in idx files, tables in .csv, .npy and .npz files."""

from xpnet.datasets.dataset import Dataset, Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.formats import describe_formats
from xpnet.datasets.known import Whereabouts, available, data_path
from xpnet.datasets.loading import load_data, load_digits, load_features, load_idx
from xpnet.datasets.scaling import Scaling

__all__ = [
    "DataError",
    "Dataset",
    "Progress",
    "Samples",
    "Scaling",
    "Whereabouts",
    "available",
    "data_path",
    "describe_formats",
    "fetch",
    "load_data",
    "load_digits",
    "load_features",
    "load_idx",
]
