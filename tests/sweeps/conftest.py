"""What the tests of sweeps share: tables of classes, whose parts the seed decides, and networks trained alone."""

import pytest
from command_line import write_tiny

from xpnet import Settings, fit, load_data


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Give settings for a table of two classes."""
    path = write_tiny(tmp_path_factory.mktemp("data") / "tiny.npz", samples=60)
    return Settings(
        **{"data": str(path), "validation": 0.25, "device": "cpu", "hidden": 3, "init": "xavier"},
        **{"epochs": 4, "batch_size": 10, "optimizer": "momentum", "dtype": "float64"},
    )


@pytest.fixture(scope="session")
def alone():
    """Give a function that returns a network trained alone, and its records."""

    def train(settings):
        data = load_data(settings.data, seed=settings.seed)
        net = settings.make_network(data.features, data.outputs, labels=data.train.t)
        return net, fit(net, *data.train, **settings.fit_options(len(data.train.x)))

    return train
