"""Write the README beside this file, and its pictures, from a run of the chapter.

python scripts/chapter/readme.py
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHAPTER = FOLDER / "chapter.py"
README = FOLDER / "README.md"
BEGIN = "<!-- Written by readme.py from a run: change chapter.py instead. -->"
END = "<!-- End of what is written by readme.py. -->"


def main() -> None:
    """Run the chapter, its pictures going beside it, and put its text into the README."""
    command = [sys.executable, CHAPTER, "--device", "cpu", "--data", "digits", "--out", FOLDER]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    before, _, after = split_readme()
    README.write_text(before + render(output) + after, encoding="utf-8")


def split_readme() -> tuple[str, str, str]:
    """Return the README before, between and after the two marks."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    written, after = rest.split(END)
    return before + BEGIN, written, END + after


def render(output: str) -> str:
    """Return the Markdown of what the chapter printed, with the code of each section before its result."""
    printed = re.split(r"^(?=##)", output, flags=re.MULTILINE)[1:]
    return "\n\n" + "".join(_render_section(*pair) for pair in zip(code_of_sections(), printed, strict=True))


def code_of_sections() -> list[tuple[str, str]]:
    """Return the idea of each section and its code, the call of `section` left out."""
    cells = re.split(r"^# %%\n", CHAPTER.read_text(encoding="utf-8"), flags=re.MULTILINE)[2:]
    sections = []
    for cell in cells:
        call = ast.parse(cell).body[0]
        idea = ast.literal_eval(call.value.args[1])
        sections.append((idea, "\n".join(cell.splitlines()[call.end_lineno :]).strip()))
    return sections


def _render_section(section: tuple[str, str], printed: str) -> str:
    idea, code = section
    heading, result = printed.split(f"\n\n{idea}\n")
    text, pictures = re.split(r"^(?=!\[)|\Z", result.strip(), maxsplit=1, flags=re.MULTILINE)
    parts = [heading, idea]
    if code:
        parts += [f"```python\n{code}\n```", f"```text\n{text.strip()}\n```"]
    if pictures:
        parts.append(pictures.strip())
    return "\n\n".join(parts) + "\n\n"


if __name__ == "__main__":
    main()
