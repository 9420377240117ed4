"""Words to paper: a template of ours and data become PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping

import typst


def typeset(template: bytes, words: Mapping[str, object]) -> bytes:
    """A tagged PDF with its fonts inside. The words come as data: nothing of them is read as typst.

    PDF/UA-1, unless a letter is in no font of ours: it is shown as a box, which PDF/UA forbids.
    """
    inputs = {"data": json.dumps(words, ensure_ascii=False)}
    try:
        made = typst.compile(
            template, format="pdf", sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=["ua-1"]
        )
    except typst.TypstError:
        made = typst.compile(template, format="pdf", sys_inputs=inputs, ignore_system_fonts=True)
    return made
