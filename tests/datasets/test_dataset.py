"""What a data set says of itself."""

import numpy as np

from xpnet.datasets import Dataset, Origin, Samples, Scaling


def dataset(t: np.ndarray, class_names: tuple[str, ...], target_scaling: Scaling | None) -> Dataset:
    part = Samples(np.zeros((4, 3), np.float32), t)
    return Dataset("some", part, part, None, Origin("", None, 0, Scaling(0.0, 1.0), class_names, target_scaling))


def test_classes():
    data = dataset(np.asarray([0, 1, 1, 0]), ("a", "b", "c"), None)
    assert (data.classification, data.classes, data.outputs, data.features) == (True, 3, 3, 3)


def test_numbers():
    one, two = (dataset(np.zeros(shape), (), Scaling(0.0, 1.0)) for shape in ((4, 1), (4, 2)))
    assert (one.classification, one.classes, one.outputs) == (False, 0, 1)
    assert (two.classification, two.classes, two.outputs) == (False, 0, 2)


def test_a_part_is_a_pair_of_arrays():
    data = dataset(np.asarray([0, 1, 1, 0]), ("a", "b"), None)
    x, t = data.train
    assert x is data.train.x
    assert t is data.train.t
