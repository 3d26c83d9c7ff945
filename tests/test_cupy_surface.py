"""CuPy without a GPU: every function and keyword that xpnet really calls must exist in ``array_api_compat.cupy``.

All of xpnet runs once on NumPy behind a `Recorder`, which notes each call; CuPy's signatures must accept them.
"""

import inspect
from dataclasses import fields

import array_api_compat
import array_api_compat.numpy
import numpy as np
import pytest

import xpnet
from xpnet import numerical
from xpnet.activations import ACTIVATIONS
from xpnet.gradcheck.network import check_network
from xpnet.losses import LOSSES
from xpnet.numerical.steps import METHODS
from xpnet.optimizers import OPTIMIZERS

UFUNC_KEYWORDS = {"out", "dtype", "casting"}

X = np.random.default_rng(0).normal(size=(12, 4))
LABELS = np.arange(12) % 3
WEIGHTS = {"sample_weight": np.linspace(0, 1, 12)}
OPTIONS = {"class_weight": (1.0, 0.5, 2.0), "label_smoothing": 0.1, "ignore_index": 2}


class Recorder:
    """NumPy's array API namespace, and a note of every call: its name, positional arguments and keywords."""

    def __init__(self):
        self.calls: dict[str, set[tuple[int, frozenset[str]]]] = {}

    def __getattr__(self, name):
        attribute = getattr(array_api_compat.numpy, name)
        assert not inspect.ismodule(attribute), f"the functions of xp.{name} are not recorded yet"
        calls = self.calls.setdefault(name, set())
        if not callable(attribute) or isinstance(attribute, type):
            return attribute

        def call(*arguments, **keywords):
            calls.add((len(arguments), frozenset(keywords)))
            return attribute(*arguments, **keywords)

        return call


def loss_of(kind):
    """Return a loss with every option."""
    if issubclass(kind, xpnet.CrossEntropyError | xpnet.SoftmaxCrossEntropy):
        return kind(**OPTIONS)
    return kind(scale="mean") if kind is xpnet.MeanSquaredError else kind()


def use_functions():
    """Call the functions of arrays with every option."""
    z = np.asarray([[1, -2, 3]])
    for f in ACTIVATIONS.values():
        f(z)
        f.derivative(z)
        f.difference(z, z)
    xpnet.softmax(z)
    xpnet.log_softmax(z)
    kinds = [kind for kind in (*LOSSES.values(), xpnet.CrossEntropyError) if kind is not xpnet.BinaryCrossEntropy]
    for y in (np.abs(X[0, :3]), np.abs(X[:, :3]), np.stack([np.abs(X[:, :3])] * 2)):
        labels = LABELS[0] if y.ndim == 1 else LABELS
        weights = {} if y.ndim == 1 else WEIGHTS
        for reduction in ("mean", "sum", "none"):
            for kind in kinds:
                loss = loss_of(kind)
                for t in (np.asarray(labels), y) if loss.classification else (y / (1 + y),):
                    loss(y, t, reduction=reduction, **weights)
                    loss.gradient(y, t, reduction=reduction, **weights)
                    loss.difference(y, t, y, reduction=reduction, **weights)
        xpnet.accuracy(y, np.asarray(labels))
        xpnet.accuracy(y, y > 1)
    xpnet.confusion_matrix(LABELS, LABELS)
    xpnet.clip_gradient_norm({"w": X}, 1.0)


def use_training():
    """Train, evaluate and predict with every activation, loss, optimizer, and with members."""
    numbers, one_hot = np.abs(X[:, :3]) / 10, np.eye(3)[LABELS]

    def fit(t, members=None, optimizer=None, sample_weight=None, **net_options):
        outputs = 1 if type(net_options.get("loss")) is xpnet.BinaryCrossEntropy else 3
        net = xpnet.TwoLayerNet(4, 5, outputs, members=members, **net_options)
        optimizer = optimizer or xpnet.SGD(max_gradient_norm=1.0)
        options = {"sample_weight": sample_weight, "batch_size": 5}
        (record,) = xpnet.fit(net, X, t, optimizer=optimizer, validation=(X, t), epochs=1, **options)
        xpnet.fit(net, X, t, optimizer=optimizer, state=record.state, epochs=2, **options)
        x = X.astype(net.dtype)
        net.predict(x)
        xpnet.evaluate(net, X, t, sample_weight=sample_weight)
        net.loss_and_gradient(x, t, sample_weight=sample_weight)
        net.numerical_gradient(x, t, sample_weight=sample_weight)
        if "accuracy" in net.loss_function.task.metrics:
            net.predict_proba(x)
            net.accuracy(x, t)
        if members is None:
            check_network(net, x, t)
            net.numerical_gradient(x, t, method="black-box")
            net.gradient(x[0], t[0, ...])
            xpnet.fit(net, X, t, validation=0.5, gradient="numerical", epochs=1)

    for members in (None, 2):
        for kind in LOSSES.values():
            loss = loss_of(kind)
            t = LABELS % 2 if kind is xpnet.BinaryCrossEntropy else LABELS
            fit(t if loss.classification else numbers, members=members, loss=loss, **WEIGHTS)
        for activation in ACTIVATIONS:
            fit(one_hot, members=members, activation=activation, dtype="float64")
        for kind in OPTIMIZERS.values():
            given = [0.1, 0.2] if members else 0.1
            names = [option.name for option in fields(kind) if option.name != "nesterov"]
            fit(LABELS, members=members, optimizer=kind(**dict.fromkeys(names, given)))
    fit(LABELS, optimizer=xpnet.Momentum(nesterov=True))


def use_numerical():
    """Differentiate by every method."""
    x = X[0]

    def total(x):
        return (x * x).sum()

    def totals(points):
        return (points * points).sum(axis=-1)

    def elementwise(x):
        return x * x

    for method in METHODS:
        for options in ({}, {"compute_dtype": "float64"}, {"full_output": True}):
            numerical.numerical_diff(elementwise, x, method=method, **options)
            numerical.numerical_gradient(total, x, method=method, **options)
            numerical.numerical_gradient(totals, x, method=method, vectorized=True, **options)
        numerical.numerical_jacobian(elementwise, x, method=method)
        numerical.numerical_partial_diff(total, x, 1, method=method)
    numerical.numerical_gradient(total, x, bounds=(x - 1e-9, x + 1))
    numerical.numerical_gradient(total, np.asarray([1, 2]), h=1e-3)
    numerical.numerical_hessian(total, x)
    numerical.numerical_hessian(totals, x, vectorized=True)


@pytest.fixture(scope="module")
def recorder():
    """Give the record of all that xpnet calls; a new room adds its line here."""
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_api_compat, "array_namespace", lambda *arrays, **options: recorder)
        patch.setattr(xpnet.Device, "namespace", recorder)
        use_functions()
        use_training()
        use_numerical()
    return recorder


@pytest.fixture(scope="module")
def cupy_namespace():
    pytest.importorskip("cupy", reason="cupy is not installed (it needs no GPU here)", exc_type=ImportError)
    import array_api_compat.cupy

    return array_api_compat.cupy


def refusal(function, positional, keywords):
    """Return why `function` would not take such a call, or None."""
    if hasattr(function, "nin"):  # a ufunc, which has no signature
        if positional != function.nin:
            return f"takes {function.nin} arrays, not {positional}"
        return f"knows no {sorted(keywords - UFUNC_KEYWORDS)}" if keywords - UFUNC_KEYWORDS else None
    try:
        inspect.signature(function).bind(*[None] * positional, **dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return None


def test_the_record_is_not_empty(recorder):
    expected = {
        "matmul",
        "exp",
        "log",
        "sum",
        "max",
        "maximum",
        "where",
        "take",
        "astype",
        "asarray",
        "stack",
        "sqrt",
        "expm1",
        "isfinite",
    }
    assert expected <= {name for name, calls in recorder.calls.items() if calls}
    assert (1, frozenset({"axis", "keepdims"})) in recorder.calls["sum"]
    assert len(recorder.calls) >= 30


def test_cupy_has_everything_that_is_used(recorder, cupy_namespace):
    missing = [name for name in recorder.calls if not hasattr(cupy_namespace, name)]
    assert missing == []


def test_cupy_accepts_every_call(recorder, cupy_namespace):
    refused = []
    for name, calls in recorder.calls.items():
        for positional, keywords in calls:
            if why := refusal(getattr(cupy_namespace, name), positional, keywords):
                refused.append(f"{name} with {positional} arguments and {sorted(keywords)}: {why}")
    assert refused == []


def test_a_call_that_cupy_would_refuse_is_seen(cupy_namespace):
    assert "unexpected keyword argument 'where'" in refusal(cupy_namespace.sum, 1, frozenset({"where"}))
    assert "knows no ['axis']" in refusal(cupy_namespace.exp, 1, frozenset({"axis"}))
    assert "takes 2 arrays" in refusal(cupy_namespace.maximum, 1, frozenset())
    assert refusal(cupy_namespace.exp, 1, frozenset({"out"})) is None
    assert refusal(cupy_namespace.sum, 1, frozenset({"axis"})) is None


def test_cupy_has_what_device_selection_asks_for(cupy_namespace):
    import cupy

    runtime = cupy.cuda.runtime
    for name in ("driverGetVersion", "runtimeGetVersion", "getDeviceCount", "getDeviceProperties"):
        assert callable(getattr(runtime, name))
    assert issubclass(runtime.CUDARuntimeError, Exception)
    assert callable(cupy.cuda.Device.use)
    assert hasattr(cupy.cuda.Device, "__enter__")
    assert hasattr(cupy.ndarray, "get")
