"""Exported models say what the model says: in onnxruntime, in scikit-learn, in plain NumPy, and from a hub's folder."""

import json

import joblib
import numpy as np
import onnxruntime
import pytest
from scipy import special

from xpnet import Model, Scaling, TwoLayerNet, load_model
from xpnet.activations import ACTIVATIONS
from xpnet.datasets import Origin
from xpnet.export import FORMATS, export_model
from xpnet.losses import LOSSES
from xpnet.losses.tasks import Probabilistic

D, H = 5, 7
rng = np.random.default_rng(3)
RAW = 1000 + 50 * rng.random((40, D))
SCALING = Scaling(RAW.min(axis=0), 1 / np.ptp(RAW, axis=0) * np.asarray([1, 1, 1, 1, 0]))
COLUMNS = ("a", "b", "c", "d", "constant")


def make(loss="softmax_cross_entropy", activation="tanh", dtype="float32", classes=3):
    """Return a model of raw features, with numbers of a size that trained networks have."""
    task = LOSSES[loss].task
    outputs = 1 if loss == "binary_cross_entropy" else classes
    net = TwoLayerNet(D, H, outputs, loss=loss, activation=activation, init="normal:1.5", dtype=dtype, seed=1)
    names = ("some", "none", "all")[: task.classes(outputs)] if task.classification else ()
    offset = np.zeros(outputs) if loss != "mean_squared_error" and loss != "huber" else np.full(outputs, 500.0)
    factor = np.ones(outputs) if isinstance(task, Probabilistic) else np.linspace(0.01, 0.5, outputs)
    targets = None if task.classification else Scaling(offset, factor)
    return Model(net, Origin("data.csv", "target", 0, SCALING, names, targets, COLUMNS))


def said_by_onnx(path, raw=RAW):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"features": raw}), strict=True))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_onnx_says_the_same_of_raw_features(path, loss, dtype):
    model = make(loss, dtype=dtype)
    export_model(model, path, format="onnx")
    said, task = said_by_onnx(path), model.net.loss_function.task
    if not isinstance(task, Probabilistic):
        assert list(said) == ["predictions"]
        np.testing.assert_allclose(said["predictions"], model.predict(RAW), rtol=1e-5 if dtype == "float32" else 1e-12)
        return
    np.testing.assert_allclose(said["probabilities"], model.predict_proba(RAW), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(said["label" if task.classification else "labels"], model.predict(RAW))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_knows_every_activation(path, activation):
    model = make(activation=activation, dtype="float64")
    export_model(model, path, format="onnx")
    np.testing.assert_allclose(said_by_onnx(path)["probabilities"], model.predict_proba(RAW), rtol=0, atol=1e-12)


def test_onnx_names_what_it_takes(path):
    export_model(make(), path, format="onnx")
    meta = onnxruntime.InferenceSession(path).get_modelmeta()
    assert meta.producer_name == "xpnet"
    assert meta.custom_metadata_map == {"classes": "some\nnone\nall", "columns": "\n".join(COLUMNS)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_pipeline_of_scikit_learn_says_the_same(path, loss, activation, classes):
    model = make(loss, activation, dtype="float64", classes=classes)
    export_model(model, path, format="sklearn")
    pipeline = joblib.load(path)
    assert [type(step).__module__.partition(".")[0] for step in (pipeline, *pipeline.named_steps.values())] == [
        "sklearn"
    ] * 3
    import pandas as pd

    frame = pd.DataFrame(RAW, columns=COLUMNS)
    task = model.net.loss_function.task
    if isinstance(task, Probabilistic):
        # The model scales in float32, which is off by 6e-8 of features in [0, 1], that weights of 1.5 amplify; the
        # chapter's loss adds 1e-7 to probabilities in training only.
        names = model.origin.class_names
        columns = [names.index(name) for name in pipeline.classes_] if names else slice(None)
        expected = model.predict_proba(RAW)[:, columns]
        np.testing.assert_allclose(pipeline.predict_proba(frame), expected, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(pipeline.predict(frame), model.predict(RAW))
    else:
        np.testing.assert_allclose(pipeline.predict(frame), model.predict(RAW).squeeze(), rtol=1e-4)


def test_scikit_learn_has_not_every_activation(path):
    with pytest.raises(ValueError, match="scikit-learn's networks have no activation gelu, but sigmoid, tanh, relu"):
        export_model(make(activation="gelu"), path, format="sklearn")


def test_arrays_are_the_formula(path):
    model = make(dtype="float64")
    export_model(model, path, format="npz")
    with np.load(path, allow_pickle=False) as a:
        assert (str(a["activation"]), str(a["loss"])) == ("tanh", "softmax_cross_entropy")
        assert a["columns"].tolist() == list(COLUMNS)
        x = ((RAW - a["offset"]) * a["factor"]).astype("float32")
        p = special.softmax(np.tanh(x @ a["W1"] + a["b1"]) @ a["W2"] + a["b2"], axis=1)
        np.testing.assert_allclose(p, model.predict_proba(RAW), rtol=0, atol=1e-12)
        assert (a["class_names"][p.argmax(axis=1)] == model.predict(RAW)).all()
    export_model(make("mean_squared_error", dtype="float64"), path.with_suffix(".npz"), format="npz")
    with np.load(path.with_suffix(".npz")) as a:
        outputs = np.tanh(x @ a["W1"] + a["b1"]) @ a["W2"] + a["b2"]
        numbers = outputs / a["target_factor"] + a["target_offset"]
    np.testing.assert_allclose(numbers, make("mean_squared_error", dtype="float64").predict(RAW), rtol=1e-12)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "poisson"])
def test_a_folder_for_the_hub_is_a_card_a_config_and_the_model(path, loss):
    model = make(loss)
    export_model(model, path, format="hub")
    assert sorted(file.name for file in path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    np.testing.assert_array_equal(load_model(path / "model.safetensors").predict(RAW), model.predict(RAW))
    config = json.loads((path / "config.json").read_text())
    assert (config["hidden_size"], config["columns"], config["loss"]) == (H, list(COLUMNS), loss)
    opening, header, card = (path / "README.md").read_text().split("---\n", 2)
    assert opening == ""
    task = "tabular-regression" if loss == "poisson" else "tabular-classification"
    assert header == f"library_name: xpnet\ntags:\n- xpnet\n- {task}\npipeline_tag: {task}\n"
    assert "3 classes (some, none, all)" in card or loss == "poisson"
    assert "trained on | data.csv" in card


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_overwritten_and_a_model_is_one_network(path, format):
    path.write_text("mine")
    with pytest.raises(ValueError, match="model is there already: choose another path, or remove it"):
        export_model(make(), path, format=format)
    assert path.read_text() == "mine"
    with pytest.raises(ValueError, match="export takes one network, got 2 side by side"):
        export_model(Model(TwoLayerNet(D, H, 3, members=2)), path.with_name("new"), format=format)
    with pytest.raises(ValueError, match=r"format must be one of onnx, npz, sklearn, hub; got 'onx': did you mean"):
        export_model(make(), path, format="onx")


@pytest.mark.parametrize(("format", "library"), [("onnx", "onnx"), ("sklearn", "scikit-learn")])
def test_a_missing_library_is_named(path, format, library, monkeypatch):
    monkeypatch.setattr("xpnet.export.onnx_graph.find_spec", lambda name: None)
    monkeypatch.setattr("xpnet.export.scikit_learn.find_spec", lambda name: None)
    told = rf'format {format} needs {library}, which is not installed: pip install "xpnet\[{format}\]"'
    with pytest.raises(ImportError, match=told):
        export_model(make(), path, format=format)
    assert not path.exists()


@pytest.mark.parametrize("format", ["onnx", "npz", "sklearn"])
def test_a_model_without_an_origin_takes_and_says_what_its_network_does(path, format):
    net = TwoLayerNet(D, H, 3, init="xavier", dtype="float64")
    export_model(Model(net), path, format=format)
    x = rng.random((4, D))
    if format == "onnx":
        said = said_by_onnx(path, x)
        np.testing.assert_allclose(said["probabilities"], net.predict_proba(x), rtol=0, atol=1e-6)
        assert said["label"].tolist() == [str(label) for label in net.predict(x)]
    elif format == "sklearn":
        np.testing.assert_allclose(joblib.load(path).predict_proba(x), net.predict_proba(x), rtol=0, atol=1e-12)
