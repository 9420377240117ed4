"""A worker is killed at every step of its work. What it left is the state before or after, and the errand done again
ends where an undisturbed one does. `-s` shows what was found at each step.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy import select
from tests.exchange.conftest import connect_puma
from tests.exchange.corpus.good import CODE, Portal, answer, booked, good, recount, row, swap
from tests.exchange.test_bad_files import checksum

from skarbnik import outbox
from skarbnik.errands import Runner
from skarbnik.exchange import batches, imports
from skarbnik.exchange.models import BatchLine, BookingBatch, ImportRun, Source
from skarbnik.exchange.spool import Spool
from skarbnik.exchange.tasks import deliver_batch, read_file, spool_of
from skarbnik.outbox import publish
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import record_report
from skarbnik.receivables.models import Instalment
from skarbnik.testing.database import empty
from skarbnik.testing.factories import TransactionFactory, bound_to, report_on
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

ROOT = Path(__file__).parents[2]
PUMA = PumaFinanceSystem(PumaSettings(tenant_code=CODE))
EACH_TIME_NEW = {"uuid", "ARRAY", "timestamp with time zone"}  # types of columns that differ from run to run
ALSO_NEW = {"pesel_sealed", "content", "sha256"}  # with a nonce, or with a moment inside
BOOKKEEPING = {"import_runs", "import_problems"}

SECOND = recount(
    swap(
        good(2).decode(),
        ('principal="120.00"', 'principal="70.00"'),
        (row('<payer id="P-2"'), row('<payer id="P-2"') + '<payer id="P-4" kind="person" name="Nowa Zofia"/>\n'),
        (row('<liability payer="P-3"'), row('<liability payer="P-3"').replace("P-3", "P-4")),
        (row('<instalment id="I-5"'), ""),
        (row("<overpayment id"), row("<overpayment id").replace("NP-1", "NP-2")),
    )
).encode()
THIRD = good(3)  # everything as it was in the first


@dataclass
class Scene:
    """One gmina, whose state can be kept and brought back, and workers to be killed in it."""

    lab: Any
    tenant: Any
    workers: subprocess.Popen
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def spool(self) -> Spool:
        return spool_of(self.tenant, "puma")

    @property
    def kept_files(self) -> Path:
        return self.lab.settings.files / "kept"

    def read(self, content: bytes) -> None:
        """A file that is there before the story begins."""
        self.lay(content)
        with self.tenant.session() as session:
            run_id = session.scalar(select(ImportRun.id).order_by(ImportRun.id.desc()))
        read_file(self.tenant, run_id)
        with self.lab.as_admin() as connection:
            connection.execute("DELETE FROM work.outbox")

    def lay(self, content: bytes) -> None:
        name = f"puma-{len(list(self.spool.root.glob('*/*'))) + 1:06d}.xml"
        (self.spool.incoming / name).write_bytes(content)
        with self.tenant.session() as session:
            imports.register_arrivals(session, session.get_one(Source, "puma"), self.spool.list_arrived("puma-*"))

    def pay(self) -> None:
        """Money came for three instalments."""
        with self.tenant.session() as session, bound_to(session):
            for name in ("I-2", "I-4", "I-5"):
                instalment = session.scalars(select(Instalment).where(Instalment.external_id == name)).one()
                transaction = TransactionFactory(started=True, instalment=instalment, amount=instalment.principal)
                record_report(session, transaction.id, report_on(transaction, f"E-{name}"))

    def tables(self, connection) -> list[sql.Identifier]:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (self.tenant.schema,))
        return [*(sql.Identifier(self.tenant.schema, name) for (name,) in found), sql.Identifier("work", "outbox")]

    def keep(self, topic: str) -> None:
        """Remember everything as it is, with those errands only that the story is about."""
        with self.lab.as_admin() as connection:
            connection.execute("DELETE FROM work.outbox WHERE topic <> %s", (topic,))
            for table in self.tables(connection):
                with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
                    self.kept[table.as_string()] = b"".join(bytes(piece) for piece in copy)
        shutil.copytree(self.spool.root, self.kept_files)

    def bring_back(self) -> None:
        empty(self.lab)
        with self.lab.as_admin() as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in self.tables(connection):
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                    copy.write(self.kept[table.as_string()])
        shutil.copytree(self.kept_files, self.spool.root)

    def errands(self) -> list[tuple[int, UUID]]:
        with self.lab.as_admin() as connection:
            query = "SELECT id, subject_id FROM work.outbox WHERE topic NOT LIKE 'audit.%' ORDER BY id"
            return connection.execute(query).fetchall()

    def relay(self) -> None:
        """All leases have run out and all moments have come, until nothing is left to do."""
        runner = Runner(self.lab.instance)
        for _ in range(20):
            with self.lab.as_admin() as connection:
                connection.execute("DELETE FROM work.outbox WHERE topic LIKE 'audit.%'")  # the trail's, without end
                connection.execute("UPDATE work.outbox SET lease_until = NULL, due_at = least(due_at, now())")
            with self.lab.instance.engine.begin() as connection:
                claimed = outbox.claim(connection)
            if not claimed:
                return
            runner.run(sorted(errand.id for errand in claimed))

    def kill_at(self, moment: str, errand_id: int) -> None:
        """A worker does the errand and is killed there. It must have come that far."""
        with self.lab.as_admin() as connection:
            (began,) = connection.execute("SELECT clock_timestamp()").fetchone()
            self.workers.stdin.write(json.dumps([moment, errand_id]) + "\n")
            self.workers.stdin.flush()
            heard = json.loads(self.workers.stdout.readline())
            assert "here" in heard, f"it never came to: {moment}"
            os.kill(heard["here"], signal.SIGKILL)
            assert json.loads(self.workers.stdout.readline()) == {"signal": signal.SIGKILL}
            left = "SELECT count(*) FROM pg_stat_activity WHERE backend_start > %s AND usename = %s"
            until = time.monotonic() + 10
            while connection.execute(left, (began, f"{self.lab.settings.instance}_app")).fetchone() != (0,):
                assert time.monotonic() < until, "its connections outlive it"
                time.sleep(0.01)

    def picture(self) -> dict[str, list]:
        """Every row of every table, without what is new each time, and where the files are."""
        with self.lab.as_admin() as connection:
            columns = connection.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s"
                " ORDER BY 1, ordinal_position",
                (self.tenant.schema,),
            ).fetchall()
            lasting: dict[str, list[str]] = {}
            for table, column, kind in columns:
                names = lasting.setdefault(table, [])
                if kind not in EACH_TIME_NEW and column not in ALSO_NEW:
                    names.append(column)
            rows = sql.SQL("SELECT {} FROM {} ORDER BY 1")
            return {
                table: [
                    text
                    for (text,) in connection.execute(
                        rows.format(
                            sql.SQL("concat_ws('|', {})").format(
                                sql.SQL(", ").join([sql.Literal("row"), *map(quoted, names)])
                            ),
                            sql.Identifier(self.tenant.schema, table),
                        )
                    )
                ]
                for table, names in lasting.items()
            }

    def found(self, subject_id: UUID) -> tuple[str | None, str | None]:
        """Where the file of the story is, and how far its run, or its batch, has come."""
        with self.tenant.session() as session:
            sent = session.scalars(select(BookingBatch)).one_or_none()
            run = session.get(ImportRun, subject_id)
        if run is not None:
            return self.files()[run.file_name], str(run.state)
        return (self.files().get(sent.file_name), str(sent.state)) if sent is not None else (None, None)

    def check_batches(self) -> None:
        """A booking is in one batch, and a batch that is out is what was made of it."""
        with self.tenant.session() as session:
            lines = session.scalars(select(BatchLine.booking_line_id)).all()
            sent = session.scalars(select(BookingBatch)).all()
        assert len(set(lines)) == len(lines)
        for each in sent:
            assert hashlib.sha256(each.content).hexdigest() == each.sha256
            assert each.state == "made" or (self.spool.outgoing / each.file_name).read_bytes() == each.content

    def files(self) -> dict[str, str]:
        """Which folder each file is in; what a batch was half written as is nobody's."""
        return {
            path.name.split(" ")[-1]: path.parent.name for path in self.spool.root.glob("*/*") if path.suffix != ".part"
        }


def quoted(name: str) -> sql.Composed:
    return sql.SQL("coalesce({}::text, '-')").format(sql.Identifier(name))


def data(picture: dict[str, list]) -> dict[str, list]:
    return {table: rows for table, rows in picture.items() if table not in BOOKKEEPING}


# --- stories: what is there, and whose errand is disturbed


def first_file(scene: Scene) -> str:
    scene.lay(good(1))
    return "exchange.file_arrived"


def second_file(scene: Scene) -> str:
    scene.read(good(1))
    scene.lay(SECOND)
    scene.lay(THIRD)
    return "exchange.file_arrived"


def broken_file(scene: Scene) -> str:
    scene.read(good(1))
    scene.lay(SECOND.replace(b'<payer id="P-4"', b'<payer id="P-5"'))
    scene.lay(THIRD)
    return "exchange.file_arrived"


def bookings(scene: Scene) -> str:
    scene.read(good(1))
    scene.pay()
    with scene.tenant.session() as session:
        publish(session, "exchange.bookings_wait", session.scalar(select(BookingLine.capture_id)))
    return "exchange.bookings_wait"


def batch(scene: Scene) -> str:
    scene.read(good(1))
    scene.pay()
    with scene.tenant.session() as session:
        batches.make_batch(session, "puma", PUMA)
    return "exchange.batch_made"


def acknowledgement(scene: Scene) -> str:
    batch(scene)
    with scene.tenant.session() as session:
        sent = session.scalars(select(BookingBatch)).one()
        *lines, last = (str(line_id) for line_id in session.scalars(select(BookingLine.id).order_by(BookingLine.id)))
    deliver_batch(scene.tenant, sent.id)
    refused = f'<refused booking="{last}" reason="Rata rozliczona w kasie"/>'
    scene.lay(answer(Portal(batch=sent.number, sha256=sent.sha256), *map(booked, lines), refused))
    return "exchange.file_arrived"


STORIES = {each.__name__: each for each in (first_file, second_file, broken_file, bookings, batch, acknowledgement)}

# What is found at each moment somebody may be killed at: the data, the folder of the file, how far its run has come.
Found = tuple[str, str | None, str | None]
BEGUN: Found = ("before", "reading", "running")
DONE: Found = ("after", "done", "applied")
MERGED = ("merged, to be reported", "reported, to be committed")
READ = ("run begun", "half read", "read, to be checked", "checked, to be merged")
PUT_AWAY = {
    "to be put away": ("after", "reading", "applied"),
    "put away, next to be rung": DONE,
    "errand to be taken off": DONE,
}
APPLIED = {"next rung, to be committed": DONE, **PUT_AWAY}
FIRST = {
    "file taken": ("before", "reading", "waiting"),
    **dict.fromkeys(("half read and written", *READ, *MERGED), BEGUN),  # all of it was written early
    **APPLIED,
}
READING = {
    "file taken": ("before", "reading", "waiting"),
    **dict.fromkeys((*READ, "half merged", *MERGED), BEGUN),
    **APPLIED,
}
REFUSED = {
    **dict.fromkeys(("refusal to be written", "refusal to be committed"), BEGUN),
    "to be put away": ("before", "reading", "refused"),
    **dict.fromkeys(("put away, next to be rung", "errand to be taken off"), ("before", "refused", "refused")),
}
MADE = {
    "batch made, to be committed": ("before", None, None),
    "errand to be taken off": ("after", None, "made"),
}
DELIVERED = {
    **dict.fromkeys(("batch to be delivered", "batch half written", "batch to be renamed"), ("before", None, "made")),
    **dict.fromkeys(("batch to be marked", "batch marked, to be committed"), ("before", "out", "made")),
    "errand to be taken off": ("after", "out", "delivered"),
}
ANSWERED = {
    **dict.fromkeys(
        ("file taken", "answer half applied", "answer applied, to be committed"), ("before", "reading", "waiting")
    ),
    **PUT_AWAY,
}
STEPS = [
    (story, moment, *found)
    for story, steps in (
        ("first_file", FIRST), ("second_file", READING), ("broken_file", REFUSED), ("bookings", MADE),
        ("batch", DELIVERED), ("acknowledgement", ANSWERED),
    )
    for moment, found in steps.items()
]  # fmt: skip


@pytest.fixture(scope="module")
def workers(lab):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    command = [sys.executable, "-m", "tests.exchange.dying"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | lab.environment, **pipes) as process:
        yield process
        process.stdin.close()


@dataclass
class Story:
    """A scene set for one story, and how the story goes when nobody is killed."""

    scene: Scene
    errand_id: int
    subject_id: UUID
    before: str
    after: dict[str, list] = field(default_factory=dict)
    end: dict[str, list] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(request, lab, workers):
    empty(lab)
    scene = Scene(lab, lab.tenant("lipowo"), workers)
    connect_puma(scene.tenant)
    scene.keep(STORIES[request.param](scene))
    scene.bring_back()
    told = Story(scene, *scene.errands()[0], checksum(lab, scene.tenant))
    Runner(lab.instance).run([told.errand_id])
    told.after = data(scene.picture())
    scene.relay()
    told.end, told.files = scene.picture(), scene.files()
    assert scene.errands() == []
    yield told
    shutil.rmtree(scene.kept_files)
    empty(lab)


@pytest.mark.parametrize(("story", "moment", "state", "folder", "progress"), STEPS, indirect=["story"])
def test_whoever_is_killed_leaves_nothing_half_done_and_the_next_one_ends_it(story, moment, state, folder, progress):
    scene = story.scene
    scene.bring_back()

    scene.kill_at(moment, story.errand_id)

    found = scene.found(story.subject_id)
    print(f"{moment:34} data as {state:6}, file in {found[0]}, {found[1]}")
    assert found == (folder, progress)
    if state == "before":
        assert checksum(scene.lab, scene.tenant) == story.before
    else:
        assert data(scene.picture()) == story.after
    scene.check_batches()
    assert (story.errand_id, story.subject_id) in scene.errands()

    scene.relay()

    assert scene.picture() == story.end
    assert scene.files() == story.files
    assert scene.errands() == []
    scene.check_batches()
