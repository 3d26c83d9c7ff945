"""A network together with what it knows of its data."""

from dataclasses import replace

import numpy as np
import pytest

import xpnet
from xpnet import DataError, Model, Scaling, TwoLayerNet, evaluate, fit, load_data, load_model, save_model


@pytest.fixture
def table(tmp_path):
    """Give a table of which "tall" is that a exceeds b, with ranges that an unscaled network is lost in."""
    rng = np.random.default_rng(0)
    rows = [(1000 * a, 1000 * b, "tall" if a > b else "short") for a, b in rng.random((400, 2))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,kind", *(f"{a:.3f},{b:.3f},{kind}" for a, b, kind in rows)]))
    return path


def trained(data, **options):
    net = TwoLayerNet(data.features, 10, data.outputs, init="xavier", **options)
    fit(net, *data.train, epochs=60, batch_size=20)
    return net


def test_a_loaded_model_takes_raw_features_and_names_classes(table, tmp_path):
    data = load_data(table)
    net = trained(data)
    save_model(net, tmp_path / "model", origin=data.origin)
    model = load_model(tmp_path / "model")
    raw = np.asarray([[900.0, 100.0], [100.0, 900.0]])
    assert model.predict(raw).tolist() == ["tall", "short"]
    np.testing.assert_array_equal(model.predict_proba(raw), net.predict_proba(data.scaling.apply(raw)))
    assert repr(model) == f"Model of 2 raw features (a, b) -> 2 classes (short, tall): {net!r}"
    held = load_data(table, like=model.origin)
    assert evaluate(model.net, *held.test) == evaluate(net, *data.test)


def test_the_columns_of_a_frame_are_found_by_name(table):
    data = load_data(table)
    model = Model(trained(data), data.origin)

    class Frame(dict):
        """As much of a data frame as there is to it, of pandas and of polars."""

        @property
        def columns(self):
            return list(self)

        def __array__(self, dtype=None, copy=None):
            return np.column_stack(list(self.values()))

    raw = np.asarray([[900.0, 100.0], [100.0, 900.0]])
    frame = Frame(note=["x", "y"], b=raw[:, 1], a=raw[:, 0])
    assert model.predict(frame).tolist() == ["tall", "short"]
    with pytest.raises(DataError, match="x: has no b among its columns a, c: give data with those of the model, a, b"):
        model.predict(Frame(a=raw[:, 0], c=raw[:, 1]))
    unnamed = Model(model.net, replace(model.origin, columns=()))
    assert unnamed.predict(Frame(a=raw[:, 0], b=raw[:, 1])).tolist() == ["tall", "short"]


def test_numbers_are_in_their_units(tmp_path):
    x = np.random.default_rng(0).random((200, 2))
    np.savez(tmp_path / "prices.npz", x=1000 * x, t=5000 + 2000 * x[:, 0])
    data = load_data(tmp_path / "prices.npz", classification=False)
    model = Model(trained(data, loss="mean_squared_error"), data.origin)
    np.testing.assert_allclose(model.predict([[500.0, 500.0]]), [[6000.0]], rtol=0.02)  # As well as it has learned.
    assert repr(model).startswith("Model of 2 raw features -> 1 numbers in their units: TwoLayerNet(2, 10, 1, ")
    with pytest.raises(ValueError, match="predict_proba is for classes"):
        model.predict_proba([[500.0, 500.0]])


def test_rates_and_labels_are_said_as_the_data_have_them(tmp_path):
    x = np.random.default_rng(0).random((300, 2))
    for loss, t in (
        ("poisson", 1000 + 2000 * x[:, :1]),
        ("multilabel_cross_entropy", np.stack([x[:, 0] > x[:, 1], x[:, 1] > 0.5], axis=1).astype(int)),
    ):
        task = xpnet.losses.LOSSES[loss].task
        np.savez(tmp_path / "data.npz", x=1000 * x, t=t)
        data = load_data(
            tmp_path / "data.npz", classification=False, scale_targets=lambda t, task=task: Scaling.of_targets(t, task)
        )
        model = Model(trained(data, loss=loss), data.origin)
        said = model.predict([[900.0, 100.0], [100.0, 900.0]])
        if loss == "poisson":
            np.testing.assert_allclose(said, [[2800.0], [1200.0]], rtol=0.5)  # As well as it has learned.
        else:
            assert said.tolist() == [[1, 0], [0, 1]]
            assert model.predict_proba([[900.0, 100.0]]).shape == (1, 2)


def test_two_classes_with_one_output_have_two_names(table, tmp_path):
    data = load_data(table)
    net = TwoLayerNet(2, 10, 1, init="xavier", loss="binary_cross_entropy")
    fit(net, *data.train, epochs=60, batch_size=20)
    save_model(net, tmp_path / "model", origin=data.origin)
    model = load_model(tmp_path / "model")
    raw = np.asarray([[900.0, 100.0], [100.0, 900.0]])
    assert model.predict(raw).tolist() == ["tall", "short"]
    assert model.predict_proba(raw).shape == (2, 2)


def test_without_an_origin_it_says_what_the_network_does():
    net = TwoLayerNet(3, 4, 2, init="xavier", dtype="float64")
    x = np.random.default_rng(0).random((20, 3))
    np.testing.assert_array_equal(Model(net).predict(x), net.predict(x))
    assert repr(Model(net)) == f"Model of 3 scaled features -> 2 outputs: {net!r}"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([[1.0, np.nan]], "x: sample 0, feature 1 is nan"),
        ([1.0, 2.0], r"x: features must have shape \(samples, features\), got \(2,\)"),
        ([["a", "b"]], "x: features must be real numbers"),
        ([[1.0, 2.0, 3.0]], "3 features, but its scaling was made for 2"),
    ],
)
def test_what_is_refused(table, x, text):
    data = load_data(table)
    with pytest.raises(DataError, match=text):
        Model(TwoLayerNet(2, 3, 2), data.origin).predict(x)


def test_images_are_taken_too(backend):
    net = TwoLayerNet(4, 3, 2, init="xavier", device=backend.select())
    x = np.random.default_rng(0).random((5, 2, 2))
    assert Model(net).predict(x).shape == (5,)
