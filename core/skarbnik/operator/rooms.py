"""All rooms of `/operator`, which stand on one blueprint: whoever registers it has to have read them."""

from __future__ import annotations

from skarbnik.operator import gmina_views, profile, sign_in_views, views
from skarbnik.operator.frame import blueprint

__all__ = ["blueprint", "gmina_views", "profile", "sign_in_views", "views"]
