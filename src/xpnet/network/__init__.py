"""The two-layer network: its initial weights, its outputs, and its gradient, by backpropagation and by differences."""

from xpnet.network.base import Score
from xpnet.network.net import DTYPES, TwoLayerNet
from xpnet.network.passes import backpropagate, forward

__all__ = ["DTYPES", "Score", "TwoLayerNet", "backpropagate", "forward"]
