"""Sweeps against the same networks alone: what is best, what is dropped, what diverges; and whatever ends them."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from command_line import tree
from small_networks import host

import xpnet
from xpnet.datasets import Rows
from xpnet.sweeps import race
from xpnet.sweeps.work import dataset_of

GRID = {"learning_rate": [0.001, 0.3, 0.03], "hidden": [2, 3], "seed": [5, 6]}


def single(tiny, row, seed):
    return replace(tiny, seed=seed, **row.values)


@pytest.mark.parametrize("patience", [None, 1])
def test_every_row_is_what_its_networks_are_alone(tiny, alone, patience):
    tiny = replace(tiny, patience=patience, epochs=8)
    found = xpnet.sweep(tiny, GRID)
    assert len(found.rows) == 6
    keys = []
    for row in found.rows:
        trained = [alone(single(tiny, row, seed)) for seed in (5, 6)]
        last = [records[-1] for _, records in trained]
        kept = [
            records[record.state.best.epoch - 1] if patience else record
            for record, (_, records) in zip(last, trained, strict=True)
        ]
        assert (row.seeds, row.diverged, row.dropped_after) == (2, 0, None)
        assert row.epochs == np.mean([record.epoch for record in last])
        for name, value in row.means.items():
            each = [record.as_dict()[name] for record in kept]
            # The same sums, perhaps in another order: some roundings of numbers of about 1.
            assert value == pytest.approx(np.mean(each), abs=1e-12)
            assert row.deviations[name] == pytest.approx(np.std(each, ddof=1), abs=1e-12)
        keys.append((-row.means["validation_accuracy"], row.means["validation_loss"]))
    assert keys == sorted(keys)
    best, _ = alone(found.settings)
    assert found.settings.learning_rate == found.rows[0].values["learning_rate"]
    for name, w in host(found.model.net.params).items():
        np.testing.assert_allclose(w, best.params[name], rtol=0, atol=1e-12)


def test_the_best_is_of_the_seed_that_validated_best(tiny, alone):
    found = xpnet.sweep(tiny, {"seed": range(6)})
    losses = {}
    for seed in range(6):
        record = alone(replace(tiny, seed=seed))[1][-1]
        losses[seed] = (-record.validation_accuracy, record.validation_loss)
    assert found.settings.seed == min(losses, key=losses.get)
    assert [row.values for row in found.rows] == [{}]


def test_halving_goes_on_with_the_better_half_as_if_they_had_been_alone(tiny, alone):
    grid = {"learning_rate": [0.001, 0.3, 0.03, 0.1, 0.01], "seed": [5, 6]}
    found = xpnet.sweep(tiny, grid, halving=[1, 2])
    assert [row.dropped_after for row in found.rows] == [None, None, 2, 1, 1]
    assert [row.epochs for row in found.rows] == [4, 4, 2, 1, 1]
    for row in found.rows:
        runs = [alone(single(tiny, row, seed))[1][int(row.epochs) - 1] for seed in (5, 6)]
        assert row.means["validation_loss"] == pytest.approx(np.mean([r.validation_loss for r in runs]), abs=1e-12)


def test_halving_with_patience_keeps_what_was_best_before(tiny, alone):
    tiny = replace(tiny, patience=1, epochs=8)
    grid = {"learning_rate": [3.0, 0.1, 0.03], "seed": [5]}
    found = xpnet.sweep(tiny, grid, halving=[3, 5])
    row = found.rows[0]
    records = alone(single(tiny, row, 5))[1]
    assert row.epochs == len(records)
    assert row.means["validation_loss"] == pytest.approx(records[-1].state.best.loss, abs=1e-12)


def test_a_network_that_diverges_takes_no_other_with_it(tiny, alone):
    tiny = replace(tiny, activation="identity", loss="mean_squared_error", data=tiny.data)
    grid = {"learning_rate": [0.01, 1e200, 0.02], "seed": [5, 6]}
    found = xpnet.sweep(tiny, grid)
    assert [row.values["learning_rate"] for row in found.rows][2] == 1e200
    assert [row.diverged for row in found.rows] == [0, 0, 2]
    assert found.rows[2].means == {}
    assert found.rows[0].seeds == 2
    with pytest.raises(ValueError, match=r"every network of the sweep has diverged: take lower learning rates"):
        xpnet.sweep(tiny, {"learning_rate": [1e200]})


# -- the folder


def test_the_folder_holds_the_results_and_the_best_model(tiny, tmp_path):
    found = xpnet.sweep(tiny, GRID, folder=tmp_path)
    with (tmp_path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, ours in zip(rows, found.rows, strict=True):
        assert float(row["learning_rate"]) == ours.values["learning_rate"]
        assert int(row["hidden"]) == ours.values["hidden"]
        assert (row["seeds"], row["diverged"], row["epochs"], row["dropped_after"]) == ("2", "0", "4", "")
        for name, value in ours.means.items():
            assert float(row[name]) == pytest.approx(value, rel=1e-5)
            assert float(row[f"{name}_deviation"]) == pytest.approx(ours.deviations[name], rel=1e-5, abs=1e-6)
    model = xpnet.load_model(tmp_path / "best" / "model.safetensors")
    np.testing.assert_equal(host(model.net.params), host(found.model.net.params))
    assert model.origin.seed == found.settings.seed
    config = json.loads((tmp_path / "best" / "config.json").read_text())
    assert config == {"xpnet": xpnet.__version__, **found.settings.as_dict()}


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("halving", [(), (1, 2)])
def test_whatever_ends_it_nothing_is_trained_twice(tiny, tmp_path, monkeypatch, halving):
    expected = xpnet.sweep(tiny, GRID, halving=halving, folder=tmp_path / "whole")
    trained, train = [], race.train

    def noted(task):
        trained.append((task.until, task.settings))
        return train(task)

    monkeypatch.setattr(race, "train", noted)
    stops = 0

    def interrupt(progress):
        if len(trained) > stops:
            raise Interrupted

    while True:
        try:
            found = xpnet.sweep(tiny, GRID, halving=halving, folder=tmp_path / "parts", report=interrupt)
            break
        except Interrupted:
            stops += 1
    assert stops == len(trained) == len(set(trained)) >= 4
    assert found.rows == expected.rows
    parts, whole = tree(tmp_path / "parts"), tree(tmp_path / "whole")
    assert parts == whole


def test_refuses_the_folder_of_another_sweep_and_of_another_process(tiny, tmp_path):
    xpnet.sweep(tiny, {"hidden": [2]}, folder=tmp_path)
    before = tree(tmp_path)
    with pytest.raises(ValueError, match=r"holds another sweep: choose another folder"):
        xpnet.sweep(tiny, {"hidden": [3]}, folder=tmp_path)

    def again(progress):
        with pytest.raises(ValueError, match=r"another process is at work in"):
            xpnet.sweep(tiny, {"hidden": [2]}, folder=tmp_path)

    xpnet.sweep(tiny, {"hidden": [2]}, folder=tmp_path, report=again)
    assert tree(tmp_path) == before


# -- executors


def test_an_executor_gives_the_same(tiny, tmp_path):
    xpnet.sweep(tiny, GRID, folder=tmp_path / "here")
    with ThreadPoolExecutor(2) as executor:
        xpnet.sweep(tiny, GRID, folder=tmp_path / "threads", executor=executor)
    assert tree(tmp_path / "here") == tree(tmp_path / "threads")


def test_progress_comes_to_its_end(tiny):
    seen = []
    xpnet.sweep(tiny, GRID, halving=[2], report=seen.append)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == seen[-1].total == 2 * (3 * 4 + 3 * 2)
    assert 0 < seen[0].done < seen[0].total


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"validation": None}, r"a sweep compares by <validation>: give one, such as 0.1"),
        ({"halving": [2, 2]}, r"halving must be an integer >= 3, got 2"),
        ({"halving": [4]}, r"halving must be an integer <= 3, got 4"),
        ({"halving": [1], "grid": {"epochs": [3, 4]}}, r"halving compares candidates after as many epochs"),
        ({"random": 0}, r"random must be an integer >= 1, got 0"),
        ({"seed": (1, 2)}, r"a setting of a sweep is one network's"),
    ],
)
def test_refuses_what_cannot_be_done(tiny, options, match):
    given = {name: options.pop(name) for name in ("halving", "random", "grid") if name in options}
    with pytest.raises(ValueError, match=match):
        xpnet.sweep(replace(tiny, **options), **{"grid": {"hidden": [2, 3]}, **given}, spelling="<{}>".format)


def test_data_may_be_streamed(tiny):
    held, streamed = (xpnet.sweep(replace(tiny, stream=stream), GRID) for stream in (False, True))
    assert isinstance(dataset_of(replace(tiny, stream=True)).train.x, Rows)
    assert [(row.values, row.means) for row in streamed.rows] == [(row.values, row.means) for row in held.rows]
    np.testing.assert_equal(host(streamed.model.net.params), host(held.model.net.params))


def test_seeds_of_data_with_a_test_part_of_their_own_train_side_by_side(alone, monkeypatch):
    tasks, train = [], race.train
    monkeypatch.setattr(race, "train", lambda task: tasks.append(task) or train(task))
    settings = xpnet.Settings(validation=0.1, epochs=1, device="cpu", hidden=5, dtype="float64", init="xavier")
    found = xpnet.sweep(settings, {"seed": [1, 2, 3], "learning_rate": [0.1, 0.3]})
    assert [task.settings.seed for task in tasks] == [(1, 1, 2, 2, 3, 3)]
    net, records = alone(found.settings)
    best = {name: value for name, value in records[-1].as_dict().items() if name.startswith("validation")}
    row = xpnet.sweep(found.settings, {"hidden": [5]}).rows[0]
    for name, value in best.items():
        assert row.means[name] == pytest.approx(value, abs=1e-12)
    for name, w in host(found.model.net.params).items():
        np.testing.assert_allclose(w, net.params[name], rtol=0, atol=1e-11)
