"""One archive over HTTP, from servers as they are."""

import dataclasses
import hashlib
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest

from ser_assets.corpus.zenodo.archives import Archive, DownloadError
from ser_assets.corpus.zenodo.retries import RetryPolicy
from ser_assets.corpus.zenodo.transfer import Transfer
from ser_assets_tests.factories.zenodo_server import ETAG, Answer, Zenodo

CONTENT = bytes(range(256)) * 1200
MIDDLE = 150_000
IMPATIENT = RetryPolicy(silence=10, more_tries=3, pause=0, jitter=0)
ARCHIVE = Archive(
    "Speech.zip", len(CONTENT), hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(), (), (), ".mp4", 0, 0
)


@dataclasses.dataclass
class Told:
    """What a transfer said on its way."""

    words: list[str]
    progress: list[int]
    pauses: list[float]
    answers: int = 0

    def answered(self) -> None:
        self.answers += 1


Fetch = Callable[..., None]


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "Speech.zip.part"


@pytest.fixture
def told() -> Told:
    return Told([], [], [])


@pytest.fixture
def fetch(zenodo: Zenodo, part: Path, told: Told) -> Fetch:
    zenodo.publish(ARCHIVE, CONTENT)

    def run(patience: RetryPolicy = IMPATIENT, url: str = zenodo.url) -> None:
        Transfer(
            ARCHIVE,
            ARCHIVE.address(url),
            part,
            patience,
            tell=told.words.append,
            progress=told.progress.append,
            wait=told.pauses.append,
            answered=told.answered,
        ).run()

    return run


def test_a_good_server_is_asked_once(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo) -> None:
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [None]
    assert told.progress[-1] == len(CONTENT)
    assert told.progress == sorted(told.progress)
    assert told.answers == 1
    assert not told.words


def test_a_cut_connection_is_taken_up_where_it_broke(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.extend([Answer(cut_after=MIDDLE), Answer(cut_after=MIDDLE // 2)])
    fetch()
    assert part.read_bytes() == CONTENT
    first, second, third = zenodo.starts
    assert first is None
    assert second is not None
    assert third is not None
    assert 0 < second <= MIDDLE
    assert second < third <= second + MIDDLE // 2
    assert zenodo.requests[1].headers["If-Range"] == ETAG
    assert told.words == ["Speech.zip: the connection was cut; trying again"] * 2


def test_a_body_that_ends_early_without_a_length_is_a_cut_connection_too(
    fetch: Fetch, part: Path, zenodo: Zenodo
) -> None:
    zenodo.answers.append(Answer(cut_after=MIDDLE, hides_length=True))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [None, MIDDLE]


def test_a_connection_that_is_cut_before_any_answer_is_tried_again(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(hangs_up=True))
    fetch()
    assert part.read_bytes() == CONTENT


def test_a_stalled_server_is_left_and_asked_again(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(stall_after=MIDDLE))
    fetch(dataclasses.replace(IMPATIENT, silence=1))
    assert part.read_bytes() == CONTENT
    assert 0 < (zenodo.starts[1] or 0) <= MIDDLE
    assert told.words == ["Speech.zip: nothing came for 1 s; trying again"]


def test_a_server_that_ignores_the_range_has_its_file_begun_anew_and_not_appended(
    fetch: Fetch, part: Path, zenodo: Zenodo
) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(ignores_range=True))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE]


def test_a_server_that_ignores_the_range_and_cuts_each_time_is_given_up(
    fetch: Fetch, part: Path, zenodo: Zenodo
) -> None:
    zenodo.answers.extend([Answer(ignores_range=True, cut_after=MIDDLE)] * 99)
    with pytest.raises(DownloadError, match="the connection was cut, 4 times in a row"):
        fetch(dataclasses.replace(IMPATIENT, fresh_start_bytes=1000))
    assert len(zenodo.requests) == 4
    assert part.stat().st_size > 0


def test_tries_are_counted_afresh_while_a_server_that_cuts_brings_more(
    fetch: Fetch, part: Path, zenodo: Zenodo
) -> None:
    zenodo.answers.extend([Answer(cut_after=70_000, hides_length=True)] * 4)
    fetch(dataclasses.replace(IMPATIENT, more_tries=1, fresh_start_bytes=50_000))
    assert part.read_bytes() == CONTENT


def test_an_earlier_part_is_gone_on_from(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE]
    assert told.progress[0] > MIDDLE


def test_a_whole_file_is_only_verified(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT)
    fetch()
    assert not zenodo.requests


@pytest.mark.parametrize(
    "damaged",
    [b"\0" * MIDDLE, b"\0" * len(CONTENT), CONTENT + b"\0"],
    ids=["other bytes", "other bytes in full length", "too long"],
)
def test_a_damaged_part_is_thrown_away_and_fetched_anew(
    fetch: Fetch, told: Told, part: Path, zenodo: Zenodo, damaged: bytes
) -> None:
    part.write_bytes(damaged)
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts[-1] is None
    assert told.words == ["Speech.zip: its bytes are wrong; downloading it again"]


def test_wrong_bytes_are_fetched_anew_once(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(body=b"\0" * len(CONTENT)))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [None, None]


def test_wrong_bytes_twice_are_an_error_that_leaves_nothing(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.extend([Answer(body=b"\0" * len(CONTENT))] * 2)
    with pytest.raises(DownloadError, match=r"^Speech.zip: 127.0.0.1 sends wrong bytes .* another SER_ZENODO_URL$"):
        fetch()
    assert len(zenodo.requests) == 2
    assert not part.exists()


def test_a_body_without_end_is_not_followed_to_it(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(body=CONTENT * 20, hides_length=True))
    fetch()
    assert max(told.progress) < 2 * len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_a_page_instead_of_the_file_does_not_cost_the_part(
    fetch: Fetch, told: Told, part: Path, zenodo: Zenodo
) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(body=b"<html>please log in", ignores_range=True))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE, MIDDLE]
    assert "127.0.0.1 has 19 bytes of that name instead of 307200" in told.words[0]


def test_another_file_is_asked_for_twice_and_no_oftener(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(status=503))
    zenodo.answers.extend([Answer(body=b"<html>please log in", ignores_range=True)] * 99)
    with pytest.raises(
        DownloadError, match="has 19 bytes of that name instead of 307200, twice; run the same command later"
    ):
        fetch()
    assert zenodo.starts == [MIDDLE] * 3
    assert part.read_bytes() == CONTENT[:MIDDLE]


def test_a_range_that_ends_beyond_the_file_is_begun_anew(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(status=416))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE, None]


def test_a_part_that_begins_earlier_than_asked_is_written_where_it_belongs(
    fetch: Fetch, part: Path, zenodo: Zenodo
) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(start=MIDDLE - 1000))
    fetch()
    assert part.read_bytes() == CONTENT
    assert len(zenodo.requests) == 1


@pytest.mark.parametrize(
    "content_range", [f"bytes {MIDDLE + 1}-{len(CONTENT) - 1}/{len(CONTENT)}", "bytes a-b/c", "lines 1-2/3"]
)
def test_a_part_that_leaves_a_gap_or_does_not_say_where_it_belongs_is_not_used(
    fetch: Fetch, told: Told, part: Path, zenodo: Zenodo, content_range: str
) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(start=MIDDLE + 1, content_range=content_range))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE, None]
    assert told.words == ["Speech.zip: another part came than was requested; trying again"]


def test_a_part_of_another_file_is_not_used(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(content_range=f"bytes {MIDDLE}-400000/400001"))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.starts == [MIDDLE, MIDDLE]


@pytest.mark.parametrize("weak", ['W/"about the same"', ""])
def test_a_tag_that_does_not_promise_the_same_bytes_is_not_relied_on(fetch: Fetch, zenodo: Zenodo, weak: str) -> None:
    zenodo.answers.append(Answer(headers={"ETag": weak}, cut_after=MIDDLE))
    fetch()
    assert "Range" in zenodo.requests[1].headers
    assert "If-Range" not in zenodo.requests[1].headers


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_waited_out(fetch: Fetch, told: Told, part: Path, zenodo: Zenodo, status: int) -> None:
    zenodo.answers.append(Answer(status=status))
    fetch()
    assert part.read_bytes() == CONTENT
    assert f"127.0.0.1 answers {status}" in told.words[0]


def test_pauses_grow_up_to_the_longest_and_then_it_is_given_up(fetch: Fetch, told: Told, zenodo: Zenodo) -> None:
    zenodo.answers.extend([Answer(status=503)] * 99)
    with pytest.raises(DownloadError, match="503 Service Unavailable, 6 times in a row; run the same command later"):
        fetch(RetryPolicy(more_tries=5, pause=1, longest_pause=9, jitter=0))
    assert told.pauses == [0, 2, 4, 8, 9]
    assert len(zenodo.requests) == 6


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [("7", 7, 7), ("in 100 s", 50, 100), ("soon", 0, 0), ("0", 0, 0)],
    ids=["seconds", "date", "garbage", "at once"],
)
def test_a_server_is_left_alone_for_as_long_as_it_wants(
    fetch: Fetch, told: Told, zenodo: Zenodo, retry_after: str, least: float, most: float
) -> None:
    if retry_after == "in 100 s":
        retry_after = formatdate(time() + 100, usegmt=True)
    zenodo.answers.append(Answer(status=429, headers={"Retry-After": retry_after}))
    fetch()
    [pause] = told.pauses
    assert least <= pause <= most


def test_a_server_that_wants_to_be_left_alone_for_long_is_left(fetch: Fetch, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(DownloadError, match="429 Too Many Requests and wants the next request in 7200 s; run the same"):
        fetch()
    assert len(zenodo.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_will_not_pass_is_told_at_once(fetch: Fetch, zenodo: Zenodo, status: int) -> None:
    zenodo.answers.append(Answer(status=status))
    with pytest.raises(DownloadError, match=f"Speech.zip: 127.0.0.1 answers {status} .*; is SER_ZENODO_URL right"):
        fetch()
    assert len(zenodo.requests) == 1


def test_a_redirect_is_followed_and_the_range_with_it(fetch: Fetch, part: Path, zenodo: Zenodo) -> None:
    part.write_bytes(CONTENT[:MIDDLE])
    zenodo.answers.append(Answer(status=302, headers={"Location": "/elsewhere/Speech.zip"}))
    fetch()
    assert part.read_bytes() == CONTENT
    assert zenodo.requests[1].target == "/elsewhere/Speech.zip"
    assert zenodo.starts == [MIDDLE, MIDDLE]


def test_redirects_in_a_circle_are_told(fetch: Fetch, zenodo: Zenodo) -> None:
    zenodo.answers.extend([Answer(status=302, headers={"Location": "/Speech.zip"})] * 99)
    with pytest.raises(DownloadError, match="30 redirects"):
        fetch()


def test_a_proxy_of_the_environment_is_asked(
    fetch: Fetch, part: Path, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", zenodo.url)
    fetch(url="http://zenodo.invalid")
    assert part.read_bytes() == CONTENT
    assert zenodo.requests[0].target == ARCHIVE.address("http://zenodo.invalid")
