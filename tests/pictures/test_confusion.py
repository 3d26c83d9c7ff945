"""The picture of a confusion matrix: the counts, and colours by rows."""

import numpy as np
import pytest

from xpnet.pictures import plot_confusion


@pytest.mark.parametrize("classes", [2, 26, 27])
def test_rows_are_coloured_by_their_parts(tmp_path, drawn, classes):
    counts = np.random.default_rng(0).integers(0, 9, (classes, classes))
    counts[0] = 0
    names = [f"kind {i}" for i in range(classes)]
    plot_confusion(counts, names, tmp_path / "confusion.png", title="Kinds")
    (axes,) = drawn[0].axes
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares[1:].sum(axis=1), 1)
    assert (shares[0] == 0).all()
    np.testing.assert_allclose(shares[1], counts[1] / counts[1].sum())
    if classes <= 26:
        written = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in axes.texts}
        assert written == {(row, column): counts[row, column] for row, column in np.argwhere(counts).tolist()}
        assert [label.get_text() for label in axes.get_yticklabels()] == names
    else:
        assert not axes.texts
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [path.name for path in tmp_path.iterdir()] == ["confusion.png"]
