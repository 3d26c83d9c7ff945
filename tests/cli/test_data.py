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


def test_data_show_says_what_is_in_a_file(folder):
    rows = [f"{i},{'red' if i % 3 else ''},{['no', 'yes'][i % 2]}" for i in range(12)]
    (folder / "a.csv").write_text("\n".join(["size,colour,label", *rows]))
    code, out, err = xpnet("data", "show", folder / "a.csv")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "data        a: 12 samples, to be split, 2 features",
        "label       column label",
        "classes     2: no (6), yes (6)",
        "categories  colour: 1: red",
        "missing     4 samples, in colour (4)",
    ]
    assert json.loads(xpnet("data", "show", folder / "a.csv", "--json").out)["missing"] == {"colour": 4}
    out = xpnet("data", "show", folder / "a.csv", "--label", "size").out
    assert re.search(r"^classes     12: 0 \(1\), 1 \(1\)", out, re.M)
    assert re.search(r"^data +digits: 3823 training and 1797 test samples", xpnet("data", "show", "digits").out)
    assert xpnet("data", "show", folder / "b.csv").code == 2
    (folder / "c.csv").write_text("a,b\n1,2.5\n2,3.5\n")
    assert "numbers     2.5 to 3.5, 3 on average\n" in xpnet("data", "show", folder / "c.csv").out


@pytest.mark.parametrize("command", ["path", "fetch"])
def test_data_path_and_fetch_print_the_folder(command, data_dir):
    assert xpnet("data", command, "digits") == (0, f"{fetch('digits')}\n", "")
    assert xpnet("data", command, "mnist", "--data-dir", data_dir) == (0, f"{data_dir / 'mnist'}\n", "")
