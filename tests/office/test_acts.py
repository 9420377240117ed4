"""The trail is read by people: every act has words."""

import ast

from skarbnik.dev.state import CHECKOUT
from skarbnik.office.acts import act_names, actor_names, acts_of, group_names, group_of, subject_names, subject_words
from skarbnik.tenancy.plugins import PluginPages

WRITERS = {"record_act", "record_own_act", "record_act_of_user", "_audited", "_on_trail", "_record", "Cause"}


def written():
    """Actions as the code writes them: the first text of each call that appends to the trail."""
    packages = [CHECKOUT / "core" / "skarbnik", *CHECKOUT.glob("plugins/*/skarbnik_*")]
    for path in [file for package in packages for file in package.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in WRITERS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                yield from (text for text in texts[:1] if "." in text)


def actors():
    """Kinds of actors as the code names them; `system` is the default."""
    found = set()
    for path in (CHECKOUT / "core" / "skarbnik").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given = [word.value for word in node.keywords if word.arg == "actor"]
                found |= {each.value for each in given if isinstance(each, ast.Constant)}
    return found


def test_every_act_that_is_written_has_words(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        known = act_names()
    found = set(written()) | {"mandate.matched"}  # written in a loop, beside one that ends
    assert len(found) > 15
    assert found == known.keys()


def test_every_kind_of_actor_has_words(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        known = actor_names()
    assert actors() | {"system"} == known.keys()


def test_every_act_is_in_one_group_where_somebody_looks_for_it(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        groups = {name: acts_of(name) for name in group_names()}
        known = act_names()
        assert group_of("payment.viewed") == "people"
        assert group_of("payment.captured") == "money"
        assert group_of("official.factors_taken") == "settings"
        assert acts_of("nothing") == []
    assert sorted(each for acts in groups.values() for each in acts) == sorted(known)
    assert all(groups.values())


def test_a_plugin_called_as_a_word_of_the_trail_says_nothing_else_of_what_the_core_wrote(app, lab, monkeypatch):
    own = {"payment.captured": "sold honey", "payment.waxed": "waxed"}
    pages = PluginPages((), (), (), acts=own, subjects={"payment_order": "a hive"}, own_data=())
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        before = act_names()["payment.captured"], subject_names()["payment_order"]
        monkeypatch.setitem(lab.instance.plugins.pages, "payment", pages)
        assert (act_names()["payment.captured"], subject_names()["payment_order"]) == before
        assert act_names()["payment.waxed"] == "waxed"
        assert group_of("payment.captured") == "money"


def test_what_was_changed_is_said_in_words(app):
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        names = subject_names()
    assert subject_words("payer", names) == names["payer"]
    assert subject_words("plugin:smtp", names) == f"{names['plugin']} smtp"
    assert subject_words("switch/name_co_owners", names) == f"{names['switch']} name_co_owners"
    assert subject_words("role:auditor", names) == f"{names['role']} {names['role:auditor']}"
    assert subject_words("kind:0a", names | {"kind:0a": "Podatek rolny"}) == f"{names['kind']} Podatek rolny"
    assert subject_words("news/przerwa/pl", names) == "news/przerwa/pl"
    assert subject_words("", names) == ""


def test_a_plugin_called_as_a_part_of_the_core_says_nothing_of_it_otherwise(app, lab, monkeypatch):
    words = {"acts": {"payment.captured": "stole the money"}, "subjects": {"payer": "a bee"}}
    pages = PluginPages(permissions=(), blueprints=(), menu_items=(), own_data=(), **words)
    with app.test_request_context(base_url="https://lipowo.skarbnik.test"):
        told = act_names()["payment.captured"], subject_names()["payer"], group_of("payment.captured")
        monkeypatch.setitem(lab.instance.plugins.pages, "payment", pages)
        assert (act_names()["payment.captured"], subject_names()["payer"], group_of("payment.captured")) == told
