"""All rooms of `/operator`, which stand on one blueprint: whoever registers it has to have read them."""

from __future__ import annotations

from skarbnik.operator import asking, doors, profile
from skarbnik.operator.views import blueprint

__all__ = ["asking", "blueprint", "doors", "profile"]
