"""Cross-entropy of several labels: a sum of binary ones, and what is no label."""

import numpy as np
import pytest
from loss_cases import FLAGS, LABELS, LOGITS, ROUNDINGS, C

from xpnet import binary_cross_entropy, multilabel_cross_entropy


def test_is_the_sum_over_labels(backend, close):
    expected = sum(binary_cross_entropy(LOGITS[:, c : c + 1], FLAGS[:, c]) for c in range(C))
    close(multilabel_cross_entropy(backend.asarray(LOGITS), backend.asarray(FLAGS)), expected, roundings=ROUNDINGS)


def test_refuses_what_is_no_label(backend):
    y = backend.asarray(LOGITS)
    with pytest.raises(ValueError, match=r"t must hold numbers between 0 and 1, got 2: correct it, or take another"):
        multilabel_cross_entropy(y, backend.asarray(2 * np.maximum(FLAGS, 1)))
    with pytest.raises(ValueError, match=r"t: targets for y of shape \(6, 4\) must have shape \(6, 4\), got \(6,\)"):
        multilabel_cross_entropy(y, backend.asarray(LABELS))
