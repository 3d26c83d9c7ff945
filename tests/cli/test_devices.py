"""``xpnet devices``."""

import json
import re

from command_line import xpnet

from xpnet.devices import DeviceReport

REPORTS = [
    DeviceReport("cpu", "Stand-in, 2 cores", 8 * 2**30, None),
    DeviceReport("gpu:0", "Stand-in 3000", 80 * 2**30, None),
    DeviceReport(
        "gpu:1", "Stand-in 1000", 2 * 2**30, "it does not compute, as a long explanation says: replace it " * 2
    ),
]


def test_devices_lists_what_works_and_why_the_rest_does_not(monkeypatch):
    monkeypatch.setattr("xpnet.cli.devices.list_devices", lambda: REPORTS)
    code, out, err = xpnet("devices")
    assert (code, err) == (0, "")
    assert re.search(r"^cpu +Stand-in, 2 cores +8\.0 GiB +works *$", out, re.M)
    assert re.search(r"^gpu:0 +Stand-in 3000 +80\.0 GiB +works *$", out, re.M)
    assert re.search(r"^gpu:1 +Stand-in 1000 +2\.0 GiB +cannot be used *$", out, re.M)
    assert f"\ngpu:1   {REPORTS[2].problem.strip()}\n" in out


def test_devices_as_json(monkeypatch):
    monkeypatch.setattr("xpnet.cli.devices.list_devices", lambda: REPORTS)
    devices = json.loads(xpnet("devices", "--json").out)
    assert [list(device) for device in devices] == [["name", "description", "memory", "problem"]] * 3
    assert [device["problem"] is None for device in devices] == [True, True, False]


def test_devices_of_this_machine():
    first, *others = json.loads(xpnet("devices", "--json").out)
    assert (first["name"], first["problem"]) == ("cpu", None)
    assert others
    assert all(device["name"].startswith("gpu") for device in others)
