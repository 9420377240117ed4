"""The trail is read by people: every act has words."""

import ast

from skarbnik.dev.state import CHECKOUT
from skarbnik.office.acts import act_names

WRITERS = {"record_act", "_audited", "_keep_trail"}


def written():
    """Actions as the code writes them: the first text of each call that appends to the trail."""
    for path in (CHECKOUT / "core" / "skarbnik").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in WRITERS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                yield from (text for text in texts[:1] if "." in text)


def test_every_act_that_is_written_has_words(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        known = act_names()
    found = set(written())
    assert len(found) > 15
    assert found - known.keys() == set()
