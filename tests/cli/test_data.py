"""``xpnet data``."""

import json
import re

import pytest
from command_line import tree, xpnet

from xpnet.datasets import fetch


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
