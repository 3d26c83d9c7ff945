"""``xpnet evaluate``."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import write_tiny, xpnet

from xpnet import load_data, load_digits, load_model

TEST = load_digits().test


def last_record(run):
    return json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])


def evaluated(*arguments):
    code, out, err = xpnet("evaluate", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_evaluate_finds_what_training_found(run):
    for model in (run, run / "model.safetensors"):
        result = evaluated(model)
        assert list(result) == ["data", "part", "samples", "accuracy", "loss", "class_names", "confusion_matrix"]
        assert (result["data"], result["samples"]) == ("digits", 1797)
        assert result["accuracy"] == pytest.approx(last_record(run)["test_accuracy"], rel=1e-6)
        assert result["loss"] == pytest.approx(last_record(run)["test_loss"], rel=1e-6)
        counts = np.asarray(result["confusion_matrix"])
        np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(TEST.t))
        assert counts.trace() / 1797 == pytest.approx(result["accuracy"])


def test_evaluate_tells_people(run):
    code, out, err = xpnet("evaluate", run)
    assert (code, err) == (0, "")
    counts = np.asarray(evaluated(run)["confusion_matrix"])
    assert re.match(r"digits: accuracy 9\d\.\d\d%, loss 0\.\d{4} on 1797 test samples\n", out)
    rows = [line.split() for line in out.split("Confusion matrix (rows: true, columns: said)\n")[1].splitlines()]
    assert rows[0] == list("0123456789")
    shown = [[0 if cell == "." else int(cell) for cell in row[1:]] for row in rows[1:11]]
    np.testing.assert_array_equal(shown, counts)
    recall = counts.diagonal() / counts.sum(axis=1)
    worst = [line.split()[0] for line in out.split("Worst classes\n")[1].splitlines()[1:]]
    assert worst == [str(i) for i in np.argsort(recall, kind="stable")[:3]]


def test_evaluate_scales_other_data_as_the_model_s(run):
    # Brighter images would be scaled otherwise, if their own range decided.
    raw = np.rint(TEST.x * 16)
    np.savez("other.npz", x_train=2 * raw, t_train=TEST.t, x_test=raw, t_test=TEST.t)
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
    result = evaluated("run")
    counts = np.asarray(result["confusion_matrix"])
    assert counts.shape == (30, 30)
    shown = out.split("Most often confused (the whole matrix is too large to show; --json prints it)\n")[1]
    rows = [line.split() for line in shown.split("\n\n")[0].splitlines()[1:]]
    assert len(rows) == 10
    for true, said, times in rows:
        assert counts[int(true), int(said)] == int(times) > 0
    wrong = counts - np.diag(counts.diagonal())
    assert sum(int(times) for _, _, times in rows) == np.sort(wrong, axis=None)[-10:].sum()


def test_a_file_that_is_given_is_measured_whole(folder):
    rows = [f"{i % 9},{i % 4},{'xy'[i % 2]}" for i in range(300)]
    table = Path("table.csv")
    table.write_text("\n".join(["a,b,kind", *rows[:200]]))
    Path("heldout.csv").write_text("\n".join(["a,b,kind", *rows[200:]]))
    xpnet("train", "--data", "table.csv", "--epochs", 3, "--out", "run", "--quiet")
    assert (evaluated("run")["part"], evaluated("run")["samples"]) == ("test", 40)
    assert "on 40 test samples" in xpnet("evaluate", "run").out
    result = evaluated("run", "--data", "heldout.csv")
    assert (result["part"], result["samples"]) == ("all", 100)
    assert np.sum(result["confusion_matrix"]) == 100
    assert "on all 100 samples" in xpnet("evaluate", "run", "--data", "heldout.csv").out
    # The data it was trained on are these whatever their file is called.
    Path("copy.csv").write_bytes(table.read_bytes())
    assert {**evaluated("run", "--data", "copy.csv"), "data": "table"} == evaluated("run")


def test_data_that_have_changed_since_training_are_told(folder):
    rows = [f"{i % 9},{i % 4},{'xy'[i % 2]}" for i in range(200)]
    table = Path("table.csv")
    table.write_text("\n".join(["a,b,kind", *rows]))
    xpnet("train", "--data", "table.csv", "--epochs", 1, "--out", "run", "--quiet")
    table.write_text("\n".join(["a,b,kind", *rows, "1,1,x"]))
    code, out, err = xpnet("evaluate", "run")
    assert (code, out) == (2, "")
    assert re.fullmatch(
        r"xpnet: \S+table.csv has changed since the model was trained on it, so .*: "
        r"restore the file, or measure all of it with --data \S+table.csv\n",
        err,
    )
    assert evaluated("run", "--data", "table.csv")["samples"] == 201


def test_data_with_a_test_part_of_their_own_that_have_changed_are_told_and_measured(folder):
    x, t = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    np.savez("parts.npz", x_train=x, t_train=t, x_test=x, t_test=t)
    xpnet("train", "--data", "parts.npz", "--epochs", 1, "--out", "run", "--quiet")
    assert xpnet("evaluate", "run").err == ""
    np.savez("parts.npz", x_train=x, t_train=t, x_test=x[:4], t_test=t[:4])
    code, out, err = xpnet("evaluate", "run")
    assert (code, "on 4 test samples" in out) == (0, True)
    assert re.fullmatch(r"xpnet: \S+parts.npz has changed since the model was trained on it: its test part .*\n", err)


def test_columns_are_found_by_name(folder):
    random = np.random.default_rng(0)
    rows = [(f"{a:.3f}", f"{b:.3f}", "yes" if a > b else "no") for a, b in random.random((300, 2))]
    Path("table.csv").write_text("\n".join(["a,b,kind", *map(",".join, rows)]))
    options = [
        "--preset",
        "chapter",
        "--init",
        "xavier",
        "--epochs",
        30,
        "--learning-rate",
        1,
        "--out",
        "run",
        "--quiet",
    ]
    xpnet("train", "--data", "table.csv", *options)
    Path("turned.csv").write_text("\n".join(["kind,note,b,a", *(f"{t},?,{b},{a}" for a, b, t in rows)]))
    assert evaluated("run", "--data", "turned.csv")["accuracy"] > 0.9
    Path("other.csv").write_text("\n".join(["a,c,kind", *map(",".join, rows)]))
    assert xpnet("evaluate", "run", "--data", "other.csv").err.startswith(
        "xpnet: other.csv: has no b among its columns"
    )


def test_another_device_finds_the_same(run):
    expected, result = evaluated(run), evaluated(run, "--device", "array_api_strict")
    assert result["confusion_matrix"] == expected["confusion_matrix"]
    # Sums of at most 64 products, and of 1797 losses, in another order.
    assert result["loss"] == pytest.approx(expected["loss"], rel=1e-5)


def test_evaluate_tells_errors_in_the_units_of_the_data(prices):
    data, run = prices
    result = evaluated(run)
    assert list(result) == ["data", "part", "samples", "rmse", "mae", "r2", "loss"]
    test = load_data(data, classification=False).test
    said = load_model(run / "model.safetensors").net.predict(test.x)
    scale = load_data(data, classification=False).target_scaling
    errors = scale.invert(said) - scale.invert(test.t)
    assert result["samples"] == 40
    # The network says its numbers in float32, which the reader of the data scales in float64.
    assert result["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-5)
    assert result["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)
    assert result["r2"] == pytest.approx(1 - np.mean(errors**2) / np.var(scale.invert(test.t)), rel=1e-5)
    assert result["r2"] > 0.9
    assert 10 < result["mae"] < result["rmse"] < 300
    last = last_record(run)
    for name in ("loss", "rmse", "mae", "r2"):
        assert result[name] == pytest.approx(last[f"test_{name}"], rel=1e-4)
    out = xpnet("evaluate", run).out
    assert re.fullmatch(r"prices: RMSE \d+\.\d+, MAE \d+\.\d+, R² 0\.9\d+, loss 0\.\d+ on 40 test samples\n", out)


def test_evaluate_tells_the_errors_of_each_of_several_numbers(folder):
    x = np.random.default_rng(0).random((100, 3))
    np.savez("two.npz", x=x, t=x[:, :2] * [1, 1000])
    options = ["--loss", "mean_squared_error", "--init", "xavier", "--epochs", 3, "--out", "run", "--quiet"]
    assert xpnet("train", "--data", "two.npz", *options) == (0, "", "")
    result = evaluated("run")
    assert 100 < result["rmse"][1] / result["rmse"][0] < 10_000
    out = xpnet("evaluate", "run").out
    assert re.match(r"two: loss \d\.\d{4} on 20 test samples\ntarget +RMSE +MAE +R² *\n +0 .*\n +1 ", out)


def test_the_loss_is_that_of_the_training_with_its_options(folder):
    write_tiny(folder / "tiny.npz")
    options = ["--label-smoothing", 0.3, "--class-weight", "balanced"]
    xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--out", "run", "--quiet", *options)
    assert evaluated("run")["loss"] == pytest.approx(last_record(folder / "run")["test_loss"], rel=1e-6)
