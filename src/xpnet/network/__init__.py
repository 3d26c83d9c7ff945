"""The two-layer network: its initial weights, its outputs, and its gradient, by backpropagation and by differences."""

from xpnet.network.net import DTYPES, TwoLayerNet, backward, forward

__all__ = ["DTYPES", "TwoLayerNet", "backward", "forward"]
