"""``xpnet train``: what it prints, and the folder it leaves."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import records, tree, without_times, write_tiny, xpnet
from matplotlib.image import imread

from xpnet import DeviceUnavailableError, Settings, __version__, evaluate, load_data, load_digits, load_model
from xpnet.checkpoint import load_checkpoint
from xpnet.cli import run_folder, train

LEFT = {"config.json", "metrics.jsonl", "model.safetensors"}
NO_MODEL = "there is no model file {}/model.safetensors: give the path of a model.safetensors, or of its folder\n"
KEYS = ["step", "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds", "samples_per_second"]


@pytest.fixture
def tiny(folder):
    """Give a small table of two classes."""
    return write_tiny(folder / "tiny.npz")


def test_defaults_reach_94_percent_on_the_digits():
    code, out, err = xpnet("train", "--out", "run")
    assert (code, err) == (0, "")
    assert len(records("run")) == 257
    assert records("run")[-1]["test_accuracy"] >= 0.94
    assert re.search(r"^data +digits: 3823 training and 1797 test samples, 64 features, 10 classes$", out, re.M)
    assert re.search(r"^network +64-50-10, sigmoid, 3,760 parameters, float32$", out, re.M)
    assert re.search(r"^training +sgd, learning rate 0.1, batches of 100, 257 epochs$", out, re.M)
    assert re.search(r"^result +test accuracy 9[4-9]\.\d\d%, test loss 0\.\d+ after 10,023 steps in ", out, re.M)
    assert re.search(r"^saved +run. \(config.json, metrics.jsonl, model.safetensors, checkpoints\)$", out, re.M)


def test_mnist_learns_in_two_epochs(data_dir):
    code, _, _ = xpnet(
        *("train", "--data", "mnist", "--data-dir", data_dir, "--epochs", 2, "--out", "run"),
        *("--activation", "relu", "--init", "he", "--optimizer", "adam"),
    )
    assert code == 0
    assert [record["step"] for record in records("run")] == [600, 1200]
    assert records("run")[-1]["test_accuracy"] > 0.94


@pytest.mark.parametrize("epochs", [1, 7, 20, 21, 39, 257, 1000])
def test_a_pipe_gets_about_twenty_lines(tiny, epochs):
    out = xpnet("train", "--data", tiny, "--epochs", epochs).out
    shown = [int(n) for n in re.findall(r"^epoch +(\d+)/", out, re.M)]
    assert shown == list(range(1, epochs + 1)) if epochs <= 20 else 20 <= len(shown) <= 21
    assert (shown[0], shown[-1]) == (1, epochs)
    assert max(len(line) for line in out.splitlines() if line.startswith("epoch")) <= 100
    assert "\x1b" not in out


def test_json_prints_the_lines_of_the_metrics_and_nothing_else(tiny):
    code, out, err = xpnet("train", "--data", tiny, "--epochs", 3, "--json", "--out", "run")
    assert (code, err) == (0, "")
    assert out == Path("run/metrics.jsonl").read_text()
    assert [list(record) for record in records("run")] == [KEYS] * 3


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_quiet_prints_nothing(tiny, json_too):
    assert xpnet("train", "--data", tiny, "--epochs", 3, "--quiet", *json_too) == (0, "", "")


def test_config_says_what_was_asked_for_and_what_it_became(tiny):
    options = ["--hidden", 7, "--optimizer", "adam", "--init", "he", "--activation", "tanh", "--dtype", "float64"]
    xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--seed", 3, "--device", "cpu", "--out", "a/b/run", *options)
    config = json.loads(Path("a/b/run/config.json").read_text())
    assert config.pop("xpnet") == __version__
    asked = {"hidden": 7, "optimizer": "adam", "init": "he", "activation": "tanh", "dtype": "float64", "seed": 3}
    became = {"data": str(tiny), "device": "cpu", "epochs": 2, "learning_rate": 0.001, "weight_decay": 0.0, "shards": 1}
    assert config == Settings(**asked, **became).as_dict()
    net = load_model("a/b/run/model.safetensors").net
    assert (net.hidden_size, net.activation.name, net.dtype) == (7, "tanh", "float64")


def test_a_config_trains_the_same_again(tiny):
    options = ["--validation", 0.2, "--schedule", "warmup:3,cosine", "--optimizer", "momentum", "--nesterov"]
    xpnet("train", "--data", tiny, "--epochs", 3, "--out", "a", *options)
    assert xpnet("train", "--config", "a/config.json", "--out", "b").code == 0
    assert without_times("a") == without_times("b")
    assert Path("a/config.json").read_text() == Path("b/config.json").read_text()


def test_three_runs_write_the_same_model(tiny):
    written = set()
    for run in "abc":
        xpnet("train", "--data", tiny, "--epochs", 2, "--out", run)
        written.add((Path(run) / "model.safetensors").read_bytes())
    assert len(written) == 1


def test_runs_of_the_same_second_get_folders_of_their_own(tiny, monkeypatch):
    monkeypatch.setattr(run_folder, "strftime", lambda _: "20300101-120000")
    for _ in range(3):
        assert xpnet("train", "--data", tiny, "--epochs", 1).code == 0
    names = {f"tiny-20300101-120000{suffix}" for suffix in ("", "-2", "-3")}
    assert {path.name for path in Path("runs").iterdir()} == names
    assert all((Path("runs") / name / "model.safetensors").is_file() for name in names)


def test_out_may_be_an_empty_or_unrelated_folder(tiny):
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    assert xpnet("train", "--data", tiny, "--epochs", 1, "--out", "run").code == 0
    assert set(tree(Path("run"))) == {"notes.txt", *LEFT, "checkpoints/epoch-000001.safetensors"}


def test_the_seed_decides_everything_but_times(tiny):
    for run, seed in (("a", 5), ("b", 5), ("c", 6)):
        xpnet("train", "--data", tiny, "--epochs", 4, "--seed", seed, "--out", run)
    assert without_times("a") == without_times("b")
    assert without_times("a") != without_times("c")


def test_the_numerical_gradient_trains_the_same(tiny):
    for gradient in ("backpropagation", "numerical"):
        options = ["--gradient", gradient, "--dtype", "float64", "--out", gradient, "--quiet"]
        assert xpnet("train", "--data", tiny, "--epochs", 5, *options) == (0, "", "")
        assert json.loads((Path(gradient) / "config.json").read_text())["gradient"] == gradient
    for exact, numerical in zip(records("backpropagation"), records("numerical"), strict=True):
        assert numerical["train_loss"] == pytest.approx(exact["train_loss"], rel=1e-10)


def test_plot_leaves_pictures():
    out = xpnet("train", "--epochs", 2, "--plot", "--out", "run").out
    pictures = ("curves.png", "confusion.png", "samples.png", "weights.png")
    assert f"(config.json, metrics.jsonl, model.safetensors, {', '.join(pictures)}, checkpoints)" in out
    for name in pictures:
        picture = imread(Path("run") / name)
        height, width, _ = picture.shape
        assert width == (720 if name == "confusion.png" else 1200)
        assert 300 < height <= 800
        assert picture[..., :3].std() > 0.02


def test_plot_of_data_that_are_no_images_leaves_no_samples(tiny):
    xpnet("train", "--data", tiny, "--epochs", 2, "--plot", "--out", "run")
    pictures = {name for name in tree(Path("run")) if name.endswith(".png")}
    assert pictures == {"curves.png", "confusion.png", "weights.png"}


def test_plot_without_matplotlib_is_refused_before_training(monkeypatch, folder):
    monkeypatch.setattr(train, "find_spec", lambda name: None)
    code, _, err = xpnet("train", "--plot")
    assert code == 2
    assert re.fullmatch(r'xpnet: --plot needs matplotlib.*: pip install "xpnet\[plot\]"\n', err)
    assert tree(folder) == {}


def test_auto_trains_on_the_cpu_and_says_why(tiny, monkeypatch):
    def no_gpu():
        raise DeviceUnavailableError("the driver is on holiday: wait")

    monkeypatch.setattr("xpnet.devices.selection.import_cupy", no_gpu)
    out = xpnet("train", "--data", tiny, "--epochs", 1).out
    assert re.search(r"^device +cpu, a step has 0\.\d+ million operations, a GPU pays from 5 million: .*", out, re.M)
    monkeypatch.setattr("xpnet.devices.selection.PAYS_FROM", 0)
    out = xpnet("train", "--data", tiny, "--epochs", 1).out
    assert re.search(r"^device +cpu, no GPU: the driver is on holiday: wait$", out, re.M)
    assert xpnet("train", "--data", tiny, "--device", "gpu") == (2, "", "xpnet: the driver is on holiday: wait\n")


def test_another_device_trains_the_same_model(tiny):
    options = ["--data", tiny, "--epochs", 3, "--dtype", "float64", "--plot"]
    for device in ("cpu", "array_api_strict"):
        code, out, _ = xpnet("train", *options, "--device", device, "--out", device)
        assert code == 0
        assert re.search(rf"^device +{device}\b", out, re.M)
        assert json.loads((Path(device) / "config.json").read_text())["device"] == device
    on_cpu, on_other = (load_model(f"{device}/model.safetensors").net for device in ("cpu", "array_api_strict"))
    for name, expected in on_cpu.params.items():
        np.testing.assert_allclose(on_other.params[name], expected, rtol=1e-12)


def test_the_model_remembers_its_data(tiny, folder):
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--seed", 3, "--out", "run")
    origin = load_checkpoint("run/model.safetensors").origin
    assert (origin.data, origin.label, origin.seed) == (str(folder / "tiny.npz"), None, 3)
    assert origin.class_names == ("0", "1")
    assert origin.scaling.offset.shape == (4,)
    assert origin.target_scaling is None


@pytest.mark.parametrize("validation", [(), ("--validation", 0.2)])
def test_a_streamed_table_trains_the_same_model(folder, validation):
    rng = np.random.default_rng(0)
    np.save(folder / "table.npy", np.c_[rng.random((300, 4)), rng.integers(0, 3, 300)])
    for run, stream in (("held", "--no-stream"), ("streamed", "--stream"), ("auto", "--quiet")):
        assert xpnet("train", "--data", "table.npy", "--epochs", 3, "--out", run, stream, *validation).code == 0
    held, streamed, auto = (Path(run) / "model.safetensors" for run in ("held", "streamed", "auto"))
    assert held.read_bytes() == streamed.read_bytes() == auto.read_bytes()
    assert without_times("held") == without_times("streamed")
    assert [json.loads(Path(run, "config.json").read_text())["stream"] for run in ("streamed", "auto")] == [True, None]
    assert xpnet("evaluate", "streamed") == xpnet("evaluate", "held")


def test_images_are_streamed_and_drawn():
    for run, options in (("held", ()), ("streamed", ("--stream",))):
        assert xpnet("train", "--epochs", 1, "--plot", "--out", run, *options).code == 0
    assert without_times("held") == without_times("streamed")
    assert (imread("held/samples.png") == imread("streamed/samples.png")).all()


def test_validation_leaves_the_test_set_to_the_end():
    options = ["--init", "xavier", "--optimizer", "adam", "--epochs", 2, "--out", "run", "--validation", 0.25]
    code, out, err = xpnet("train", *options)
    assert (code, err) == (0, "")
    assert [list(record) for record in records("run")] == [[key.replace("test", "validation") for key in KEYS]] * 2
    assert [record["step"] for record in records("run")] == [29, 58]  # 2867 of 3823 samples.
    test = evaluate(load_model("run/model.safetensors").net, *load_digits().test)
    assert re.search(r"^epoch 2/2  step    58  loss .* train .*% valid .*%", out, re.M)
    assert f"result    test accuracy {test.accuracy:.2%}, test loss {test.loss:#.4g} after 58 steps in" in out
    *lines, last = xpnet("train", *options[:-4], *options[-2:], "--json").out.splitlines()
    assert [list(json.loads(line)) for line in lines] == [list(records("run")[0])] * 2
    # The mean of 1797 losses in float32, in pieces or whole.
    assert json.loads(last) == pytest.approx({"test_accuracy": test.accuracy, "test_loss": test.loss}, rel=1e-6)


def test_patience_keeps_the_best_epoch(tiny):
    options = ["--data", tiny, "--optimizer", "adam", "--learning-rate", 0.5, "--validation", 0.3, "--patience", 3]
    out = xpnet("train", *options, "--epochs", 500, "--out", "run").out
    losses = [record["validation_loss"] for record in records("run")]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 3 < 500
    assert f"kept      the parameters of epoch {best}, whose validation loss is the lowest of {best + 3} epochs" in out
    xpnet("train", *options[:-2], "--epochs", best, "--out", "short")
    kept, short = (load_model(f"{run}/model.safetensors").net for run in ("run", "short"))
    for name, w in short.params.items():
        np.testing.assert_array_equal(kept.params[name], w)


def test_numbers_are_learned_and_measured_in_their_units(prices, folder):
    data, _ = prices
    options = ["--data", data, "--loss", "mean_squared_error", "--epochs", 2, "--plot", "--out", "run"]
    code, out, err = xpnet("train", *options)
    assert (code, err) == (0, "")
    assert re.search(r"^data +prices: 160 training and 40 test samples, 3 features, 1 number each$", out, re.M)
    assert re.search(r"^epoch 1/2  step     2  loss .* R² train +-?0\.\d{3} test +-?0\.\d{3} ", out, re.M)
    assert re.search(r"^result +test RMSE \d+\.\d+, test MAE \d+\.\d+, test R² -?0\.\d+, test loss 0\.", out, re.M)
    assert (
        "(config.json, metrics.jsonl, model.safetensors, curves.png, predictions.png, weights.png, checkpoints)" in out
    )
    assert imread("run/predictions.png").std() > 0.05
    test, last = load_data(data, classification=False).test, records("run")[-1]
    result = evaluate(load_model("run/model.safetensors").net, *test)
    unit = 1 / float(load_data(data, classification=False).target_scaling.factor.item())
    assert last["test_rmse"] == pytest.approx(result.rmse * unit, rel=1e-5)
    assert last["test_mae"] == pytest.approx(result.mae * unit, rel=1e-5)
    assert last["test_r2"] == pytest.approx(result.r2, rel=1e-5)
    assert "test_accuracy" not in last


def test_a_diverging_run_keeps_what_was_finite():
    options = ["--activation", "identity", "--learning-rate", 1.5, "--out", "run", "--quiet"]
    code, _, err = xpnet("train", *options)
    assert code == 2
    told = r"xpnet: the loss became (nan|inf) after step \d+ with learning_rate=1.5: lower .*\n"
    assert re.fullmatch(told, err)
    done = len(records("run"))
    assert set(tree(Path("run"))) == {"config.json", "metrics.jsonl", f"checkpoints/epoch-{done:06d}.safetensors"}
    code, out, err = xpnet("evaluate", "run", "--json")
    assert (code, err) == (0, f"xpnet: the run run has not come to its end: this is its model after epoch {done}\n")
    assert json.loads(out)["loss"] == pytest.approx(records("run")[-1]["test_loss"])


def test_a_run_that_diverges_at_once_leaves_no_model():
    assert xpnet("train", "--activation", "identity", "--learning-rate", 1e6, "--out", "run", "--quiet").code == 2
    assert set(tree(Path("run"))) == {"config.json", "metrics.jsonl"}
    assert xpnet("evaluate", "run") == (2, "", "xpnet: " + NO_MODEL.format(Path("run")))
