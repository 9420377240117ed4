"""Templates with their texts spelled out read well where lines are short."""

import pytest
from flask import render_template_string

TEXT = '{{ _("E-mail address") }}'
PLACES = ["<h1>{}</h1>", "<h2 id=a>{}</h2>", "<dt>{}</dt>", "{{% block title %}}{}{{% endblock %}}"]


@pytest.mark.parametrize("place", PLACES)
def test_no_line_of_a_heading_ends_inside_e_mail(app, place):
    with app.test_request_context("/"):
        heading, _, sentence = render_template_string(f"{place.format(TEXT)}<p>{TEXT}</p>").partition("<p>")
    assert "Adres e\N{NON-BREAKING HYPHEN}mail" in heading
    assert sentence == "Adres e-mail</p>"
