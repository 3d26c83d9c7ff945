"""Pictures of a run: its curves, what it got wrong, and what its hidden units look at. Needs matplotlib."""

from xpnet.pictures.confusion import plot_confusion
from xpnet.pictures.curves import plot_curves
from xpnet.pictures.figure import BLUE, INK, ORANGE, new_figure, place_numbers, write_figure
from xpnet.pictures.predictions import plot_predictions
from xpnet.pictures.samples import most_confidently_wrong, plot_samples
from xpnet.pictures.weights import WeightSheet, plot_weights, weight_sheet

__all__ = [
    "BLUE",
    "INK",
    "ORANGE",
    "WeightSheet",
    "most_confidently_wrong",
    "new_figure",
    "place_numbers",
    "plot_confusion",
    "plot_curves",
    "plot_predictions",
    "plot_samples",
    "plot_weights",
    "weight_sheet",
    "write_figure",
]
