"""Pixels in a page: what comes out of the PNG file is what went in."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from xpnet.report.images import grey_png, shrunk, signed_png


def pixels(address):
    header, _, content = address.partition(",")
    assert header == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(b64decode(content))).convert("RGBA")).astype(int)


def test_grey_values_are_opacity_of_black():
    image = np.linspace(0, 1, 48).reshape(6, 8)
    read = pixels(grey_png(image))
    assert (read[..., :3] == 0).all()
    # Sixteen shades are at most half a shade off.
    np.testing.assert_allclose(read[..., 3] / 255, image, atol=0.5 / 15 + 0.5 / 255)


def test_signs_are_colours_and_sizes_are_opacity():
    values = np.asarray([[-2.0, -1.0, 0.0], [1.0, 2.0, np.nan]])
    read = pixels(signed_png(values))
    blue, orange = read[0, 0, :3], read[1, 1, :3]
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    assert (read[0, 1, :3] == blue).all()
    assert (read[1, 0, :3] == orange).all()
    np.testing.assert_allclose(read[..., 3] / 255, [[1, 0.5, 0], [0.5, 1, 0]], atol=0.5 / 7 + 0.5 / 255)


def test_zeros_alone_are_nothing():
    assert (pixels(signed_png(np.zeros((2, 3))))[..., 3] == 0).all()


@pytest.mark.parametrize(("shape", "expected"), [((8, 8), (8, 8)), ((64, 20), (64, 20)), ((200, 300), (40, 60))])
def test_large_images_are_shrunk(shape, expected):
    images = np.random.default_rng(0).random((3, *shape))
    small = shrunk(images)
    assert small.shape == (3, *expected)
    assert (small[:, 0, 0] == images[:, 0, 0]).all()
