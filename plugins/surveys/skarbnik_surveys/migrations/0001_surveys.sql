-- Surveys. Who took part and what was answered stand in two tables without a column in common but the survey.
CREATE TABLE surveys_surveys (
    id UUID NOT NULL,
    title VARCHAR(120) NOT NULL,
    intro VARCHAR(2000) NOT NULL,
    state VARCHAR(24) NOT NULL,
    questions JSONB NOT NULL,
    closes_on DATE,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    made_by UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT surveys_surveys_pkey PRIMARY KEY (id),
    CONSTRAINT surveys_surveys_surveystate_check CHECK (state IN ('draft', 'open', 'closed')),
    CONSTRAINT surveys_surveys_has_a_title_check CHECK (title <> ''),
    CONSTRAINT surveys_surveys_questions_bounded_check CHECK (
        jsonb_typeof(questions) = 'array' AND jsonb_array_length(questions) <= 30
        AND octet_length(questions::text) <= 600000),
    CONSTRAINT surveys_surveys_asks_something_check CHECK (state = 'draft' OR questions <> '[]'),
    CONSTRAINT surveys_surveys_opened_once_check CHECK ((opened_at IS NULL) = (state = 'draft')),
    CONSTRAINT surveys_surveys_closed_once_check CHECK ((closed_at IS NOT NULL) = (state = 'closed'))
);

CREATE TABLE surveys_participations (
    survey_id UUID NOT NULL,
    user_id UUID NOT NULL,
    CONSTRAINT surveys_participations_pkey PRIMARY KEY (survey_id, user_id),
    CONSTRAINT surveys_participations_survey_id_fkey FOREIGN KEY(survey_id) REFERENCES surveys_surveys (id)
);

CREATE TABLE surveys_sheets (
    id UUID NOT NULL,
    survey_id UUID NOT NULL,
    answers JSONB NOT NULL,
    CONSTRAINT surveys_sheets_pkey PRIMARY KEY (id),
    CONSTRAINT surveys_sheets_survey_id_fkey FOREIGN KEY(survey_id) REFERENCES surveys_surveys (id),
    CONSTRAINT surveys_sheets_answers_bounded_check CHECK (
        jsonb_typeof(answers) = 'object' AND octet_length(answers::text) <= 200000)
);
CREATE INDEX surveys_sheets_survey_id_idx ON surveys_sheets (survey_id);
