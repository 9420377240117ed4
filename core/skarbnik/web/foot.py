"""The foot of every page: the same for a gmina, a language and a theme, so it is made once and not for each page.

Pages of the office have one of their own, without what only residents look for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from flask import Flask, g, render_template, request
from markupsafe import Markup

from skarbnik.web.frame import is_bare_host

HERE = "--here--"  # stands where a link leads back to this page

FootLinks = list[tuple[str, list[tuple[str, str]]]]  # columns: a title, and pages by label and endpoint


def install_foot(app: Flask, links: FootLinks, *, office: FootLinks) -> None:
    @lru_cache(maxsize=20_000)
    def make(at_office: bool, *_what_it_depends_on: str | None) -> str:
        return render_template(
            "web/foot.html", here=f"?back={HERE}", links=office if at_office else links, office=at_office
        )

    app.jinja_env.globals.update(foot=_filled_by(make), here=here)


def here() -> str:
    """`?back=%2Freceivables`: what a link adds that leads back to this page. Empty on a host that is nobody's."""
    if g.get("tenant") is None and not is_bare_host():
        return ""
    return f"?back={_path()}"


def _path() -> str:
    """The address of this page; of a form that was answered, that of the page it stands on."""
    rule = request.url_rule
    if request.method in {"GET", "HEAD"} or (rule is not None and "GET" in (rule.methods or ())):
        return quote(request.full_path.rstrip("?"))
    return "/"


def _filled_by(make: Callable[..., str]) -> Callable[[], Markup]:
    def foot(office: bool = False) -> Markup:
        """For the gmina and preferences of this request. Its links for language and theme lead back to this page."""
        tenant = g.tenant
        text = make(bool(office), tenant.name, tenant.address, tenant.phone, tenant.email, g.language, g.theme)
        return Markup(text.replace(HERE, _path()))  # noqa: S704  # our template, and an address that is quoted

    return foot
