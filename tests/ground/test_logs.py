"""What an error quotes of a row stays out of the log."""

import psycopg
import pytest
from structlog.processors import format_exc_info

from skarbnik.logs import leave_rows_out


def test_a_failing_row_of_a_person_is_not_in_the_log(lab):
    with lab.as_admin() as connection:
        connection.execute("CREATE TEMP TABLE people (name varchar(80), age integer CHECK (age > 0))")
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            connection.execute("INSERT INTO people VALUES ('Anna Kowalska', -1)")
    event = format_exc_info(None, "error", {"exc_info": caught.value})
    assert "Anna Kowalska" in event["exception"], "PostgreSQL does quote the row"

    written = leave_rows_out(None, "error", event)

    assert "Kowalska" not in written["exception"].replace("INSERT INTO people VALUES ('Anna Kowalska', -1)", "")
    assert "DETAIL left out" in written["exception"]
    assert "CheckViolation" in written["exception"]
