"""Pages a plugin brings: taken in when they are its own and say who may use them, else left out, and why is said."""

import sys
from importlib.metadata import EntryPoint
from textwrap import dedent

import pytest
import structlog
from flask import Blueprint, Flask

from skarbnik.plugin_api import GROUP, Limited, Permission, Role, public
from skarbnik.tenancy.plugins import load_plugins
from skarbnik.web.plugin_pages import install_plugin_pages

FITTING = """
    from flask import Blueprint
    from skarbnik.plugin_api import (
        Chapter, Limited, MenuItem, Permission, Role, Support, chapter_of, hookimpl, impersonal, public, records,
        requires,
    )

    JOIN = Permission("bees.join", residents=True)
    KEEP = Permission("bees.keep", "Keep bees", roles=frozenset({Role.COMMUNICATIONS}), limited=Limited.APART)
    hives = Blueprint("bees", __name__, url_prefix="/bees")
    office = Blueprint("bees_office", __name__, url_prefix="/office/bees")

    @hives.get("")
    @requires(JOIN)
    def hive():
        return "hive"

    @hives.get("/honey")
    @public("anybody may buy some")
    def honey():
        return "honey"

    @office.get("")
    @requires(KEEP)
    @impersonal("bees have no names")
    def keepers():
        return "keepers"

    @office.post("/<uuid:hive_id>")
    @requires(KEEP)
    def smoke(hive_id):
        return "smoke"

    @hookimpl
    def permissions():
        return [JOIN, KEEP]

    @hookimpl
    def blueprints():
        return [hives, office]

    @hookimpl
    def menu_items():
        return [MenuItem("Bees", "bees.hive", JOIN), MenuItem("Bees", "bees_office.keepers", KEEP)]

    @hookimpl
    def acts():
        return {"bees.smoked": "smoked a hive"}

    @hookimpl
    def subjects():
        return {"bees_hive": "a hive"}

    @hookimpl
    def own_data():
        stings = "SELECT 1 AS sting"
        return [chapter_of("bees_stings", "who stung you", stings, table="bees_stings", kept="for the beekeeper")]
"""


@pytest.fixture
def bees(tmp_path, monkeypatch):
    """Loads a plugin `bees` made of this code, and has an application with a page of its own take its pages in."""
    monkeypatch.syspath_prepend(tmp_path)
    app = Flask("portal", static_folder=None)
    app.add_url_rule("/", "portal.front", public("the front page")(lambda: "front"))
    app.add_url_rule("/bees-and-others", "portal.others", public("not below /bees")(lambda: "others"))

    def load(code):
        (tmp_path / "bees_plugin.py").write_text(dedent(code))
        try:
            plugins = load_plugins([EntryPoint("bees", "bees_plugin", GROUP)])
            install_plugin_pages(app, plugins)
            return app, plugins
        finally:
            sys.modules.pop("bees_plugin", None)

    return load


def test_pages_that_keep_the_rules_are_taken_in(bees):
    app, plugins = bees(FITTING)

    assert plugins.broken == {}
    assert plugins.names() == {"bees"}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= {"bees.hive", "bees_office.smoke", "portal.front"}
    assert [each.name for each in plugins.pages["bees"].permissions] == ["bees.join", "bees.keep"]
    assert plugins.pages["bees"].permissions[1].limited is Limited.APART


OFFICE_PAGE = '@office.post("'  # before it stands another page of the office
RESIDENTS_PAGE = '@hives.get("")'  # before it stands something that counts for every page of the portal
EVERYWHERE = "something is registered for the whole application"
RESIDENTS_IN_OFFICE = """@office.get("/hive")
    @requires(JOIN)
    @impersonal("bees have no names")
    def wrong():
        return ""

    """
BEFORE_ALL = """@hives.before_app_request
    def peek():
        pass

    """
PUBLIC_ENTRY = '"bees.honey", None'  # which nobody could say to whom it is shown
OF_BUILT_IN = """@hives.app_template_filter("escape")
    def escape(text):
        return text

    """
INTO_ADDRESSES = """@hives.url_defaults
    def mine(endpoint, values):
        values["bee"] = 7

    """
CONVERTER = """@hives.record
    def shorten(state):
        state.app.url_map.converters["uuid"] = state.app.url_map.converters["int"]

    """
INSIDE = """inner = Blueprint("inner", __name__, template_folder={folder!r})
    hives.register_blueprint(inner)

    """
OF_TWO_ROUTES = """def look():
        return "bees"

    office.add_url_rule("/queens", "queens", impersonal("bees have no names")(requires(KEEP)(look)))
    office.add_url_rule("/drones", "drones", requires(JOIN)(look))

    """
FOREIGN_ENDPOINT = """@hives.record
    def front(state):
        state.app.add_url_rule("/bees/front", "portal.front", public("ours")(lambda: "mine"))

    """
FOR_ERRORS = """@hives.app_errorhandler(404)
    def lost(error):
        return ""

    """
FOR_TEMPLATES = """@hives.app_template_filter("money")
    def money(amount):
        return ""

    """


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@requires(JOIN)\n", "\n", "/bees declares no permission"),
        ('"bees.join"', '"payments.pay"', "'payments.pay' of plugin 'bees' must be called bees."),
        ("return [JOIN, KEEP]", "return [JOIN]", "/office/bees requires bees.keep, which is not among the plugin's"),
        ('"Keep bees", ', "", "'bees.keep' has no label"),
        ("residents=True", "", "'bees.join' is either of residents or of roles"),
        ("{Role.COMMUNICATIONS}", "{'beekeeper'}", "there is no role beekeeper"),
        ('url_prefix="/bees"', 'url_prefix="/honey"', "/honey is neither below /bees nor below /office/bees"),
        ('url_prefix="/office/bees"', 'url_prefix="/office/payments"', "/office/payments is neither below"),
        ('"bees_office", __name__', '"office", __name__', "blueprint 'office' is not called as the plugin"),
        ('@impersonal("bees have no names")\n', "\n", "/office/bees says neither what it records nor that it is"),
        ('@impersonal("bees have no names")', '@records("bees.seen")', "bees.seen, for which the plugin has no words"),
        ('@requires(KEEP)\n    @impersonal', '@public("why not")\n    @impersonal', "lies in the office and is public"),
        (OFFICE_PAGE, RESIDENTS_IN_OFFICE + OFFICE_PAGE, "/office/bees/hive is for residents and lies in the office"),
        ('@public("anybody may buy some")', "@requires(KEEP)", "/bees/honey is for officials and lies outside"),
        ('"bees.hive", JOIN', '"bees.hive", KEEP', "the menu shows bees.hive to others than may use it"),
        ('"bees.hive", JOIN', '"portal.front", JOIN', "the menu leads to portal.front, which is no page of the plugin"),
        ('"bees_office.keepers", KEEP', '"bees_office.smoke", KEEP', "no page of the plugin without arguments"),
        ('"bees.smoked"', '"payment.captured"', "'payment.captured': what plugin 'bees' writes into the trail"),
        ('"bees_hive"', '"payer"', "'payer': what plugin 'bees' writes"),
        ('"bees_stings", "who', '"account", "who', "'account': what plugin 'bees' writes"),
        ('"bees.hive", JOIN', PUBLIC_ENTRY, "the menu shows bees.honey to others than may use it"),
        ("residents=True", "residents=True, support=Support.LOOK", "'bees.join' is of residents: no operator"),
        ("limited=Limited.APART", "support=Support.LOOK", "<uuid:hive_id> takes forms, also of operators who may only"),
        ('@impersonal("bees have no names")', "@records()", "/office/bees says neither what it records nor that it is"),
        ('@impersonal("bees have no names")', '@impersonal("")', "/office/bees says neither what it records nor that"),
        ('@public("anybody may buy some")', '@public("")', "/bees/honey is public and says not why"),
        ('"/honey"', '"/honey", subdomain="hive"', "/bees/honey has a host or values of its own"),
        ('"/honey"', '"/honey", defaults={"page": 1}', "/bees/honey has a host or values of its own"),
        (RESIDENTS_PAGE, INTO_ADDRESSES + RESIDENTS_PAGE, "put into addresses by url_defaults"),
        (RESIDENTS_PAGE, FOREIGN_ENDPOINT + RESIDENTS_PAGE, "/bees/front is the page 'portal.front', which is not"),
        (RESIDENTS_PAGE, OF_TWO_ROUTES + RESIDENTS_PAGE, "look says twice, and not the same"),
        (RESIDENTS_PAGE, OF_BUILT_IN + RESIDENTS_PAGE, EVERYWHERE),
        (RESIDENTS_PAGE, CONVERTER + RESIDENTS_PAGE, EVERYWHERE),
        ('table="bees_stings"', 'table="users"', "'users': what plugin 'bees' writes"),
        (', table="bees_stings"', "", "'': what plugin 'bees' writes into the trail and keeps of a person"),
        (', kept="for the beekeeper"', "", "'bees_stings' says neither how it is erased when an account is closed nor"),
        ('kept="for', 'erased_by="DELETE FROM bees_stings", kept="for', "nor why it is kept, or both"),
        (RESIDENTS_PAGE, BEFORE_ALL + RESIDENTS_PAGE, EVERYWHERE),
        (RESIDENTS_PAGE, FOR_ERRORS + RESIDENTS_PAGE, EVERYWHERE),
        (RESIDENTS_PAGE, FOR_TEMPLATES + RESIDENTS_PAGE, EVERYWHERE),
        ("def hive():", "def hive(undefined=unknown):", "NameError"),
        ("def permissions", "def permissionz", "permissionz"),
    ],
)  # fmt: skip  # a rule a line
def test_pages_that_break_a_rule_are_left_out_and_the_portal_stays(bees, old, new, message):
    assert old in FITTING
    with structlog.testing.capture_logs() as logged:
        app, plugins = bees(FITTING.replace(old, new))

    assert message in plugins.broken["bees"]
    assert all(each.blueprints == each.menu_items == () for each in plugins.pages.values())
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == {"portal.front", "portal.others"}
    assert [entry["plugin"] for entry in logged if entry["event"] == "plugin.broken"] == ["bees"]


def test_a_plugin_without_pages_hands_out_what_it_keeps_of_people_all_the_same(bees):
    pageless = FITTING.replace("return [hives, office]", "return []").replace(
        "@hookimpl\n    def menu_items", "def menu_items"
    )
    _app, plugins = bees(pageless)

    assert plugins.broken == {}
    assert [each.name for each in plugins.pages["bees"].own_data] == ["bees_stings"]
    assert plugins.pages["bees"].acts.keys() == {"bees.smoked"}


def test_a_plugin_called_as_a_page_of_the_portal_does_not_stand_in_its_way(bees):
    _app, plugins = bees(FITTING)
    again = Flask("portal", static_folder=None)
    again.add_url_rule("/bees/swarm", "portal.swarm", public("ours")(lambda: "ours"))

    install_plugin_pages(again, plugins)

    assert all(each.blueprints == each.menu_items == () for each in plugins.pages.values())
    assert "/bees/swarm is the portal's own" in plugins.broken["bees"]


def test_two_that_are_called_alike_leave_the_portal_standing(bees):
    """A plugin called as a room of the core, or as a part of another plugin, has its pages nowhere near."""
    _app, plugins = bees(FITTING)
    again = Flask("portal", static_folder=None)
    again.register_blueprint(Blueprint("bees_office", __name__))

    install_plugin_pages(again, plugins)

    assert all(each.blueprints == each.menu_items == () for each in plugins.pages.values())
    assert "blueprint 'bees_office' is there before" in plugins.broken["bees"]


def test_templates_of_a_blueprint_inside_another_are_looked_at_too(bees, tmp_path):
    (tmp_path / "leaves").mkdir()
    (tmp_path / "leaves" / "layout.html").write_text("mine")

    inside = INSIDE.format(folder=str(tmp_path / "leaves"))
    _app, plugins = bees(FITTING.replace(RESIDENTS_PAGE, inside + RESIDENTS_PAGE))

    assert "template 'layout.html' is not in a folder bees/" in plugins.broken["bees"]


def test_templates_of_a_plugin_lie_in_a_folder_of_its_name(bees, tmp_path):
    (tmp_path / "leaves").mkdir()
    (tmp_path / "leaves" / "layout.html").write_text("mine")

    _app, plugins = bees(
        FITTING.replace('url_prefix="/bees"', f'url_prefix="/bees", template_folder={str(tmp_path / "leaves")!r}')
    )

    assert "template 'layout.html' is not in a folder bees/" in plugins.broken["bees"]


def test_a_permission_of_a_role_that_there_is_not_is_no_permission():
    with pytest.raises(ValueError, match="there is no role treasurer"):
        Permission("bees.keep", roles=frozenset({"treasurer"}))
    assert Permission("bees.keep", roles=frozenset(Role)).roles == set(Role)


def test_a_plugin_whose_pages_are_refused_still_tells_what_it_kept_and_did(bees):
    _app, plugins = bees(FITTING.replace("@requires(JOIN)\n", "\n"))

    assert plugins.pages["bees"].blueprints == ()
    assert plugins.pages["bees"].acts == {"bees.smoked": "smoked a hive"}
    assert [each.name for each in plugins.pages["bees"].own_data] == ["bees_stings"]
