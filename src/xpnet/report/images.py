"""Pixels as part of a page: PNG files in ``data:`` addresses, transparent where there is nothing."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE = 64
_SHADES = 7
_BLUE, _ORANGE, _INK = (47, 111, 181), (217, 119, 43), (0, 0, 0)


def signed_png(values: NDArray[Any]) -> str:
    """Return numbers as blue (negative) and orange (positive) pixels, the more opaque the larger; NaN as nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.report.images import signed_png
    >>> signed_png(np.asarray([[-1.0, 0.0, 2.0]])).startswith("data:image/png;base64,")
    True
    """
    largest = float(np.nanmax(np.abs(values))) or 1.0
    shades = np.rint(np.nan_to_num(values / largest) * _SHADES).astype(np.int8) + _SHADES
    opacity = np.abs(np.arange(2 * _SHADES + 1) - _SHADES) / _SHADES
    return _png(shades, [*[_BLUE] * _SHADES, *[_ORANGE] * (_SHADES + 1)], opacity)


def grey_png(image: NDArray[Any]) -> str:
    """Return an image of grey values in [0, 1], 1 as opaque black, 0 as nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.report.images import grey_png
    >>> grey_png(np.zeros((8, 8))).startswith("data:image/png;base64,")
    True
    """
    shades = np.rint(np.clip(image, 0, 1) * 15).astype(np.int8)
    return _png(shades, [_INK] * 16, np.linspace(0, 1, 16))


def shrunk(images: NDArray[Any]) -> NDArray[Any]:
    """Return images, shape (..., height, width), with at most 64 pixels a side: every second, third ... of them."""
    step = -(-max(images.shape[-2:]) // _SIDE)
    return images[..., ::step, ::step]


def _png(shades: NDArray[np.int8], colours: list[tuple[int, int, int]], opacity: NDArray[Any]) -> str:
    from PIL import Image

    picture = Image.frombytes("P", shades.shape[::-1], shades.tobytes())
    picture.putpalette([part for colour in colours for part in colour])
    file = BytesIO()
    picture.save(file, format="PNG", bits=4, optimize=True, transparency=bytes(np.rint(opacity * 255).astype(np.uint8)))
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
