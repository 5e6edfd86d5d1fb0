"""A report's template to the text of a file: HTML with its styles inlined, text of 80 columns, Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdtool import render


def finished(form: str, name: str, language: str, values: Mapping[str, Any]) -> str:
    """Render `templates/NAME` in a form, with what it names.

    Args:
        form: html (styles inlined), text or md (`NAME.md`).
    """
    if form == "html":
        page = render.html(name, language, **values)
        # white space says nothing here, and Gmail cuts off a mail at 102 kB
        return render.inline("\n".join(filter(None, map(str.strip, page.splitlines())))) + "\n"
    page = render.text(f"{name}.md" if form == "md" else name, language, **values)
    return lined(page)


def lined(page: str) -> str:
    """Return text without blanks at the ends of its lines, of which the last ends too."""
    return "".join(line.rstrip() + "\n" for line in page.splitlines())
