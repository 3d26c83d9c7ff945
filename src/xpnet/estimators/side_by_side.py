"""Estimators fitted side by side, each on samples of its own, as members of one network, and scored."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import array_api_compat
import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from xpnet._typing import Array
from xpnet.estimators.base import Problem, TwoLayerEstimator
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings
from xpnet.sweeps.members import batches, joined
from xpnet.training import NonFiniteLossError, fit_epochs
from xpnet.training.state import copied

_HIDDEN_BYTES = 3 * 2**18
"""More hidden values than that in a mini-batch of all members, and they are slower than one by one."""


Score: TypeAlias = float | NonFiniteLossError
"""How good an estimator is, or why it has no score: it diverged."""


class Fold(NamedTuple):
    """Samples to train on, and others to be judged by, each a pair ``(X, y)``."""

    train: tuple[Any, Any]
    test: tuple[Any, Any]


def score_side_by_side(
    models: Sequence[TwoLayerEstimator],
    folds: Sequence[Fold],
    places: Sequence[int],
    scorer: Callable[..., float],
    *,
    n_jobs: int | None = None,
) -> list[Score]:
    """Fit each estimator on its fold, the one in its place, and return how good it is on what was held out.

    Those with as many samples and classes, and with settings that may differ between members, share a network; such
    networks are trained and judged in so many processes of joblib.
    """
    features: dict[int, Array] = {}
    problems: dict[int, Problem] = {}
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index in sorted(range(len(models)), key=places.__getitem__):  # Networks then have samples of few folds.
        model, place = models[index], places[index]
        problem = model._prepare(*folds[place].train, None, fresh=True)
        problems[index] = _completed(problem._replace(X=features.setdefault(place, problem.X)))
        weighting = repr(model.get_params().get("class_weight"))  # Then samples of one part have the same weights.
        groups.setdefault((problem.X.shape, problem.outputs, weighting), []).append(index)
    together: list[list[int]] = []
    for group in groups.values():
        sizes = problems[group[0]].features, problems[group[0]].outputs
        parts = batches([problems[index].settings for index in group], partial(_parameters, *sizes))
        for part in parts:
            first = problems[group[part[0]]]
            most = _most(first) if first.device(len(part)).name == "cpu" else len(part)
            pieces = np.array_split(np.asarray(part), -(-len(part) // most))
            together += [[group[index] for index in piece.tolist()] for piece in pieces]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_scored)(
            [models[index] for index in part],
            [problems[index] for index in part],
            [folds[places[index]].test for index in part],
            scorer,
        )
        for part in together
    )
    scores = dict(zip(chain(*together), chain(*found), strict=True))
    return [scores[index] for index in range(len(models))]


def _scored(
    models: Sequence[TwoLayerEstimator],
    problems: Sequence[Problem],
    tests: Sequence[tuple[Any, Any]],
    scorer: Callable[..., float],
) -> list[Score]:
    """Return how good estimators are that are members of one network."""
    scores: list[Score] = []
    for model, result, test in zip(models, _fitted(problems), tests, strict=True):
        if isinstance(result, NonFiniteLossError):
            scores.append(result)
        else:
            model.net_ = result
            scores.append(scorer(model, *test))
    return scores


def _most(problem: Problem) -> int:
    """Return how many members have hidden values that stay in the cache of a CPU."""
    settings = problem.settings
    return int(max(1, _HIDDEN_BYTES // (settings.batch_size * settings.hidden * np.dtype(settings.dtype).itemsize)))


def _parameters(features: int, outputs: int, settings: Settings) -> int:
    return (features + 1) * settings.hidden + (settings.hidden + 1) * outputs


def _completed(problem: Problem) -> Problem:
    """Return a problem whose settings leave nothing to others, so that they can be compared."""
    settings = problem.settings
    epochs = settings.fit_options(len(problem.t))["epochs"]
    return problem._replace(settings=settings.completed(epochs=epochs, device=settings.device))


def _fitted(problems: Sequence[Problem]) -> list[TwoLayerNet[Any] | NonFiniteLossError]:
    """Return the members of one network, or why one diverged; the others then begin again without it."""
    failures: dict[int, NonFiniteLossError] = {}
    while going := [member for member in range(len(problems)) if member not in failures]:
        try:
            nets = dict(zip(going, _trained([problems[member] for member in going]), strict=True))
        except NonFiniteLossError as error:
            failures |= {going[place]: error for place in error.members}
            continue
        return [nets[member] if member in nets else failures[member] for member in range(len(problems))]
    return [failures[member] for member in range(len(problems))]


def _trained(problems: Sequence[Problem]) -> list[TwoLayerNet[Any]]:
    """Return the networks of these problems, trained as members of one."""
    first, settings = problems[0], joined([problem.settings for problem in problems])
    device, samples = first.device(len(problems)), len(first.t)
    net = first._replace(settings=settings).make_network(device)
    parts = list({id(problem.X): problem for problem in problems}.values())
    starts = {id(part.X): samples * place for place, part in enumerate(parts)}
    rows = np.asarray([[starts[id(problem.X)]] for problem in problems]) + np.arange(samples)
    options = settings.fit_options(samples)
    every = options["epochs"] if settings.validation is None else 1
    x, t = array_api_compat.array_namespace(first.X).concat([part.X for part in parts]), [part.t for part in parts]
    weights = None if first.weights is None else np.concatenate([part.weights for part in parts])
    for _ in fit_epochs(net, x, np.concatenate(t), sample_weight=weights, rows=rows, every=every, **options):
        pass
    nets = [problem.make_network(device) for problem in problems]
    for place, one in enumerate(nets):
        one.params.update(copied({name: w[place, ...] for name, w in net.params.items()}))
    return nets
