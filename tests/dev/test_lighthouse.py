"""What Lighthouse says, and what is made of it; Lighthouse itself is not needed here."""

import pytest

from skarbnik.dev.lighthouse import CannotMeasure, find_tools, read_report


def report(*, score=1.0, received=50_000, paint=1200.0, shift=0.0, url="http://lipowo.localhost:8000/"):
    categories = ("performance", "accessibility", "best-practices", "seo")
    return {
        "categories": {
            each: {"score": score, "auditRefs": [{"id": "color-contrast", "weight": 7}]} for each in categories
        },
        "audits": {
            "network-requests": {"details": {"items": [{"url": "http://lipowo.localhost:8000/"}, {"url": url}]}},
            "total-byte-weight": {"numericValue": received},
            "largest-contentful-paint": {"numericValue": paint},
            "cumulative-layout-shift": {"numericValue": shift},
            "color-contrast": {"score": score},
        },
    }


def test_a_page_that_has_all_that_is_wanted_misses_nothing():
    assert list(read_report("front", report()).misses()) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"score": 0.94}, "accessibility 94, at least 95 are wanted: color-contrast"),
        ({"received": 60_000}, "60000 bytes over the wire"),
        ({"paint": 1500.0}, "largest paint after 1500 ms"),
        ({"shift": 0.01}, "layout shift 0.010"),
        ({"url": "https://fonts.example/a.woff2"}, "asked fonts.example, lipowo.localhost:8000"),
    ],
)
def test_what_is_missed_is_said_with_its_reason(wrong, said):
    assert said in "\n".join(read_report("front", report(**wrong)).misses())


def test_only_the_first_pages_must_be_light():
    assert list(read_report("receivables", report(received=90_000, paint=1900.0)).misses()) == []


def test_a_machine_without_node_is_told_so(tmp_path):
    with pytest.raises(CannotMeasure, match="node"):
        find_tools({"PATH": str(tmp_path)})


def test_a_machine_without_chromium_is_told_so(tmp_path):
    for name in ("npx", "node"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(CannotMeasure, match="Chromium"):
        find_tools({"PATH": str(tmp_path)})
