"""The two-layer network: its initial weights, its outputs, and its gradient, by backpropagation and by differences."""

from xpnet.network.net import DTYPES, Score, TwoLayerNet
from xpnet.network.passes import backward, forward

__all__ = ["DTYPES", "Score", "TwoLayerNet", "backward", "forward"]
