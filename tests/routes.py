"""Which routes are the core's own. Those of plugins are asked by `PagesContract`, in the tests of each plugin."""


def core_rules(app):
    plugins = app.extensions["skarbnik"].instance.plugins
    theirs = {blueprint.name for pages in plugins.pages.values() for blueprint in pages.blueprints}
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] not in theirs]
