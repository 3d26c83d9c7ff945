"""What both estimators share: their data made ready, training from one call to the next, and what the network says."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import array_api_compat
import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from xpnet._checks import check_choice
from xpnet._typing import Array, Namespace
from xpnet.devices import Device, device_of, select_device, to_host
from xpnet.estimators.parameters import OPTIONS
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings
from xpnet.training import fit_epochs, operations


class Problem(NamedTuple):
    """What an estimator is to learn, checked."""

    X: Array
    t: NDArray[Any]
    """Labels (n,), or values (n, C), on the host."""
    weights: NDArray[Any] | None
    settings: Settings
    outputs: int

    @property
    def features(self) -> int:
        """How many there are."""
        return int(self.X.shape[1])

    def device(self, members: int = 1) -> Device:
        """Return where so many such networks are trained: where the data are, or from the host where it pays."""
        if not isinstance(self.X, np.ndarray):
            return device_of(self.X)
        sizes = self.features, self.settings.hidden, self.outputs, self.settings.batch_size
        return select_device(self.settings.device, operations=operations(*sizes, members))

    def make_network(self, device: Device) -> TwoLayerNet[Any]:
        """Return a fresh network."""
        return self.settings.make_network(self.features, self.outputs, device=device)


class TwoLayerEstimator(BaseEstimator, ABC):
    """A two-layer network as an estimator; its subclass knows the targets."""

    _score: str
    """The metric of `Evaluation` that validation is told by."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples `X` and their targets `y`.

        Parameters
        ----------
        X : array or data frame, shape (n, features)
            Features.
        y : array, shape (n,) or (n, outputs)
            For a classifier labels of any kind, or a matrix of 0 and 1; for a regressor numbers.
        sample_weight : array, shape (n,), optional
            Weights of the samples, >= 0, not all 0.
        """
        fresh = not (self.warm_start and hasattr(self, "net_"))
        return self._train(self._prepare(X, y, sample_weight, fresh=fresh), fresh=fresh, epochs=None)

    def _read(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, **target: bool
    ) -> tuple[Array, NDArray[Any], NDArray[Any] | None]:
        """Return checked features, where they are, and on the host checked targets and weights."""
        xp = _namespace(X)
        X, y = validate_data(self, X, _on_host(y), dtype=[xp.float64, xp.float32], reset=reset, **target)
        if sample_weight is None:
            return X, y, None
        weights = np.asarray(_on_host(sample_weight), np.float64)
        if weights.shape != (X.shape[0],):
            raise ValueError(
                f"sample_weight must hold one weight for each of {X.shape[0]} samples, got shape {weights.shape}"
            )
        if not ((weights >= 0) & np.isfinite(weights)).all() or not weights.any():
            raise ValueError("sample_weight must hold finite weights >= 0, not all of them zero: correct them")
        return X, y, weights

    def _settings(self, losses: Sequence[str], **options: Any) -> Settings:
        """Return the settings of these parameters, with one of these losses."""
        check_choice(self.loss, "loss", losses)
        values = {name: getattr(self, name) for name in OPTIONS} | options
        if not self.early_stopping:
            values |= {"validation": None, "patience": None}
        settings = Settings(**values)
        if settings.members is not None:
            raise ValueError(
                f"an estimator is one network, got numbers for {settings.members}: give one number of each kind"
            )
        return settings

    @abstractmethod
    def _prepare(self, X: Any, y: Any, sample_weight: Any, *, fresh: bool) -> Problem:
        """Return what is to be learned, and keep what is known of it; a fresh one has a seed."""

    def _problem(
        self,
        X: Array,
        t: NDArray[Any],
        weights: NDArray[Any] | None,
        settings: Settings,
        *,
        outputs: int,
        fresh: bool,
    ) -> Problem:
        settings = replace(settings, dtype="float32" if "float32" in str(X.dtype) else "float64")
        if fresh:
            seed = self.random_state
            if seed is None or not isinstance(seed, int | np.integer):
                seed = check_random_state(seed).randint(2**31 - 1)
            settings = replace(settings, seed=int(seed))
            self._home = device_of(X)
        return Problem(X, t, weights, settings, outputs)

    def _train(self, problem: Problem, *, fresh: bool, epochs: int | None) -> Self:
        """Train a fresh network, or the one there is, for so many epochs, by default those of the settings."""
        X, t, weights, settings, _ = problem
        if fresh:
            self.net_: TwoLayerNet[float] = problem.make_network(problem.device())
            self._state, self.n_iter_ = None, 0
            self.loss_curve_: list[float] = []
            self.validation_scores_: list[float] = []
        options = settings.fit_options(int(X.shape[0]))
        options["epochs"] = self.n_iter_ + (options["epochs"] if epochs is None else epochs)
        if self._state is not None:
            options["seed"] = self._state.seed
        every = 1 if self.early_stopping else options["epochs"]
        for record in fit_epochs(self.net_, X, t, sample_weight=weights, state=self._state, every=every, **options):
            in_epochs = record.batch_losses.reshape(record.epoch - self.n_iter_, -1)
            self.loss_curve_ += in_epochs.mean(axis=1).tolist()
            if record.validation is not None:
                self.validation_scores_.append(record.validation.metrics[self._score])
            self._state, self.n_iter_ = record.state, record.epoch
        return self

    def _say(self, method: str, X: Any) -> Array:
        """Return what a method of the network says of `X`, in the library of `X`."""
        check_is_fitted(self, "net_")
        xp, net = _namespace(X), self.net_
        X = validate_data(self, X, dtype=[xp.float64, xp.float32], reset=False)
        if device_of(X) != self._home:
            raise ValueError(
                f"inputs to {type(self).__name__}.{method}() must use the same namespace and the same device as those "
                f"passed to fit(), {self._home}, got an array on {device_of(X)}: move it, or fit on such arrays"
            )
        said = getattr(net, method)(net.device.asarray(X))
        return to_host(said) if isinstance(X, np.ndarray) else said


def _namespace(X: Any) -> Namespace:
    """Return the namespace that scikit-learn validates `X` in: NumPy, or with array API dispatch its own."""
    if get_config()["array_api_dispatch"] and array_api_compat.is_array_api_obj(X):
        return array_api_compat.array_namespace(X)
    return np


def _on_host(y: Any) -> Any:
    """Return targets or weights as they are, but arrays of other libraries as NumPy arrays."""
    return to_host(y) if array_api_compat.is_array_api_obj(y) else y
