"""What both estimators share: training as `fit` does, in one call or many, on frames and on arrays of every library."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn import config_context

import xpnet
from xpnet.devices import device_of
from xpnet.estimators import TwoLayerClassifier, TwoLayerRegressor

rng = np.random.default_rng(5)
X = rng.normal(size=(120, 4))
LABELS = np.where(X[:, 0] > X[:, 1], 7, 3)
NUMBERS = X[:, 0] * X[:, 1]
BOTH = pytest.mark.parametrize(
    ("kind", "y"), [(TwoLayerClassifier, LABELS), (TwoLayerRegressor, NUMBERS)], ids=["classifier", "regressor"]
)


def parameters_of(model):
    return model.net_.params


def assert_same(one, other):
    for name, w in parameters_of(one).items():
        np.testing.assert_array_equal(w, parameters_of(other)[name])


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trains_as_fit_does(kind, y, dtype):
    options = {"optimizer": "momentum", "learning_rate": 0.02, "nesterov": True, "weight_decay": 1e-3}
    x = X.astype(dtype)
    model = kind(hidden=9, activation="tanh", epochs=4, batch_size=50, random_state=11, **options).fit(x, y)
    classes = kind is TwoLayerClassifier
    net = xpnet.TwoLayerNet(
        4, 9, 2 if classes else 1, activation="tanh", init="xavier", dtype=dtype, seed=11, loss=model.loss
    )
    rule = xpnet.Momentum(learning_rate=0.02, nesterov=True, weight_decay=1e-3)
    t = (y == 7).astype(int) if classes else y[:, None]
    records = xpnet.fit(net, x, t, optimizer=rule, batch_size=50, epochs=4, seed=11)
    for name, w in net.params.items():
        np.testing.assert_array_equal(model.net_.params[name], w)
        assert model.net_.params[name].dtype == dtype
    assert model.loss_curve_ == [float(record.batch_losses.mean()) for record in records]
    assert (model.n_iter_, model.n_features_in_) == (4, 4)


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_goes_on_bit_for_bit(kind, y, early_stopping):
    options = {"batch_size": 30, "random_state": 2, "early_stopping": early_stopping}
    whole = kind(epochs=10, **options).fit(X, y)
    halves = kind(epochs=5, warm_start=True, **options).fit(X, y).fit(X, y)
    assert_same(halves, whole)
    assert (halves.loss_curve_, halves.n_iter_) == (whole.loss_curve_, 10)
    assert len(halves.validation_scores_) == (10 if early_stopping else 0)
    calls = kind(**options)
    for _ in range(10):
        calls.partial_fit(X, y)
    assert_same(calls, whole)


@BOTH
def test_without_a_warm_start_it_begins_anew(kind, y):
    model = kind(epochs=3, random_state=2).fit(X, y)
    first = {name: w.copy() for name, w in model.net_.params.items()}
    model.fit(X, y)
    for name, w in first.items():
        np.testing.assert_array_equal(model.net_.params[name], w)
    assert model.n_iter_ == len(model.loss_curve_) == 3


@BOTH
def test_early_stopping_ends_and_keeps_the_best_in_every_way_to_train(kind, y):
    noise = np.random.default_rng(0).permutation(y)  # Nothing to be learned, but by heart.
    options = {"early_stopping": True, "validation": 0.3, "patience": 4, "learning_rate": 0.03, "random_state": 0}
    model = kind(epochs=300, **options).fit(X, noise)
    assert 4 < model.n_iter_ < 300
    assert len(model.validation_scores_) == model.n_iter_
    calls = kind(**options)
    for _ in range(model.n_iter_ + 5):
        calls.partial_fit(X, noise)
    assert calls.n_iter_ == model.n_iter_
    assert_same(calls, model)
    best = kind(epochs=model.n_iter_ - 4, **{**options, "patience": 300}).fit(X, noise)
    assert_same(model, best)


@BOTH
def test_weights_count_samples(kind, y):
    """In one mini-batch: a weight of 2 is the sample twice, one of 0 is none."""
    weights = np.arange(len(X)) % 3
    options = {"batch_size": 1000, "epochs": 30, "random_state": 4}
    weighted = kind(**options).fit(X, y, sample_weight=weights)
    repeated = kind(**options).fit(X.repeat(weights, axis=0), y.repeat(weights))
    for name, w in weighted.net_.params.items():
        np.testing.assert_allclose(w, repeated.net_.params[name], rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match=r"sample_weight must hold finite weights >= 0, not all of them zero"):
        kind().fit(X, y, sample_weight=-weights)
    with pytest.raises(ValueError, match=r"sample_weight must hold one weight for each of 120 samples, got shape \(3,"):
        kind().fit(X, y, sample_weight=weights[:3])


@BOTH
@pytest.mark.parametrize("frames", [pd, pl], ids=lambda frames: frames.__name__)
def test_a_frame_gives_names_that_are_asked_for_again(kind, y, frames):
    frame = frames.DataFrame(dict(zip("abcd", X.T, strict=True)))
    model = kind(epochs=2, random_state=0).fit(frame, frames.Series(y))
    assert model.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(model.predict(frame), kind(epochs=2, random_state=0).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frames.DataFrame(dict(zip("zbcd", X.T, strict=True))))


@BOTH
def test_sparse_input_is_refused_with_the_repair(kind, y):
    with pytest.raises(TypeError, match=r"dense data is required. Use '\.toarray\(\)' to convert to a dense"):
        kind().fit(csr_array(X), y)


@pytest.mark.without("jax")  # which scikit-learn's dispatch does not know
@BOTH
def test_arrays_of_every_library_are_answered_in_kind(backend, close, kind, y):
    x, t = backend.asarray(X), backend.asarray(y)
    expected = kind(epochs=3, random_state=0).fit(X, y)
    with config_context(array_api_dispatch=True):
        model = kind(epochs=3, random_state=0).fit(x, t)
        assert model.net_.device == device_of(x)
        # As far as products of another library differ in 3 epochs, of weights of about 1.
        close(model.predict(x), expected.predict(X), rtol=0, atol=1e-9)
        assert model.score(x, t) == pytest.approx(expected.score(X, y), abs=1e-6)  # PyTorch: a mean in float32
        if kind is TwoLayerClassifier:
            close(model.predict_proba(x), expected.predict_proba(X), rtol=0, atol=1e-9)
        if "numpy" not in backend.name:
            with pytest.raises(ValueError, match=r"inputs to TwoLayer\w+\.predict\(\) must use the same namespace"):
                model.predict(X)


@BOTH
def test_parameters_are_checked_when_it_learns(kind, y):
    for wrong, match in (
        ({"hidden": 0}, "hidden must be an integer >= 1, got 0"),
        ({"optimizer": "adm"}, "optimizer must be one of .*; got 'adm': did you mean 'adam'"),
        ({"learning_rate": [0.1, 0.2]}, "an estimator is one network, got numbers for 2"),
        ({"loss": "hinge"}, "loss must be one of .*; got 'hinge'"),
        ({"nesterov": True}, "nesterov does not go with optimizer adam"),
    ):
        with pytest.raises(ValueError, match=match):
            kind(**wrong).fit(X, y)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'size'"):
        kind(size=3)


def test_without_a_seed_every_fit_is_another():
    one, other = (TwoLayerClassifier(epochs=1).fit(X, LABELS) for _ in range(2))
    assert not np.array_equal(one.net_.params["W1"], other.net_.params["W1"])
    one, other = (TwoLayerClassifier(epochs=1, random_state=np.random.RandomState(1)).fit(X, LABELS) for _ in range(2))
    assert_same(one, other)
