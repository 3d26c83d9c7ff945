"""Settings: what is taken, what is refused and how, and the way to files and back."""

import dataclasses
import inspect
import json
import pickle

import numpy as np
import pytest

from xpnet import CosineDecay, MeanSquaredError, Momentum, Settings, SoftmaxCrossEntropy, WarmUp, fit, load_digits
from xpnet.optimizers import OPTIMIZERS
from xpnet.settings import DEFAULTS, OPTIONS, read_values

EVERY = Settings(
    data="a table.csv",
    data_dir="/data",
    label="Größe",
    missing="mean",
    preset="modern",
    label_smoothing=0.1,
    class_weight=(1.0, 2.0),
    validation=0.2,
    stream=True,
    device="cpu",
    threads=3,
    hidden=7,
    activation="gelu",
    init="he",
    dtype="float64",
    optimizer="momentum",
    learning_rate=(0.1, 0.3),
    momentum=(0.5, 0.9),
    nesterov=True,
    weight_decay=1e-4,
    max_gradient_norm=(1.0, 2.0),
    batch_size=32,
    shards=4,
    epochs=3,
    patience=2,
    gradient="numerical",
    checkpoint_every=5,
    checkpoint_seconds=0.5,
    keep=1,
    seed=2**63 - 1,
)
"""Everything is other than by default, but the loss and the schedule, which do not go with some of it."""


def test_defaults_are_the_chapter_s():
    settings = Settings()
    assert settings.make_optimizer(10).learning_rate == 0.1
    net = settings.make_network(64, 10)
    assert repr(net).startswith("TwoLayerNet(64, 50, 10, activation='sigmoid', loss='softmax_cross_entropy'")
    assert float(net.params["W1"].std()) == pytest.approx(0.01, rel=0.1)


def test_files_have_defaults_of_today():
    for data, preset in (("digits", "chapter"), ("runs/idx", "chapter"), ("a.csv", "modern"), ("a.tsv.gz", "modern")):
        assert Settings(data=data).preset == preset
    settings = Settings(data="a.csv", hidden=3)
    assert (settings.hidden, settings.activation, settings.optimizer, settings.learning_rate) == (
        3,
        "relu",
        "adam",
        0.01,
    )
    assert settings.fit_options(100)["epochs"] == 100
    assert Settings(data="a.csv", optimizer="sgd").make_optimizer(1).learning_rate == 0.1
    assert Settings(data="a.csv", preset="chapter") == dataclasses.replace(Settings(), data="a.csv")
    assert Settings(preset="modern") == dataclasses.replace(settings, data="digits", hidden=200)


def test_every_option_says_what_it_is():
    assert list(OPTIONS) == [field.name for field in dataclasses.fields(Settings)]
    for name, option in OPTIONS.items():
        assert option.help.endswith(".")
        assert (option.domain.metavar == "") == (option.domain.kind is bool)
        if option.part == "optimizer":
            assert any(name in inspect.signature(kind).parameters for kind in OPTIMIZERS.values())
    others = [name for name in OPTIONS if getattr(EVERY, name) == DEFAULTS[name]]
    assert others == ["loss", "schedule"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        EVERY,
        Settings(loss="mean_squared_error", schedule="warmup:100,cosine:900:0.001", learning_rate=0.01),
    ],
)
def test_config_json_comes_back(tmp_path, settings):
    settings.write(tmp_path / "config.json", xpnet="0.1.0")
    assert Settings.of(read_values(tmp_path / "config.json")) == settings
    assert json.loads((tmp_path / "config.json").read_text())["xpnet"] == "0.1.0"
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert hash(settings) == hash(dataclasses.replace(settings))


def test_toml_is_read_by_the_names_of_either_side(tmp_path):
    (tmp_path / "run.toml").write_text(
        'batch-size = 7\nlearning_rate = [1, 0.5]\nnesterov = true\noptimizer = "momentum"'
    )
    expected = Settings(batch_size=7, learning_rate=(1, 0.5), nesterov=True, optimizer="momentum")
    assert Settings.of(read_values(tmp_path / "run.toml")) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.toml",
            "hidden = ",
            r"a.toml: no TOML file of options \(Invalid value .*\): give a .toml file with lines such as hidden = 50",
        ),
        ("a.toml", "[a]\n[a]", r"a.toml: no TOML file of options"),
        ("a.toml", b"\xff", r"a.toml: no TOML file of options"),
        ("a.json", "{", r"a.json: no JSON file of options"),
        ("a.json", "[1]", r"a.json: no JSON file of options \(it holds no names\)"),
        ("a.json", "[" * 100_000, r"a.json: no JSON file of options"),
        ("a.toml", "a-b = 1\na_b = 2", r"a.toml: no TOML file of options \(it holds a name twice, with - and with _\)"),
    ],
)
def test_files_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        read_values(tmp_path / name)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(ValueError, match=r"^run.toml: there is no option 'batchsize': did you mean 'batch_size'\?$"):
        Settings.of({"batchsize": 3}, where="run.toml")
    with pytest.raises(
        ValueError, match=r"^settings: there is no option 'qqq': there are data, data_dir, label, missing"
    ):
        Settings.of({"qqq": 3})


WRONG = {
    "data": [("", "must not be empty"), (3, "must be a text, got 3"), (None, "must be a text, got None")],
    "data_dir": [("", "must not be empty"), (["a"], "must be a text")],
    "label": [(True, "must be a column's name or index, got True"), (1.5, "must be a column's name or index")],
    "missing": [("median", "must be one of refuse, mean, drop; got 'median'"), (None, "must be one of")],
    "preset": [("modren", r"must be one of chapter, modern; got 'modren': did you mean 'modern'\?")],
    "loss": [("hinge", "must be one of softmax_cross_entropy, .*; got 'hinge'"), (None, "must be one of")],
    "label_smoothing": [
        (-0.1, r"must be a number in \[0, 1\]"),
        ("0.1", "must be a number"),
        ([0.1, 2], "must be a num"),
    ],
    "class_weight": [
        ("nowhere.txt", r"must be balanced, or a file with .* each class; got 'nowhere.txt' \(No such file"),
        ([], "must hold one or more values, got none"),
        ([1.0, -1.0], "must be a finite number >= 0, got -1.0"),
        (0.5, "must be balanced, a file or numbers, got 0.5"),
    ],
    "validation": [(0, "must be a number between 0 and 1, got 0"), (1.0, "between 0 and 1"), (2, r"in \[0, 1\]")],
    "stream": [(1, "must be true or false, got 1"), ("yes", "must be true or false, got 'yes'")],
    "device": [("", "must not be empty"), (0, "must be a text")],
    "threads": [
        ("all", "must be auto or a number of threads, got 'all'"),
        (0, "must be an integer >= 1"),
        (1.5, "must be an integer"),
    ],
    "hidden": [
        (0, "must be an integer >= 1, got 0"),
        (2**31, "must be an integer <= 2147483647"),
        (50.0, "an integer"),
    ],
    "activation": [("sigmoyd", r"must be one of .*: did you mean 'sigmoid'\?")],
    "init": [
        ("normal", "'normal:S' needs a number S, such as normal:0.01; got ''"),
        ("normal:", "'normal:S' needs a number S"),
        ("normal:-1", "the standard deviation must be a finite number > 0, got -1.0"),
        ("normal:inf", "the standard deviation must be a finite number > 0, got inf"),
        ("he:", "'he' takes no number, got 'he:'"),
        ("xavier:2", "'xavier' takes no number"),
        ("zero", "must be one of normal, xavier, he; got 'zero'"),
        (0.01, "must be a text"),
    ],
    "dtype": [("float16", "must be one of float32, float64; got 'float16'")],
    "optimizer": [("adem", r"must be one of .*: did you mean 'adam'\?")],
    "learning_rate": [
        (0, "must be a finite number > 0"),
        ("fast", "must be a finite number > 0, got 'fast' of type str"),
    ],
    "momentum": [(1, r"must be a number in \[0, 1\), got 1")],
    "nesterov": [(1, "must be true or false, got 1"), (None, "must be true or false")],
    "weight_decay": [
        (-1e-9, "must be a finite number >= 0"),
        ([0.1, float("nan")], "must be a finite number >= 0, got nan"),
    ],
    "max_gradient_norm": [(0.0, "must be a finite number > 0")],
    "schedule": [("cosin", r"must be one of constant, .*: did you mean 'cosine'\?"), ("step:0", r": steps must be")],
    "batch_size": [(10**30, "must be an integer <= 2147483647"), (0, "must be an integer >= 1"), (True, "an integer")],
    "shards": [(0, "must be an integer >= 1"), (2.0, "must be an integer")],
    "epochs": [(0, "must be an integer >= 1"), (2**40, "must be an integer <= ")],
    "patience": [(0, "must be an integer >= 1"), (1.5, "must be an integer")],
    "gradient": [("exact", "must be one of backpropagation, numerical; got 'exact'")],
    "checkpoint_every": [(0, "must be an integer >= 1"), (1.5, "must be an integer")],
    "checkpoint_seconds": [(-1.0, "must be a finite number >= 0"), ([1.0], "must be a finite number >= 0")],
    "keep": [(0, "must be an integer >= 1"), (None, "must be an integer")],
    "seed": [(-1, "must be an integer >= 0"), (2**63, "must be an integer <= 9223372036854775807")],
}
CASES = [(name, value, text) for name, cases in WRONG.items() for value, text in cases]


def test_every_option_has_values_that_are_refused():
    assert list(WRONG) == list(OPTIONS)


@pytest.mark.parametrize(("name", "value", "text"), CASES, ids=[f"{name}={value!r}"[:40] for name, value, _ in CASES])
def test_a_value_outside_its_domain_is_refused_by_name(name, value, text):
    with pytest.raises((TypeError, ValueError), match=rf"^(every value of )?{name}\b.*{text}"):
        Settings(**{name: value})
    with pytest.raises((TypeError, ValueError), match=rf"^(every value of )?<{name}>"):
        Settings(**{name: value}, spelling=lambda name: f"<{name}>")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"momentum": 0.9}, r"^momentum does not go with optimizer sgd: leave it out, or take momentum$"),
        ({"momentum": 0.9, "optimizer": "adagrad"}, r"^momentum does not go with optimizer adagrad: leave it out"),
        ({"nesterov": True, "optimizer": "adam"}, r"^nesterov does not go with optimizer adam: leave it out"),
        (
            {"label_smoothing": 0.1, "loss": "mean_squared_error"},
            r"^label_smoothing does not go with loss mean_squared_error: .* take softmax_cross_entropy or softmax_cr",
        ),
        (
            {"class_weight": "balanced", "loss": "mean_squared_error"},
            r"^class_weight does not go with loss mean_squared",
        ),
        ({"patience": 3}, r"^patience needs validation, the part .*: give one, such as 0.1$"),
        ({"schedule": "cosine", "learning_rate": (0.1, 0.2)}, r"^schedule does not go with .* learning_rate for each"),
        (
            {"learning_rate": (0.1, 0.2), "weight_decay": (0.1, 0.2, 0.3)},
            r"^there must be as many values as members for every option, got 2 of learning_rate and 3 of weight_decay",
        ),
    ],
)
def test_options_that_do_not_go_together_name_each_other(options, text):
    with pytest.raises(ValueError, match=text):
        Settings(**options)


def test_the_optimizer_is_made_of_what_is_given():
    settings = Settings(optimizer="momentum", schedule="warmup:5,cosine", nesterov=True, max_gradient_norm=1)
    rate = WarmUp(CosineDecay(0.01, steps=95), steps=5)
    assert settings.make_optimizer(100) == Momentum(learning_rate=rate, nesterov=True, max_gradient_norm=1)
    for name, kind in OPTIMIZERS.items():
        assert Settings(optimizer=name).make_optimizer(100) == kind()


def test_what_is_left_to_the_optimizer_can_be_written_down():
    settings = Settings(optimizer="adamw").completed(epochs=5, device="gpu:0")
    own = {"learning_rate": 0.001, "weight_decay": 0.01}
    assert settings == Settings(optimizer="adamw", epochs=5, device="gpu:0", shards=1, **own)
    assert settings.make_optimizer(7) == Settings(optimizer="adamw").make_optimizer(7)


def test_the_loss_is_made_of_what_is_given(tmp_path):
    labels = np.asarray([0, 0, 0, 1])
    assert Settings(loss="mean_squared_error").make_loss(3) == MeanSquaredError()
    assert Settings(label_smoothing=0.1).make_loss(2, labels) == SoftmaxCrossEntropy(label_smoothing=0.1)
    balanced = Settings(class_weight="balanced")
    # Four samples, two classes: 4 / (2 * 3) and 4 / (2 * 1), as scikit-learn balances.
    assert balanced.make_loss(2, labels) == SoftmaxCrossEntropy(class_weight=(4 / 6, 2.0))
    assert balanced.make_loss(3, labels).class_weight[2] == 4 / 3
    with pytest.raises(ValueError, match=r"class_weight='balanced' needs the labels of the training set: pass labels"):
        balanced.make_loss(2)
    (tmp_path / "weights.txt").write_text("1, 2.5\n 3\n")
    settings = Settings(class_weight=tmp_path / "weights.txt")
    assert settings.class_weight == (1.0, 2.5, 3.0)
    assert settings.make_loss(3) == SoftmaxCrossEntropy(class_weight=(1.0, 2.5, 3.0))
    with pytest.raises(ValueError, match=r"the data have 2 classes, got 3 class weights: give one each"):
        settings.make_loss(2)


def test_a_network_of_members_trains_side_by_side():
    settings = Settings(learning_rate=np.asarray([0.1, 0.2, 0.4]), weight_decay=[0.0, 0.1, 0.2], init="xavier")
    assert (settings.members, settings.learning_rate) == (3, (0.1, 0.2, 0.4))
    data = load_digits()
    net = settings.make_network(data.features, data.outputs)
    (record,) = fit(net, *data.train, optimizer=settings.make_optimizer(39), epochs=1)
    assert len(record.train_loss) == 3
    assert Settings(learning_rate=np.float32(0.5)).learning_rate == 0.5
    assert type(Settings(hidden=np.int64(3)).hidden) is int
