"""What PayU refuses when an order is created."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

MINOR = re.compile(r"[0-9]{1,13}", re.ASCII)
CODE = re.compile(r"[0-9]{6}", re.ASCII)
LONGEST = {
    "description": 4000,
    "additionalDescription": 1024,
    "visibleDescription": 80,
    "statementDescription": 22,
    "extOrderId": 1024,
    "notifyUrl": 1024,
    "continueUrl": 1024,
}
NEEDED = ("customerIp", "merchantPosId", "description", "currencyCode", "totalAmount", "products")
CURRENCIES = {"PLN"}  # the POS decides what it accepts, and those of our gminas take złoty


class Bad(Exception):
    """The order is refused with this statusCode."""

    def __init__(self, status_code: str, description: str) -> None:
        super().__init__(description)
        self.status_code = status_code


def check_order(order: Any) -> None:
    if not isinstance(order, dict):
        raise Bad("ERROR_SYNTAX", "the body is no JSON object")
    for name in NEEDED:
        if order.get(name) in (None, "", []):
            raise Bad("ERROR_VALUE_MISSING", f"missing {name}")
    for name, longest in LONGEST.items():
        value = order.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            raise Bad("ERROR_VALUE_INVALID", f"{name} is no text of at most {longest} characters")
    if not isinstance(order["merchantPosId"], str):
        raise Bad("ERROR_VALUE_INVALID", "merchantPosId is a text")
    if order["currencyCode"] not in CURRENCIES:
        raise Bad("ERROR_VALUE_INVALID", "the POS does not take this currency")
    _check_minor(order["totalAmount"], "totalAmount")
    if int(order["totalAmount"]) == 0:
        raise Bad("ERROR_VALUE_INVALID", "totalAmount is zero")
    if "validityTime" in order and not (_is_minor(order["validityTime"]) and int(order["validityTime"]) > 0):
        raise Bad("ERROR_VALUE_INVALID", "validityTime is a text with whole seconds")
    _check_address(order["customerIp"])
    for name in ("notifyUrl", "continueUrl"):
        if order.get(name) and urlsplit(order[name]).scheme not in {"http", "https"}:
            raise Bad("ERROR_VALUE_INVALID", f"{name} is no address")
    _check_products(order["products"])
    _check_method(order)


def _check_method(order: dict[str, Any]) -> None:
    """A code may come with BLIK alone; other ways to name a method are not simulated."""
    if "payMethods" not in order:
        return
    methods = order["payMethods"]
    method = methods.get("payMethod") if isinstance(methods, dict) else None
    if not isinstance(method, dict) or (method.get("type"), method.get("value")) != ("PBL", "blik"):
        raise Bad("ERROR_VALUE_INVALID", "payMethods.payMethod is not one this simulator knows")
    code = method.get("authorizationCode", "000000")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise Bad("ERROR_VALUE_INVALID", "authorizationCode has six digits")


def _check_products(products: Any) -> None:
    if not isinstance(products, list):
        raise Bad("ERROR_VALUE_INVALID", "products is a list")
    for product in products:
        if not isinstance(product, dict):
            raise Bad("ERROR_VALUE_INVALID", "a product is an object")
        for name in ("name", "unitPrice", "quantity"):
            if product.get(name) in (None, ""):
                raise Bad("ERROR_VALUE_MISSING", f"missing products.{name}")
        if not isinstance(product["name"], str) or len(product["name"]) > 255:
            raise Bad("ERROR_VALUE_INVALID", "products.name is a text of at most 255 characters")
        _check_minor(product["unitPrice"], "products.unitPrice")
        _check_minor(product["quantity"], "products.quantity")


def _check_address(value: Any) -> None:
    try:
        address = ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise Bad("ERROR_VALUE_INVALID", "customerIp is no address") from None
    full = address.version == 4 or value.lower() == address.exploded
    if not full or address.is_unspecified:
        raise Bad("ERROR_VALUE_INVALID", "customerIp is IPv4 or IPv6 in full, and not 0.0.0.0")


def _check_minor(value: Any, name: str) -> None:
    if not _is_minor(value):
        raise Bad("ERROR_VALUE_INVALID", f"{name} is a text with whole minor units")


def _is_minor(value: Any) -> bool:
    return isinstance(value, str) and MINOR.fullmatch(value) is not None
