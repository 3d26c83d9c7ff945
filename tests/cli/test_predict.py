"""``xpnet predict``."""

import csv
import json
import re
import struct
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from command_line import write_tiny, xpnet

from xpnet import load_digits, load_model

TEST = load_digits().test


@pytest.fixture(scope="module")
def expected(run):
    """Give the probabilities of the first seven test images, from the library."""
    return load_model(run / "model.safetensors").net.predict_proba(TEST.x[:7])


def write_csv(path, header, *columns):
    rows = np.column_stack(columns).astype(int).astype(str).tolist()
    path.write_text("\n".join(",".join(row) for row in ([header] if header else []) + rows) + "\n")


def write_input(kind, folder):
    raw, labels = np.rint(TEST.x[:7] * 16), TEST.t[:7]
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


def test_predict_finds_columns_by_name(folder):
    lines = [f"{i % 7},{i % 5},{'xy'[i % 2]}" for i in range(50)]
    Path("table.csv").write_text("\n".join(["a,b,kind", *lines]))
    xpnet("train", "--data", "table.csv", "--epochs", 1, "--init", "xavier", "--out", "run", "--quiet")
    expected = xpnet("predict", "run", "table.csv")
    turned = [",".join(reversed(line.split(","))) for line in lines]
    Path("turned.csv").write_text("\n".join(["kind,b,a", *turned]))
    Path("bare.csv").write_text("\n".join(["b,a", *(line[2:] for line in turned)]))
    assert xpnet("predict", "run", "turned.csv") == xpnet("predict", "run", "bare.csv") == expected
    Path("other.csv").write_text("\n".join(["a,c", *(line[2:] for line in turned)]))
    assert xpnet("predict", "run", "other.csv") == (
        2,
        "",
        "xpnet: other.csv: has no b among its columns a, c: give data with those of the model, a, b\n",
    )


def test_predict_leaves_out_the_column_of_labels_of_the_training(folder):
    """On a table without names, that with the index of then, whose first row holds a 0, an index no less than a name."""
    lines = [f"{i % 2},{i},{i % 3}" for i in range(50)]
    Path("table.csv").write_text("\n".join(lines))
    xpnet("train", "--data", "table.csv", "--label", 0, "--epochs", 1, "--init", "xavier", "--out", "run", "--quiet")
    assert json.loads(Path("run/config.json").read_text())["label"] == "0"
    Path("bare.csv").write_text("\n".join(line[2:] for line in lines))
    labelled, bare = (xpnet("predict", "run", name) for name in ("table.csv", "bare.csv"))
    assert labelled == bare
    assert labelled.out.startswith("label,0,1\n")
    assert len(labelled.out.splitlines()) == 51


def test_predict_needs_no_data_set_in_place(tmp_path, folder):
    write_tiny(folder / "tiny.npz")
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet")
    Path("tiny.npz").unlink()
    np.save("new.npy", np.zeros((2, 4)))
    assert len(xpnet("predict", "run", "new.npy").out.splitlines()) == 3
    assert re.fullmatch(r"xpnet: \S+tiny.npz: no such file or folder: give the path .*\n", xpnet("evaluate", "run").err)


def test_predict_says_the_same_labels_on_another_device(run, folder):
    sample = write_input("npy", folder)
    on_cpu, other = (xpnet("predict", run, sample, *device).out for device in ((), ("--device", "array_api_strict")))
    assert [line.split(",")[0] for line in other.splitlines()] == [line.split(",")[0] for line in on_cpu.splitlines()]


def test_predict_says_numbers_in_the_units_of_the_data(prices, folder):
    _, run = prices
    x = np.asarray([[0.1, 0.9, 0.5], [0.5, 0.5, 0.5], [0.9, 0.1, 0.5]])
    np.save("new.npy", x)
    code, out, err = xpnet("predict", run, "new.npy")
    assert (code, err) == (0, "")
    header, *rows = csv.reader(StringIO(out))
    assert header == ["prediction"]
    said = [float(value) for (value,) in rows]
    np.testing.assert_allclose(said, 5000 + 2000 * x[:, 0] - 900 * x[:, 1], rtol=0.05)  # As well as it has learned.
    lines = xpnet("predict", run, "new.npy", "--format", "json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"prediction": value} for value in said]
