"""Print the lower bound of every dependency in pyproject.toml as a pip constraint, exactly that version."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in project["dependencies"] + extras["mpi"] + extras["plot"] + extras["test"]:
    if requirement.startswith("xpnet["):
        continue
    bound = re.fullmatch(r"([\w.-]+)>=([\w.]+)(; .*)?", requirement)
    if bound is None:
        raise SystemExit(f"{requirement!r} in pyproject.toml has no lower bound of the form name>=version")
    print(f"{bound[1]}=={bound[2]}")
