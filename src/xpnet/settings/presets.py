"""What options are by default: the chapter's for the data sets with a name, those of today for files of the user."""

from collections.abc import Mapping
from typing import Any

from xpnet.datasets.formats import FORMATS
from xpnet.datasets.known import KNOWN

CHAPTER, MODERN = "chapter", "modern"
PRESETS: Mapping[str, Mapping[str, Any]] = {
    CHAPTER: {"hidden": 50, "activation": "sigmoid", "init": "normal:0.01", "optimizer": "sgd"},
    MODERN: {"hidden": 200, "activation": "relu", "init": "he", "optimizer": "adam", "learning_rate": 0.01},
}
"""By name what is taken for options that are not given; where an optimizer is, its own learning rate."""

MOST_EPOCHS = {CHAPTER: 2**31 - 1, MODERN: 100}
"""So many by default: with more, those of today learn a small table by heart."""

_FILES = tuple(suffix for row in FORMATS if row.samples for suffix in row.suffixes if suffix != "/")


def usual_preset(data: str) -> str:
    """Return the name of the preset for data of this name or path: modern for a file.

    Examples
    --------
    >>> from xpnet.settings.presets import usual_preset
    >>> usual_preset("digits"), usual_preset("flowers.csv")
    ('chapter', 'modern')
    """
    return MODERN if data not in KNOWN and data.endswith(_FILES) else CHAPTER
