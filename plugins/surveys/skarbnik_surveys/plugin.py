"""What the plugin gives the core."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from flask import Blueprint

from skarbnik.plugin_api import N_, Chapter, MenuItem, Permission, chapter_of, hookimpl
from skarbnik_surveys import office, views
from skarbnik_surveys.permissions import ANSWER, SEE, TAKE, WRITE


@hookimpl
def permissions() -> list[Permission]:
    return [ANSWER, SEE, TAKE, WRITE]


@hookimpl
def blueprints() -> list[Blueprint]:
    return [views.blueprint, office.blueprint]


@hookimpl
def menu_items() -> list[MenuItem]:
    return [
        MenuItem(N_("Surveys"), "surveys.listed", ANSWER),
        MenuItem(N_("Surveys"), "surveys_office.listed", SEE),
    ]


@hookimpl
def acts() -> dict[str, str]:
    return {
        "surveys.written": N_("wrote a survey"),
        "surveys.changed": N_("changed a survey"),
        "surveys.questions_changed": N_("changed the questions of a survey"),
        "surveys.opened": N_("opened a survey"),
        "surveys.closed": N_("closed a survey"),
        "surveys.deleted": N_("deleted the draft of a survey"),
        "surveys.texts_read": N_("read what people wrote in a survey"),
    }


@hookimpl
def subjects() -> dict[str, str]:
    return {"surveys_survey": N_("a survey")}


@hookimpl
def own_data() -> list[Chapter]:
    return [
        chapter_of(
            "surveys_participations",
            N_("surveys you took part in; what you answered is not linked to you"),
            "SELECT s.title AS survey FROM surveys_participations p JOIN surveys_surveys s ON s.id = p.survey_id"
            " WHERE p.user_id = :user ORDER BY s.id",
            table="surveys_participations",
            erased_by="DELETE FROM surveys_participations WHERE user_id = :user",
        )
    ]


@hookimpl
def migrations() -> Traversable:
    return files("skarbnik_surveys") / "migrations"
