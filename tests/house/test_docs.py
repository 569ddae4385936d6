"""Documents do not drift: what is rendered is current, and what is linked is there."""

import re
from pathlib import Path

import pytest

from tools import docs

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:)([^)#]+)?(?:#([^)]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("path", docs.rendered(), ids=lambda path: path.name)
def test_a_rendered_document_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == docs.rendered()[path], f"{path.name} has drifted: run `make fix`"


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown page offers: its headings in lower case, with hyphens."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        linked = (page.parent / target) if target else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {target}#{anchor}"
