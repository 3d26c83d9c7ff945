"""``xpnet evaluate``, ``predict``, ``devices`` and ``data``."""

import csv
import json
import re
import struct
from io import StringIO
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
from command_line import tree, write_tiny, xpnet

from xpnet import Device, __version__, load, load_digits
from xpnet.cli import evaluate, predict
from xpnet.datasets import fetch
from xpnet.devices import DeviceReport

DIGITS = load_digits()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Give the folder of a short run on the digits."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    options = [
        "--init",
        "xavier",
        "--optimizer",
        "adam",
        "--learning-rate",
        "0.01",
        "--epochs",
        "3",
        "--device",
        "cpu",
        "--quiet",
    ]
    assert xpnet("train", "--out", folder, *options) == (0, "", "")
    return folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of the test's own, where no data set is cached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XPNET_DATA_DIR", raising=False)
    monkeypatch.setattr("xpnet.datasets.known.cache", lambda: tmp_path / "cache")
    return tmp_path


def last_record(run):
    return json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])


def evaluated(*arguments):
    code, out, err = xpnet("evaluate", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_evaluate_finds_what_training_found(run):
    for model in (run, run / "model.safetensors"):
        result = evaluated(model)
        assert list(result) == ["data", "samples", "accuracy", "loss", "class_names", "confusion_matrix"]
        assert (result["data"], result["samples"]) == ("digits", 1797)
        assert result["accuracy"] == last_record(run)["test_accuracy"]
        assert result["loss"] == pytest.approx(last_record(run)["test_loss"], rel=1e-6)
        counts = np.asarray(result["confusion_matrix"])
        np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(DIGITS.t_test))
        assert counts.trace() / 1797 == pytest.approx(result["accuracy"])


def test_evaluate_tells_people(run):
    code, out, err = xpnet("evaluate", run)
    assert (code, err) == (0, "")
    counts = np.asarray(evaluated(run)["confusion_matrix"])
    assert re.match(r"digits: accuracy 9\d\.\d\d%, loss 0\.\d{4} on 1797 test samples\n", out)
    rows = [line.split() for line in out.split("Confusion matrix (rows: true, columns: said)\n")[1].splitlines()]
    assert rows[0] == list("0123456789")
    shown = [[0 if cell == "·" else int(cell) for cell in row[1:]] for row in rows[1:11]]
    np.testing.assert_array_equal(shown, counts)
    recall = counts.diagonal() / counts.sum(axis=1)
    worst = [line.split()[0] for line in out.split("Worst classes\n")[1].splitlines()[1:]]
    assert worst == [str(i) for i in np.argsort(recall, kind="stable")[:3]]


def test_evaluate_scales_other_data_as_the_model_s(run):
    # Brighter images would be scaled otherwise, if their own range decided.
    raw = np.rint(DIGITS.x_test * 16)
    np.savez("other.npz", x_train=2 * raw, t_train=DIGITS.t_test, x_test=raw, t_test=DIGITS.t_test)
    result = evaluated(run, "--data", "other.npz")
    assert result["data"] == "other"
    assert {**result, "data": "digits"} == evaluated(run)


def test_evaluate_of_a_table_takes_what_was_not_trained_on(folder):
    random = np.random.default_rng(0)
    lines = [f"{x:.3f},{y:.3f},{random.choice(['yes', 'no'])}" for x, y in random.random((200, 2))]
    Path("table.csv").write_text(
        "\n".join(["a,answer is,b", *(f"{x},{t},{y}" for x, y, t in (r.split(",") for r in lines))])
    )
    xpnet("train", "--data", "table.csv", "--label", "answer is", "--seed", 9, "--epochs", 3, "--out", "run", "--quiet")
    result = evaluated("run")
    assert result["samples"] == 40
    assert result["class_names"] == ["no", "yes"]
    assert result["loss"] == pytest.approx(last_record(folder / "run")["test_loss"], rel=1e-6)
    assert evaluated("run", "--data", "table.csv", "--label", 1) == result


def test_evaluate_numbers_columns_of_long_class_names(folder):
    rows = [f"{i % 3},{i % 2},{['Ankle boot', 'T-shirt/top', '[red]'][i % 3]}" for i in range(30)]
    Path("clothes.csv").write_text("\n".join(["a,b,label", *rows]))
    xpnet("train", "--data", "clothes.csv", "--epochs", 1, "--out", "run", "--quiet")
    out = xpnet("evaluate", "run").out
    assert re.search(r"^ +0 +1 +2 *\n0 Ankle boot .*\n1 T-shirt/top .*\n2 \[red\] ", out, re.M)


def test_evaluate_of_many_classes_leaves_the_matrix_to_json(folder):
    np.savez("many.npz", x=np.arange(120.0).reshape(60, 2), t=np.arange(60) % 30)
    xpnet("train", "--data", "many.npz", "--epochs", 1, "--out", "run", "--quiet")
    out = xpnet("evaluate", "run").out
    assert "The confusion matrix is too large to show: --json prints it.\n" in out
    assert np.shape(evaluated("run")["confusion_matrix"]) == (30, 30)


def test_another_device_finds_the_same(run, monkeypatch):
    expected, sample = evaluated(run), fetch("digits") / "t10k-images-idx3-ubyte.gz"
    labels = [line.split(",")[0] for line in xpnet("predict", run, sample).out.splitlines()]
    gpu = Device(array_api_strict, array_api_strict.Device("device1"), name="gpu:0")
    monkeypatch.setattr(evaluate, "select_device", lambda name: {"gpu:0": gpu}[name])
    monkeypatch.setattr(predict, "select_device", lambda name: {"gpu:0": gpu}[name])
    result = evaluated(run, "--device", "gpu:0")
    assert result["confusion_matrix"] == expected["confusion_matrix"]
    assert result["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    said = xpnet("predict", run, sample, "--device", "gpu:0").out
    assert [line.split(",")[0] for line in said.splitlines()] == labels


@pytest.fixture(scope="module")
def expected(run):
    """Give the probabilities of the first seven test images, from the library."""
    return load(run / "model.safetensors").predict_proba(DIGITS.x_test[:7])


def write_csv(path, header, *columns):
    rows = np.column_stack(columns).astype(int).astype(str).tolist()
    path.write_text("\n".join(",".join(row) for row in ([header] if header else []) + rows) + "\n")


def write_input(kind, folder):
    raw, labels = np.rint(DIGITS.x_test[:7] * 16), DIGITS.t_test[:7]
    names = [f"pixel{i}" for i in range(64)]
    path = folder / f"input.{kind.split()[0]}"
    if kind == "npy":
        np.save(path, raw)
    elif kind == "npz":
        np.savez(path, x=raw, t=labels)
    elif kind == "idx":
        path.write_bytes(struct.pack(">IIII", 0x803, 7, 8, 8) + raw.astype(np.uint8).tobytes())
    elif kind == "csv labelled":
        write_csv(path, [*names, "label"], raw, labels)
    elif kind == "csv label first":
        write_csv(path, ["label", *names], labels, raw)
    elif kind == "csv unlabelled":
        write_csv(path, names, raw)
    elif kind == "csv bare":
        write_csv(path, None, raw)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "idx", "csv labelled", "csv label first", "csv unlabelled", "csv bare"])
def test_predict_scales_raw_samples_of_every_kind(run, expected, folder, kind):
    code, out, err = xpnet("predict", run, write_input(kind, folder))
    assert (code, err) == (0, "")
    header, *rows = csv.reader(StringIO(out))
    assert header == ["label", *"0123456789"]
    assert [row[0] for row in rows] == [str(i) for i in expected.argmax(axis=1)]
    np.testing.assert_allclose(np.asarray([row[1:] for row in rows], float), expected, rtol=2e-5, atol=1e-12)


def test_predict_json_is_an_object_a_line(run, expected, folder):
    code, out, _ = xpnet("predict", run / "model.safetensors", write_input("npy", folder), "--format", "json")
    assert code == 0
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["label"] for answer in answers] == [str(i) for i in expected.argmax(axis=1)]
    for answer, row in zip(answers, expected, strict=True):
        assert list(answer["probabilities"]) == list("0123456789")
        np.testing.assert_allclose(list(answer["probabilities"].values()), row, rtol=2e-5, atol=1e-12)


def test_predict_takes_another_column_as_the_labels(folder):
    Path("table.csv").write_text("a,kind,b\n" + "".join(f"{i % 2},{'xy'[i % 2]},{i}\n" for i in range(20)))
    xpnet("train", "--data", "table.csv", "--label", "kind", "--epochs", 1, "--out", "run", "--quiet")
    Path("new.csv").write_text("a,kind,b\n0,?,3\n1,?,4\n")
    for label in ("kind", 1, -2):
        assert xpnet("predict", "run", "new.csv", "--label", label).out.splitlines()[0] == "label,x,y"


REPORTS = [
    DeviceReport("cpu", "Stand-in, 2 cores", 8 * 2**30, None),
    DeviceReport("gpu:0", "Stand-in 3000", 80 * 2**30, None),
    DeviceReport(
        "gpu:1", "Stand-in 1000", 2 * 2**30, "it does not compute, as a long explanation says: replace it " * 2
    ),
]


def test_devices_lists_what_works_and_why_the_rest_does_not(monkeypatch):
    monkeypatch.setattr("xpnet.cli.devices.list_devices", lambda: REPORTS)
    code, out, err = xpnet("devices")
    assert (code, err) == (0, "")
    assert re.search(r"^cpu +Stand-in, 2 cores +8\.0 GiB +works *$", out, re.M)
    assert re.search(r"^gpu:0 +Stand-in 3000 +80\.0 GiB +works *$", out, re.M)
    assert re.search(r"^gpu:1 +Stand-in 1000 +2\.0 GiB +cannot be used *$", out, re.M)
    assert f"\ngpu:1   {REPORTS[2].problem}\n" in out


def test_devices_as_json(monkeypatch):
    monkeypatch.setattr("xpnet.cli.devices.list_devices", lambda: REPORTS)
    devices = json.loads(xpnet("devices", "--json").out)
    assert [list(device) for device in devices] == [["name", "description", "memory", "problem"]] * 3
    assert [device["problem"] is None for device in devices] == [True, True, False]


def test_devices_of_this_machine():
    first, *others = json.loads(xpnet("devices", "--json").out)
    assert (first["name"], first["problem"]) == ("cpu", None)
    assert others
    assert all(device["name"].startswith("gpu") for device in others)


def test_data_list_names_every_data_set_its_state_and_folder(folder):
    code, out, err = xpnet("data", "list")
    assert (code, err) == (0, "")
    assert re.search(r"^digits +UCI optical digits.*\n +embedded, 0\.1 MiB, \S+digits$", out, re.M)
    assert re.search(
        rf"^mnist +MNIST .*\n +not downloaded, 11\.1 MiB, {re.escape(str(folder))}.cache.mnist$", out, re.M
    )
    places = json.loads(xpnet("data", "list", "--json").out)
    assert [(place["name"], place["state"]) for place in places] == [
        ("digits", "embedded"),
        ("mnist", "not downloaded"),
        ("fashion-mnist", "not downloaded"),
    ]
    assert [list(place) for place in places] == [["name", "description", "state", "folder", "size"]] * 3
    assert tree(folder) == {}


@pytest.mark.parametrize("command", ["path", "fetch"])
def test_data_path_and_fetch_print_the_folder(command, data_dir):
    assert xpnet("data", command, "digits") == (0, f"{fetch('digits')}\n", "")
    assert xpnet("data", command, "mnist", "--data-dir", data_dir) == (0, f"{data_dir / 'mnist'}\n", "")


def test_help_and_version():
    assert xpnet("--version") == (0, f"xpnet {__version__}\n", "")
    for arguments in ((), ("--help",), ("-h",)):
        code, out, err = xpnet(*arguments)
        assert (code, err) == (0, "")
        for name in ("train", "evaluate", "predict", "devices", "data"):
            assert re.search(rf"^  {name} +[A-Z][^.]*\.$", out, re.M)
    for name in ("train", "evaluate", "predict", "devices", "data", "data list", "data fetch", "data path"):
        code, out, err = xpnet(*name.split(), "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: xpnet {name} ")
        assert max(map(len, out.splitlines())) <= 80


def test_predict_needs_no_data_set_in_place(tmp_path, folder):
    write_tiny(folder / "tiny.npz")
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet")
    Path("tiny.npz").unlink()
    np.save("new.npy", np.zeros((2, 4)))
    assert len(xpnet("predict", "run", "new.npy").out.splitlines()) == 3
    assert re.fullmatch(r"xpnet: data must be one of .*tiny.npz.*, or give the path .*\n", xpnet("evaluate", "run").err)
