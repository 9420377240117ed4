"""What the portal does for a page of a plugin, and does not do."""

import pytest
import structlog

from skarbnik.plugin_web import record_act
from skarbnik.web import languages


@pytest.mark.parametrize(
    ("action", "subject", "why"),
    [
        ("payment.captured", "payment_order", "is none of the acts"),
        ("surveys.opened", "payment_order", "is none of the subjects"),
        ("surveys.opened", "payment_order/surveys_survey", "is none of the subjects"),
    ],
)
def test_a_plugin_writes_only_acts_and_subjects_it_handed_out_into_the_trail(app, action, subject, why):
    with (
        app.test_request_context(base_url="https://lipowo.skarbnik.test"),
        pytest.raises(ValueError, match=why),
    ):
        record_act(action, subject)


def test_texts_nobody_can_read_leave_the_plugin_without_texts_and_the_portal_as_it_was(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bees" / "translations").mkdir(parents=True)
    (tmp_path / "bees" / "__init__.py").write_text("")
    (tmp_path / "bees" / "translations" / "pl.po").write_bytes(b'msgid "Bees"\nmsgstr "Pszczo\xb3y"\n')
    monkeypatch.setitem(languages._PACKAGES, "bees", "translations")
    languages.load_catalogue.cache_clear()
    try:
        with structlog.testing.capture_logs() as logged:
            catalogue = languages.load_catalogue("pl")
        assert catalogue.gettext("Payments") == "Płatności"
        assert [each["package"] for each in logged if each["event"] == "plugin.texts_broken"] == ["bees"]
    finally:
        languages.load_catalogue.cache_clear()
