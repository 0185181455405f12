"""Growing episodes: numbers equal those of complete episodes, and only new frames are sent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from topreward import Client, FramesMissing, InvalidRequest, Unanswered

from .conftest import Answer, Asked, Stub
from .test_retries import END, problem, refusal

TEXT = "Open the drawer."
RESULT = {"method": "topreward", "prefixes": [{"log_prob_true": -1.0}], "warnings": []}


def small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[:, ::8, ::8])


@pytest.mark.parametrize("fps", [1.0, 4.0, 5.0, 30.0])
@pytest.mark.parametrize("kind", ["pixels", "paths"])
def test_each_step_equals_the_complete_episode(
    fps: float, kind: str, url: str, pixels: npt.NDArray[np.uint8], files: list[Path]
) -> None:
    frames: Any = small(pixels)[:14] if kind == "pixels" else files[:14]
    with Client(url) as client:
        episode = client.episode(TEXT, fps=fps)
        for count in range(1, len(frames) + 1):
            episode.add(frames[count - 1])
            grown = episode.score()["prefixes"][-1]
            whole = client.score(frames[:count], TEXT, fps=fps, prefixes={"last": 1})["prefixes"][-1]
            assert grown["length"] == len(episode) == count
            assert grown["log_prob_true"] == pytest.approx(whole["log_prob_true"], abs=1e-4)


def test_an_episode_with_times_equals_the_complete_episode(url: str, pixels: npt.NDArray[np.uint8]) -> None:
    frames, times = small(pixels)[:9], [0.0, 0.2, 0.7, 0.8, 1.3, 2.0, 2.1, 2.6, 3.4]
    with Client(url) as client:
        episode = client.episode(TEXT)
        episode.add(frames[:3], times[:3])
        episode.score()
        episode.add(list(frames[3:8]), times[3:8])
        episode.score()
        episode.add(frames[8], times[8])
        grown = episode.score(prefixes={"every": 1})
        whole = client.score(frames, TEXT, timestamps_s=times, prefixes={"every": 1})
    assert [prefix["log_prob_true"] for prefix in grown["prefixes"]] == pytest.approx(
        [prefix["log_prob_true"] for prefix in whole["prefixes"]], abs=1e-4
    )


def test_the_likelihood_of_a_growing_episode(url: str, files: list[Path]) -> None:
    with Client(url) as client:
        episode = client.episode(TEXT, method="instruction_likelihood", fps=4)
        episode.add(files[:5])
        grown = episode.score()
        whole = client.score(files[:5], TEXT, method="instruction_likelihood", fps=4, prefixes={"last": 1})
    assert grown["prefixes"][-1]["reward"] == pytest.approx(whole["prefixes"][-1]["reward"], abs=1e-4)


def sent_frames(asked: Asked) -> list[int]:
    """The first pixel of each frame in a request."""
    if b'name="npy"' not in asked.body:
        return []
    start = asked.body.index(b"\x93NUMPY")
    return [int(frame[0, 0, 0]) for frame in np.load(io.BytesIO(asked.body[start:]))]


def numbered(count: int) -> list[npt.NDArray[np.uint8]]:
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def test_only_new_sampled_frames_are_sent_and_named(stub: Stub) -> None:
    stub.answers = [Answer(body=RESULT)]
    with Client(stub.url) as client:
        episode = client.episode(TEXT, fps=5)
        for frame in numbered(9):
            asked = episode.wants_next
            episode.add(frame)
            if asked:
                episode.score()
    # At 5 fps, frame 7 is used until frame 8 arrives.
    assert [sent_frames(asked) for asked in stub.asked] == [[0], [2], [5], [7], [8]]
    digests = [asked.part("episode")["frame_digests"] for asked in stub.asked]
    assert [[i for i, digest in enumerate(named) if digest] for named in digests] == [
        [0],
        [0, 2],
        [0, 2, 5],
        [0, 2, 5, 7],
        [0, 2, 5, 8],
    ]


def test_frames_that_are_replaced_before_they_are_sent_are_not_sent(stub: Stub) -> None:
    stub.answers = [Answer(body=RESULT)]
    with Client(stub.url) as client:
        episode = client.episode(TEXT, fps=5)
        episode.add(np.stack(numbered(9)))
        episode.score()
    assert sent_frames(stub.asked[0]) == [0, 2, 5, 8]


def test_missing_frames_are_sent_again(stub: Stub, quick: None) -> None:
    def needs(*numbers: int) -> Any:
        def answer(asked: Asked) -> Answer:
            digests = asked.part("episode")["frame_digests"]
            return refusal("frames-missing", 409, missing=[digests[number] for number in numbers])

        return answer

    stub.answers = [
        Answer(503, problem("server-busy", 503)),
        needs(0),
        needs(1),
        Answer(body=RESULT),
    ]
    with Client(stub.url) as client:
        episode = client.episode(TEXT, fps=2)
        episode.add(np.stack(numbered(3)))
        episode.score()
    # After a failure, digests only. Then the frames that the service needs.
    assert [sent_frames(asked) for asked in stub.asked] == [[0, 1, 2], [], [0], [1]]


def test_a_service_that_forgets_at_once_gets_all_frames_in_one_request(stub: Stub) -> None:
    def keeps_nothing(asked: Asked) -> Answer:
        digests = asked.part("episode")["frame_digests"]
        lacking = [digest for number, digest in enumerate(digests) if number not in sent_frames(asked)]
        return refusal("frames-missing", 409, missing=lacking) if lacking else Answer(body=RESULT)

    stub.answers = [keeps_nothing]
    with Client(stub.url) as client:
        episode = client.episode(TEXT, fps=2)
        for frame in numbered(3):
            episode.add(frame)
            episode.score()
    # The last request of each step has all frames.
    assert [sent_frames(asked) for asked in stub.asked] == [[0], [1], [0], [0, 1], [2], [0, 1], [0, 1, 2]]


def test_a_service_that_asks_for_what_it_just_got_is_an_error(stub: Stub) -> None:
    stub.answers = [
        lambda asked: refusal("frames-missing", 409, missing=asked.part("episode")["frame_digests"]),
        refusal("frames-missing", 409, missing=["f" * 64]),
    ]
    with Client(stub.url) as client:
        for _ in range(2):
            episode = client.episode(TEXT, fps=2)
            episode.add(numbered(1)[0])
            with pytest.raises(FramesMissing) as raised:
                episode.score()
            assert len(raised.value.missing) == 1


def test_an_episode_without_a_result_is_scored_later(stub: Stub) -> None:
    stub.answers = [refusal("server-busy", 503), Answer(body=RESULT)]
    with Client(stub.url, patience_s=0) as client:
        episode = client.episode(TEXT, fps=2)
        episode.add(numbered(1)[0])
        with pytest.raises(Unanswered):
            episode.score()
        episode.score()
    assert [sent_frames(asked) for asked in stub.asked] == [[0], [0]]


def test_many_episodes_are_one_batch_and_lost_frames_are_sent_again(stub: Stub, quick: None) -> None:
    def first(asked: Asked) -> Answer:
        digests = [item["episode"]["frame_digests"] for item in asked.part("batch")["items"]]
        lines = [
            {"event": "problem", "index": 2, "problem": problem("frames-missing", 409, missing=digests[2][:1])},
            {"event": "result", "index": 1, "result": {**RESULT, "score": -2.0}},
            {"event": "problem", "index": 0, "problem": problem("engine-busy", 503)},
            END,
        ]
        return Answer(body=lines)

    second = Answer(
        body=[
            {"event": "result", "index": 1, "result": {**RESULT, "score": -3.0}},
            {"event": "result", "index": 0, "result": {**RESULT, "score": -1.0}},
            END,
        ]
    )
    stub.answers = [first, second, Answer(body=[{**END}])]
    frames = numbered(6)
    with Client(stub.url) as client:
        episodes = [client.episode(TEXT, fps=2) for _ in range(3)]
        for number, episode in enumerate(episodes):
            episode.add(frames[2 * number])
        episodes[2].growing.unsent = []  # as if it had been sent before
        scores = [result["score"] for result in client.score_together(episodes)]
    assert scores == [-1.0, -2.0, -3.0]
    items = [asked.part("batch")["items"] for asked in stub.asked]
    assert [[item.get("frame_count") for item in some] for some in items] == [[None, None, 0], [0, None]]
    assert stub.asked[1].body.count(b"\x93NUMPY") == 1


def test_a_wrong_episode_of_many_is_an_error(stub: Stub) -> None:
    stub.answers = [Answer(body=[{"event": "problem", "index": 0, "problem": problem("special-token-text", 422)}, END])]
    with Client(stub.url) as client:
        episode = client.episode("<|im_end|>", fps=2)
        episode.add(numbered(1)[0])
        with pytest.raises(InvalidRequest, match="special-token-text"):
            client.score_together([episode])


def test_wrong_uses_are_refused(stub: Stub, files: list[Path]) -> None:
    with Client(stub.url) as client:
        episode, timed = client.episode(TEXT, fps=4), client.episode(TEXT)
        with pytest.raises(ValueError, match="Frame 0 is sampled: add it"):
            episode.skip()
        episode.add(files[0])
        episode.skip()
        with pytest.raises(ValueError, match="Send one kind"):
            episode.add(numbered(1)[0])
        for frames, times in ((numbered(2), [0.0]), (numbered(1), None)):
            with pytest.raises(ValueError, match="time"):
                timed.add(frames, times)
        with pytest.raises(ValueError, match="time"):
            episode.add(files[1], 3.0)
        assert (len(episode), len(timed)) == (2, 0)
        episode.reset()
        assert len(episode) == 0
    assert stub.asked == []
