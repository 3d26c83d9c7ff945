"""Print the lower bound of every dependency in pyproject.toml as a pip constraint, exactly that version."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
requirements = [*project["dependencies"], "xpnet[test]"]
for requirement in requirements:
    if own := re.fullmatch(r"xpnet\[([\w-]+)\]", requirement):
        requirements += project["optional-dependencies"][own[1]]
        continue
    bound = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)(; .*)?", requirement)
    if bound is None:
        raise SystemExit(f"{requirement!r} in pyproject.toml has no lower bound of the form name>=version")
    print(f"{bound[1]}=={bound[2]}")
