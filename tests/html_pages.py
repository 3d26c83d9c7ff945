"""What every page must be, read without a browser."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """The elements of a page: their tags, attributes and texts, with every fault of the form noted."""

    def __init__(self, html):
        super().__init__()
        self.html, self.faults, self.open, self.elements = html, [], [], []
        self.feed(html)
        self.close()
        self.faults += [f"<{element['tag']}> is not closed" for element in self.open]

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.faults.append(f"<{tag}> has an attribute twice")
        inside = [element["tag"] for element in self.open]
        element = {"tag": tag, "attributes": dict(attributes), "text": "", "inside": inside, "children": []}
        if self.open:
            self.open[-1]["children"].append(element)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1]["tag"] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1]['tag'] if self.open else 'nothing'}")
        else:
            self.open.pop()

    def handle_data(self, text):
        for element in self.open:
            element["text"] += text

    def all(self, *tags):
        """Return the elements of these tags, in their order."""
        return [element for element in self.elements if element["tag"] in tags]

    def tables(self):
        """Return the cells of every table by its caption."""
        found = {}
        for table in self.all("table"):
            rows = [part for part in table["children"] if part["tag"] == "tr"]
            rows += [row for part in table["children"] for row in part["children"] if row["tag"] == "tr"]
            caption = next(part["text"] for part in table["children"] if part["tag"] == "caption")
            found[caption.strip()] = [[cell["text"].strip() for cell in row["children"]] for row in rows]
        return found


def check_page(html):
    """Check a page: well-formed, alone, small, readable by all; return it."""
    assert html.startswith("<!doctype html>\n")
    assert len(html.encode()) < 200_000
    page = Page(html)
    assert page.faults == []
    check_that_it_stands_alone(page)
    check_that_it_fits_every_screen(page)
    check_that_it_can_be_heard(page)
    return page


def check_that_it_stands_alone(page):
    """No script, and nothing from elsewhere."""
    assert page.all("script", "link", "iframe", "object", "embed", "base", "form") == []
    for element in page.elements:
        for name, value in element["attributes"].items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                assert value.startswith(("#", "data:image/png;base64,")), f"{element['tag']} asks for {value}"
    assert re.search(r"@import|url\((?!#)|https?://|javascript:", page.html) is None
    (policy,) = [part for part in page.all("meta") if "http-equiv" in part["attributes"]]
    assert policy["attributes"]["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def check_that_it_fits_every_screen(page):
    """Phones and both themes."""
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [
        part["attributes"] for part in page.all("meta")
    ]
    assert "prefers-color-scheme: dark" in page.all("style")[0]["text"]
    for svg in page.all("svg"):
        assert not {"width", "height"} & set(svg["attributes"])
    for element in page.elements:
        if "svg" in element["inside"]:
            drawn = set(re.findall(r"(?:fill|stroke): ([^;]+)", element["attributes"].get("style", "")))
            assert drawn <= {"none", "currentColor", "var(--blue)", "var(--orange)", "#b0b0b0"}
    for table in page.all("table"):
        assert "div" in table["inside"], "a wide table has to scroll in a box of its own"


def check_that_it_can_be_heard(page):
    """Languages, titles, alternative texts, tables with headers, and ids that mean one element."""
    assert page.all("html")[0]["attributes"]["lang"] == "en"
    assert page.all("title")[0]["text"]
    assert len(page.all("h1")) == 1
    ids = [element["attributes"]["id"] for element in page.elements if "id" in element["attributes"]]
    assert len(set(ids)) == len(ids)
    for element in page.elements:
        meant = element["attributes"].get("aria-labelledby", "").split()
        meant += re.findall(r"url\(#([^)]+)\)", " ".join(filter(None, element["attributes"].values())))
        meant += [value[1:] for name, value in element["attributes"].items() if name == "href"]
        assert set(meant) <= set(ids)
    for image in page.all("img"):
        assert len(image["attributes"]["alt"]) > 10
    for svg in page.all("svg"):
        assert svg["attributes"]["role"] == "img"
        assert len(svg["attributes"]["aria-labelledby"].split()) == 2
        assert [part["tag"] for part in svg["children"][:2]] == ["title", "desc"]
        assert all(len(part["text"]) > 10 for part in svg["children"][:2])
        assert len([part for part in page.elements if part["tag"] == "text" and "svg" in part["inside"]]) > 0
    for table in page.all("table"):
        assert table["children"][0]["tag"] == "caption"
        assert table["children"][0]["text"].strip()
    for header in page.all("th"):
        assert header["attributes"].get("scope") in ("row", "col")
    for box in page.all("div"):
        if "tabindex" in box["attributes"]:
            assert box["attributes"]["aria-label"]
