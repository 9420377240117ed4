"""The folders a finance system writes into: whatever lies there, nobody's file is half read or mixed up."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from skarbnik.exchange.spool import Spool

NAME = "puma-export-000001.xml"


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path).make()


@pytest.mark.parametrize(
    "name", [b"puma-\xff.xml", b"puma-\n.xml", "puma-{}.xml".format("ż" * 110).encode(), b"puma-%s.xml" % (b"x" * 120)]
)
def test_a_name_nobody_could_write_down_is_left_alone(spool, name):
    for each in (name, NAME.encode()):
        (spool.incoming / os.fsdecode(each)).touch()

    assert spool.list_arrived("puma-*.xml") == [NAME]


def test_a_link_that_took_the_place_of_a_file_is_not_followed(spool, tmp_path):
    secret = tmp_path / "of-the-neighbour.xml"
    secret.write_text("<payers/>")
    (spool.incoming / NAME).symlink_to(secret)

    with pytest.raises(FileNotFoundError):
        spool.take(NAME, "the run").open()
    assert secret.read_text() == "<payers/>"


def test_a_batch_laid_out_by_two_workers_at_once_is_whole_at_every_moment(spool):
    content = b"x" * 3_000_000
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: spool.deliver("batch.xml", content), range(12)):
            assert (spool.outgoing / "batch.xml").stat().st_size == len(content)

    assert [entry.name for entry in spool.outgoing.iterdir()] == ["batch.xml"]
