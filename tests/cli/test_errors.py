"""Bad input: one line that says what is wrong and how to repair it, exit code 2, and nothing on disk is touched."""

import gzip
import pickle
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from command_line import tree, write_tiny, xpnet
from safetensors.numpy import save_file

from xpnet import TwoLayerNet, save_model
from xpnet.cli import devices
from xpnet.datasets import fetch
from xpnet.datasets.idx_files import PARTS


@pytest.fixture(autouse=True)
def folder(folder):
    """Put a run and a small table into the folder."""
    write_tiny(folder / "tiny.npz")
    assert xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--out", "run", "--quiet") == (0, "", "")
    return folder


def refused(folder, text, *arguments):
    """Check the contract of all errors, and that the line has the `text`, a regular expression."""
    before = tree(folder)
    code, out, err = xpnet(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"xpnet: [^\n]*\n", err)
    assert re.search(text, err)
    assert "internal error" not in err
    assert tree(folder) == before
    return err


OPTIONS = [
    ("--nope", r"No such option: --nope: see xpnet train --help"),
    ("--lr 0.1", r"No such option: --lr, did you mean --learning-rate\?: see xpnet train --help"),
    ("--wd 0.1", r"No such option: --wd, did you mean --weight-decay\?: see xpnet train --help"),
    ("--epoch=3", r"No such option: --epoch, did you mean --epochs\?: see xpnet train --help"),
    ("--dataset mnist", r"No such option: --dataset, did you mean --data\?: see xpnet train --help"),
    ("-lr 0.1", r"No such option: -l: see xpnet train --help"),
    ("extra", r"unexpected extra argument.*: see xpnet train --help"),
    ("--hidden", r"'?--hidden'? requires an argument: see xpnet --help"),
    ("--hidden many", r"Invalid value for '--hidden'.*: see xpnet train --help"),
    ("--hidden 1.5", r"Invalid value for '--hidden'.*: see xpnet train --help"),
    ("--learning-rate fast", r"Invalid value for '--learning-rate'.*: see xpnet train --help"),
    ("--learning-rate 0.1,0.2", r"Invalid value for '--learning-rate'.*: see xpnet train --help"),
    ("--nesterov=maybe", r"--nesterov.* does not take a value: see xpnet --help"),
    ("--device tpu", r"device must be auto, cpu, gpu or gpu:N .*, got 'tpu'"),
    ("--device gpu:x", r"device must be auto, cpu, gpu or gpu:N .*, got 'gpu:x'"),
    ("--data digit", r"data must be one of digits, .*; got 'digit': did you mean 'digits'\?, or give the path"),
    ("--data nowhere.csv", r"nowhere.csv: no such file or folder: give the path of one that exists"),
    ("--data no/where", r"no.where: no such file or folder: give the path of one that exists"),
    ("--data=", r"--data must not be empty"),
    ("--loss hinge", r"--loss must be one of softmax_cross_entropy, .*, mean_squared_error, .*; got 'hinge'"),
    ("--loss cross_entropy_error", r"--loss must be one of .*: did you mean 'softmax_cross_entropy_error'\?"),
    ("--optimizer adem", r"--optimizer must be one of sgd, .*; got 'adem': did you mean 'adam'\?"),
    ("--activation sigmoyd", r"--activation must be one of .*; got 'sigmoyd': did you mean 'sigmoid'\?"),
    ("--init normal", r"--init: 'normal:S' needs a number S, such as normal:0.01; got ''"),
    ("--init normal:x", r"--init: 'normal:S' needs a number S, such as normal:0.01; got 'x'"),
    ("--init normal:0", r"--init: the standard deviation must be a finite number > 0, got 0.0"),
    ("--init he:", r"--init: 'he' takes no number, got 'he:': write 'he'"),
    ("--init zero", r"--init must be one of normal, xavier, he; got 'zero'"),
    ("--gradient exact", r"--gradient must be one of backpropagation, numerical; got 'exact'"),
    ("--dtype float16", r"--dtype must be one of float32, float64; got 'float16'"),
    *(
        (f"{option} {n}", rf"{option} must be an integer >= 1, got {n}")
        for option in ("--hidden", "--batch-size", "--epochs", "--patience")
        for n in (0, -5)
    ),
    *(
        (f"{option} {10**30}", rf"{option} must be an integer <= 2147483647, got 1000")
        for option in ("--hidden", "--batch-size", "--epochs", "--patience")
    ),
    *(
        (f"{option} {x}", rf"{option} must be a finite number > 0, got {x}")
        for option in ("--learning-rate", "--max-gradient-norm")
        for x in ("nan", "inf", "-1.0", "0.0")
    ),
    ("--weight-decay -0.1", r"--weight-decay must be a finite number >= 0, got -0.1"),
    ("--optimizer momentum --momentum 1", r"--momentum must be a number in \[0, 1\), got 1.0"),
    ("--momentum 0.9", r"--momentum does not go with --optimizer sgd: leave it out, or take momentum"),
    ("--momentum 0.9 --optimizer adagrad", r"--momentum does not go with --optimizer adagrad: leave it out, or take"),
    ("--nesterov --optimizer adam", r"--nesterov does not go with --optimizer adam: leave it out, or take momentum"),
    ("--label-smoothing 1.1", r"--label-smoothing must be a number in \[0, 1\], got 1.1"),
    (
        "--label-smoothing 0.1 --loss mean_squared_error",
        r"--label-smoothing does not go with --loss mean_squared_error",
    ),
    ("--class-weight balanced --loss mean_squared_error", r"--class-weight does not go with --loss mean_squared_error"),
    ("--class-weight nowhere.txt", r"--class-weight must be balanced, or a file .*'nowhere.txt' \(No such file"),
    ("--class-weight run", r"--class-weight must be balanced, or a file .* got 'run' \(Is a directory\)"),
    ("--class-weight run/config.json", r"--class-weight must be balanced, or a file .* \(could not convert string to"),
    ("--class-weight weights.txt", r"the data have 10 classes, got 3 class weights: give one each"),
    *((f"--validation {x}", r"--validation must be a number between 0 and 1, got [01]") for x in ("0", "1")),
    ("--validation nan", r"--validation must be a number in \[0, 1\], got nan"),
    ("--validation 0.01 --data tiny.npz", r"validation: 0.01 of 32 samples leaves none to validate: take another"),
    ("--validation 0.99 --data tiny.npz", r"validation: 0.99 of 32 samples leaves none to train on: take another"),
    ("--patience 3", r"--patience needs --validation, the part .*: give one, such as 0.1"),
    ("--schedule cosin", r"--schedule must be one of constant, step, cosine, warmup; got 'cosin': did you mean"),
    ("--schedule step:x", r"--schedule: steps must be an integer in 'step:x': write step:STEPS:FACTOR"),
    ("--schedule warmup", r"--schedule: 0 numbers are too few in 'warmup': write warmup:STEPS"),
    ("--seed -1", r"--seed must be an integer >= 0, got -1"),
    (f"--seed {2**63}", r"--seed must be an integer <= 9223372036854775807"),
    (
        "--label species",
        r"digits: a label column can be chosen in a .csv or .tsv table, a .parquet table or a .npy table only: leave label out",
    ),
    ("--loss mean_squared_error --data words.csv", r"words.csv: .*(number|not)"),
    (f"--hidden {2**31 - 1} --dtype float64", r"not enough memory .*: take fewer hidden units"),
    ("--out tiny.npz", r"--out: cannot write to tiny.npz .*: choose another folder"),
    ("--out tiny.npz/below", r"--out: cannot write to tiny.npz.below .*: choose another folder"),
    ("--out run", r"--out: run already holds config.json of another run: choose another folder"),
    ("--config nowhere.toml", r"nowhere.toml: No such file or directory: check the path"),
    ("--config run", r"run: Is a directory: check the path"),
    ("--config words.csv", r"words.csv: no JSON file of options .*: give a .toml file with lines such as hidden = 50"),
    ("--config unknown.toml", r"unknown.toml: there is no option 'hiden': did you mean 'hidden'\?"),
    ("--config short.toml", r"short.toml: there is no option 'lr': did you mean 'learning_rate'\?"),
    ("--config wrong.toml", r"wrong.toml: batch_size must be an integer >= 1, got 0"),
    (
        "--config table.toml",
        r"table.toml: there is no option 'train': did you mean|table.toml: there is no option 'train'",
    ),
    ("--config members.toml", r"train takes one network, got numbers for 2: give one number of each kind"),
    ("--config momentum.toml --optimizer adam", r"momentum.toml: momentum does not go with --optimizer adam: leave it"),
]


@pytest.mark.parametrize(("options", "text"), OPTIONS, ids=[options for options, _ in OPTIONS])
def test_wrong_options(folder, options, text):
    Path("weights.txt").write_text("1 2 3")
    Path("words.csv").write_text("a,target\n" + "1,x\n2,y\n" * 5)
    Path("unknown.toml").write_text("hiden = 3")
    Path("short.toml").write_text("lr = 0.1")
    Path("wrong.toml").write_text("batch-size = 0")
    Path("table.toml").write_text("[train]\nhidden = 3")
    Path("members.toml").write_text("learning_rate = [0.1, 0.2]")
    Path("momentum.toml").write_text("momentum = 0.5")
    refused(folder, text, "train", *options.split())


def test_all_options_are_checked_before_data_are_read(folder, monkeypatch):
    def read(*arguments, **options):
        pytest.fail("data were read")

    monkeypatch.setattr("xpnet.datasets.load_data", read)
    for options in (["--activation", "foo"], ["--patience", 3], ["--device", "tpu"], ["--out", "run"]):
        refused(folder, options[0].removeprefix("--"), "train", *options)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("data", r"Missing command: see xpnet data --help"),
        ("data fetch", r"Missing argument 'NAME': see xpnet data fetch --help"),
        ("trian", r"No such command: trian, did you mean train\?: see xpnet --help"),
        ("data feetch", r"No such command: feetch, did you mean fetch\?: see xpnet data --help"),
        ("--verison", r"No such option: --verison, did you mean --version\?: see xpnet --help"),
        ("data fetch minst", r"data must be one of digits, .*'minst': did you mean 'mnist'\?"),
        (
            "data path mnist",
            r"mnist is not on this machine: fetch it, or put train-images-idx3-ubyte.gz, .* into .*cache",
        ),
        ("evaluate", r"Missing argument 'MODEL': see xpnet evaluate --help"),
        ("predict run", r"Missing argument 'INPUT': see xpnet predict --help"),
        ("predict run tiny.npz --format xml", r"--format must be one of csv, json; got 'xml'"),
        ("predict run nowhere.csv", r"nowhere.csv: no such file: give the path of one that exists"),
        ("predict run run/config.json", r"run.config.json: not an idx file, .*: replace it with a good copy"),
        (
            "evaluate run --data digits",
            r"digits: (data has 64 features, but its scaling was made for 4|label 2 is none of the 2 classes)",
        ),
        ("gradcheck --hidden 0", r"--hidden must be an integer >= 1, got 0"),
        ("gradcheck --seed -1", r"--seed must be an integer >= 0, got -1"),
        ("gradcheck --data digit", r"data must be one of digits, .*; got 'digit': did you mean 'digits'\?"),
        ("evaluate run --device tpu", r"device must be auto, cpu, gpu or gpu:N .*, got 'tpu'"),
    ],
)
def test_wrong_commands(folder, command, text):
    refused(folder, text, *command.split())


@pytest.mark.parametrize(
    "command", ["train --data run --out new", "train --data folder.csv", "train --data run/config.json"]
)
def test_data_that_are_none(folder, command):
    Path("folder.csv").mkdir()
    refused(folder, r"(put these files there|cannot be read|give one of these)", *command.split())


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


@pytest.fixture
def images(folder):
    """Give a folder with four good idx files."""
    images = folder / "images"
    images.mkdir()
    for part in PARTS:
        kind = np.zeros((6, 2, 2), np.uint8) if "images" in part else np.asarray([0, 1, 2, 0, 1, 2], np.uint8)
        write_idx(images / part, kind)
    return images


def test_the_good_images_are_good(images):
    assert xpnet("train", "--data", images, "--epochs", 1, "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("part", "damage", "text"),
    [
        (0, lambda data: b"\x12" + data[1:], r"not an idx file, its magic number is 0x12.*: replace it"),
        (0, lambda data: data[:-3], r"promises .*: replace it"),
        (1, lambda data: data + b"!", r"trailing bytes follow: replace it"),
        (2, lambda data: data[:4] + b"\xff" * 8 + data[12:], r"its header promises 4294967295 x 4294967295 x 2 values"),
        (
            2,
            lambda data: gzip.compress(data[:4] + b"\xff" * 12 + data[16:]),
            r"would unpack to \d+ bytes from \d+: unpack it first",
        ),
        (
            1,
            lambda data: data[:4] + struct.pack(">I", 5) + data[8:13],
            r"6 samples but .* 5 labels: use files that belong",
        ),
        (3, lambda data: data[:8] + b"\x09" * 6, r"label 9 is none of the 3 classes \(0, 1, 2\): correct the labels"),
        (1, lambda data: data[:8] + b"\x01" * 6, r"all samples are of one class \(1\): training needs two or more"),
        (0, lambda data: b"", r"not an idx file, its magic number is 0x\(none\)"),
        (0, None, r"has no train-images-idx3-ubyte: put these files there"),
    ],
)
def test_damaged_images(folder, images, part, damage, text):
    path = images / PARTS[part]
    data = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage(data))
    refused(folder, text, "train", "--data", images)


TABLES = {
    "missing": ("a,b,label\n1,2,0\n3,,1\n", r"line 3, column 2 \('b'\) has a missing value: fill it in or remove"),
    "text": ("a,b,label\n1,2,0\n3,x,1\n", r"line 3, column 2 \('b'\) holds 'x', not a number: correct or remove"),
    "nan": (
        "a,b,label\n1,2,0\n3,nan,1\n",
        r"line 3, column 2 \('b'\) has a missing value: fill it in or remove the line, or take --missing mean or --missing drop",
    ),
    "infinite": ("a,b,label\n1,2,0\n3,inf,1\n", r"line 3, column 2 \('b'\) holds 'inf', not a finite"),
    "ragged": ("a,b,label\n1,2,0\n3,1\n", r"line 3 has 2 cells where 3 were expected: correct or remove it"),
    "empty": ("", r"holds no rows of data: use a table with samples"),
    "header only": ("a,b,label\n", r"holds no rows of data: use a table with samples"),
    "one class": ("a,b,label\n1,2,0\n3,4,0\n", r"all samples are of one class \(0\): training needs two or more"),
    "one sample": ("a,b,label\n1,2,0\n", r"training needs two or more|too few"),
}


@pytest.mark.parametrize("name", TABLES)
def test_damaged_tables(folder, name):
    text, message = TABLES[name]
    Path("table.csv").write_text(text)
    refused(folder, message, "train", "--data", "table.csv")


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": np.asarray([[1.0], [np.nan]]), "t": [0, 1]}, r"sample 1, feature 0 is nan, not a finite .*: replace it"),
        ({"x": np.asarray([[1.0], [np.inf]]), "t": [0, 1]}, r"sample 1, feature 0 is inf, not a finite .*: replace it"),
        ({"x": np.zeros((0, 3)), "t": np.zeros(0, int)}, r"holds no data .*: use a file with samples and features"),
        ({"x": np.zeros((3, 2)), "t": [0, 1]}, r"holds 3 samples but .* 2 labels: use files that belong together"),
        (
            {"x": np.eye(3), "t": [0.5, 1, 2]},
            r"label 0.5 .* not an integer: .* take --loss mean_squared_error if they are",
        ),
        ({"a": np.zeros((3, 2))}, r"holds a: save x_train, t_train, x_test, t_test .*, or x and t"),
    ],
)
def test_damaged_arrays(folder, arrays, text):
    np.savez("arrays.npz", **arrays)
    refused(folder, text, "train", "--data", "arrays.npz")


def with_nan(path):
    net = TwoLayerNet(4, 3, 2)
    net.params["W2"][1, 1] = np.nan
    save_model(net, path)


MODELS = {
    "missing": (
        lambda path: None,
        r"there is no model file .*: give the path of a model.safetensors, or of its folder",
    ),
    "a folder": (lambda path: path.mkdir(), r"there is no model file .*model.safetensors: give the path"),
    "empty": (
        lambda path: path.write_bytes(b""),
        r"is no model of xpnet, or damaged: use a file that xpnet train or save_model wrote",
    ),
    "random": (
        lambda path: path.write_bytes(np.random.default_rng(0).bytes(999)),
        r"is no model of xpnet, or damaged: use a file that xpnet train or save_model wrote",
    ),
    "truncated": (
        lambda path: path.write_bytes(Path("run/model.safetensors").read_bytes()[:-9]),
        r"damaged \(its SHA-256 is not the one it holds\): train it again, or use a backup",
    ),
    "huge header": (
        lambda path: path.write_bytes(struct.pack("<Q", 2**60) + b"{}"),
        r"is no model of xpnet, or damaged: use a file that xpnet train or save_model wrote",
    ),
    "pickle": (
        lambda path: path.write_bytes(pickle.dumps({"W1": [1.0]})),
        r"is no model of xpnet, or damaged: use a file that xpnet train or save_model wrote",
    ),
    "not ours": (
        lambda path: save_file({"W1": np.ones((2, 2))}, path),
        r"is no model of xpnet, or damaged: use a file",
    ),
    "nan": (with_nan, r"contradicts itself \(W2 holds NaN or infinite numbers\): train it again, or use a backup"),
    "no origin": (
        lambda path: save_model(TwoLayerNet(4, 3, 2), path),
        r"does not say what it was trained on: use a model",
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("command", ["evaluate bad", "predict bad tiny.npz"])
def test_unusable_models(folder, name, command):
    write, text = MODELS[name]
    write(Path("bad"))
    refused(folder, text, *command.split())


def test_data_of_another_number_of_features(folder):
    xpnet("train", "--epochs", 1, "--out", "digits", "--quiet")
    images = fetch("digits") / "t10k-images-idx3-ubyte.gz"
    refused(folder, r"has 64 features a sample where 4 were expected: give such data", "predict", "run", images)
    refused(
        folder, r"tiny has 4 features, this model takes 64: use other data", "evaluate", "digits", "--data", "tiny.npz"
    )


@pytest.mark.parametrize("out", [(), ("--out", "new")])
def test_an_out_that_cannot_be_written(folder, monkeypatch, out):
    def forbidden(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    refused(folder, r"--out: cannot write to (new|runs) \(Permission denied\): choose another folder", "train", *out)


def test_a_disk_that_is_full_in_the_middle_of_a_run(folder, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--out", "new")
    assert code == 2
    assert re.fullmatch(
        r"xpnet: new.config.json: No space left on device: check the path, .* space that is left\n", err
    )
    assert set(tree(folder / "new")) == {"metrics.jsonl"}


def test_debug_shows_the_traceback_first(folder):
    for arguments in (["train", "--hidden", 0, "--debug"], ["--debug", "train", "--hidden", 0]):
        code, out, err = xpnet(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("Traceback (most recent call last)")
        assert err.endswith("\nxpnet: --hidden must be an integer >= 1, got 0\n")


def test_a_mistake_of_ours_is_called_one(monkeypatch):
    def broken():
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(devices, "list_devices", broken)
    code, _, err = xpnet("devices")
    assert code == 2
    assert err == "xpnet: internal error, RuntimeError: two lines; please report it with what --debug prints\n"
