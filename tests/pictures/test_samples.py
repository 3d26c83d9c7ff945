"""Pictures of what is wrong: the most confident mistakes."""

import numpy as np
import pytest

from xpnet.pictures import plot_samples


@pytest.mark.parametrize("wrong", [0, 3, 40])
def test_samples_are_the_most_confidently_wrong_ones(tmp_path, drawn, wrong):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.51, 0.99, 60)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    true = np.asarray([1] * wrong + [0] * (60 - wrong))
    names = ("no", "yes")
    plot_samples(rng.random((60, 8, 8)), true, probabilities, names, tmp_path / "s.png", title="Answers")
    titles = [axes.get_title() for axes in drawn[0].axes if axes.get_title()]
    worst = np.sort(confidence[:wrong])[::-1][:20]
    assert titles == [f"said no ({p:.0%})\nis yes" for p in worst]
    assert f"{wrong} of 60" in drawn[0].get_suptitle()


def test_long_names_of_classes_get_a_line_of_their_own(tmp_path, drawn):
    probabilities, names = np.asarray([[0.2, 0.8], [0.7, 0.3]]), ("T-shirt/top", "Ankle boot")
    plot_samples(np.zeros((2, 2, 2)), np.asarray([0, 1]), probabilities, names, tmp_path / "s.png", title="Clothes")
    titles = [axes.get_title() for axes in drawn[0].axes if axes.images]
    assert titles == ["said Ankle boot\n(80%)\nis T-shirt/top", "said T-shirt/top\n(70%)\nis Ankle boot"]
