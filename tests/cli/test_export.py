"""``xpnet export``."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from command_line import xpnet

from xpnet import load_digits, load_model

TEST = load_digits().test


def test_the_digits_are_told_the_same_by_onnxruntime(run, folder):
    assert xpnet("export", run, "--format", "onnx") == (
        0,
        "saved     digits.onnx, which takes 64 raw features\n",
        "",
    )
    raw = np.rint(16 * TEST.x).astype(float)
    probabilities, label = onnxruntime.InferenceSession("digits.onnx").run(None, {"features": raw})
    model = load_model(run / "model.safetensors")
    np.testing.assert_allclose(probabilities, model.predict_proba(raw), rtol=0, atol=1e-6)
    assert (label == model.predict(raw)).mean() > 0.999  # But where two classes are as probable as each other.


@pytest.mark.parametrize(
    ("format", "name"), [("npz", "digits.npz"), ("sklearn", "digits.joblib"), ("hub", "digits-hub/README.md")]
)
def test_every_format_has_its_name(run, folder, format, name):
    assert xpnet("export", run, "--format", format).code == 0
    assert (folder / name).is_file()
    assert xpnet("export", run / "model.safetensors", "--format", format, "--out", "other").code == 0
    assert Path("other").exists()


def test_what_is_refused(run, folder):
    assert xpnet("export", run).err == "xpnet: Missing option '--format': see xpnet export --help\n"
    assert xpnet("export", run, "--format", "onx").err == (
        "xpnet: --format must be one of onnx, npz, sklearn, hub; got 'onx': did you mean 'onnx'?\n"
    )
    Path("mine").write_text("mine")
    told = xpnet("export", run, "--format", "npz", "--out", "mine")
    assert told == (2, "", "xpnet: mine is there already: choose another path, or remove it\n")
    assert Path("mine").read_text() == "mine"
