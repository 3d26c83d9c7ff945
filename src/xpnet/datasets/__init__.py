"""Data sets: the embedded digits, MNIST and its like, and the files of the user."""

from xpnet.datasets.dataset import Dataset, Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.formats import describe_formats
from xpnet.datasets.known import Whereabouts, available, data_path
from xpnet.datasets.loading import load_data, load_digits, load_features, load_idx
from xpnet.datasets.origin import Origin
from xpnet.datasets.rows import Rows
from xpnet.datasets.scaling import Scaling
from xpnet.datasets.summary import Summary, summarize

__all__ = [
    "DataError",
    "Dataset",
    "Encoding",
    "Origin",
    "Progress",
    "Rows",
    "Samples",
    "Scaling",
    "Summary",
    "Whereabouts",
    "available",
    "data_path",
    "describe_formats",
    "fetch",
    "load_data",
    "load_digits",
    "load_features",
    "load_idx",
    "summarize",
]
