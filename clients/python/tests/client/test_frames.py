"""The checks of frames, tensors, and forms that are streamed."""

from __future__ import annotations

import io
import types
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from topreward import Client
from topreward._check import checked, checked_all
from topreward._frames import parts_of
from topreward._multipart import PIECE_BYTES, Form, Part

from .conftest import Answer, Stub

PIXELS = np.random.default_rng(3).integers(0, 256, (5, 24, 32, 3), dtype=np.uint8)
FIX = " Convert it with "


def tensor(array: npt.NDArray[Any]) -> Any:
    """What behaves like a torch tensor on a device: NumPy cannot read it directly."""

    class Tensor:
        def __init__(self, array: npt.NDArray[Any], device: str = "cuda") -> None:
            self.array, self.device, self.shape, self.ndim = array, device, array.shape, array.ndim
            self.dtype = types.SimpleNamespace(is_floating_point=array.dtype.kind == "f")

        def detach(self) -> Tensor:
            return self

        def float(self) -> Tensor:
            return Tensor(self.array.astype(np.float32), self.device)

        def cpu(self) -> Tensor:
            return Tensor(self.array, "cpu")

        def numpy(self) -> npt.NDArray[Any]:
            assert self.device == "cpu", "can't convert cuda device type tensor to numpy"
            return self.array

        def __array__(self, *_: Any, **__: Any) -> npt.NDArray[Any]:
            return self.numpy()

        def __len__(self) -> int:
            return len(self.array)

        def __iter__(self) -> Any:
            return (Tensor(array, self.device) for array in self.array)

    Tensor.__module__ = "torch"
    return Tensor(array)


@pytest.mark.parametrize(
    ("made", "right"),
    [
        (PIXELS / 255, PIXELS),
        ((PIXELS / 255).astype(np.float32), PIXELS),
        (PIXELS.astype(np.float16), PIXELS),
        (PIXELS.astype(np.int64), PIXELS),
        (PIXELS.transpose(0, 3, 1, 2), PIXELS),
        (PIXELS.transpose(0, 3, 1, 2) / 255, PIXELS),
        (PIXELS[..., :1], np.repeat(PIXELS[..., :1], 3, axis=-1)),
        (PIXELS[:, None, :, :, 0], np.repeat(PIXELS[..., :1], 3, axis=-1)),
        (PIXELS[..., 0], np.repeat(PIXELS[..., :1], 3, axis=-1)),
        (np.concatenate([PIXELS, PIXELS[..., :1]], axis=-1), PIXELS),
        (PIXELS[0], PIXELS[:1]),
    ],
)
def test_the_message_has_code_that_converts_frames(made: npt.NDArray[Any], right: npt.NDArray[np.uint8]) -> None:
    for frames in (made, tensor(made)):
        with pytest.raises(ValueError, match=r"^Frames must be a uint8 array of shape \(frames, height, width, 3\)") as raised:
            checked_all(frames)
        code = str(raised.value).split(FIX)[1]
        fixed = eval(code, {"numpy": np, "frames": frames})
        assert checked_all(fixed).tolist() == right.tolist(), code


@pytest.mark.parametrize("made", [PIXELS[None], np.where(PIXELS > 200, np.nan, PIXELS), PIXELS[..., :2], PIXELS[:0]])
def test_the_message_has_no_code_if_the_right_frames_are_not_known(made: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"Convert it first\.$"):
        checked_all(made)


def test_tensors_on_a_device_are_taken() -> None:
    assert (checked_all(tensor(PIXELS)) == PIXELS).all()
    assert (checked(tensor(PIXELS[0])) == PIXELS[0]).all()
    (part,) = parts_of(list(tensor(PIXELS)))
    assert (pixels_in(part) == PIXELS).all()
    with pytest.raises(ValueError, match=r"values 0 to 1\. .*\(frames\.detach\(\)\.float\(\)\.cpu\(\)\.numpy\(\) \* 255\)"):
        parts_of(tensor(np.where(PIXELS > 127, 1.0, 0.0).astype(np.float32)))


def pixels_in(part: Part) -> npt.NDArray[np.uint8]:
    loaded: npt.NDArray[np.uint8] = np.load(io.BytesIO(b"".join(bytes(piece) for piece in part.pieces())))
    return loaded


def test_arrays_in_any_order_are_sent_as_they_look() -> None:
    for frames in (PIXELS[::-1], PIXELS[:, ::-1], np.asfortranarray(PIXELS), list(PIXELS[:, :, ::-1])):
        (part,) = parts_of(frames)
        assert (pixels_in(part) == np.stack(list(frames))).all()
        assert part.size == sum(len(piece) for piece in part.pieces())


def test_an_iterator_of_frames_is_read_once() -> None:
    (part,) = parts_of(iter(PIXELS))
    assert (pixels_in(part) == PIXELS).all()


def test_a_form_has_its_length_and_can_be_sent_again(tmp_path: Path) -> None:
    file = tmp_path / "video.mp4"
    file.write_bytes(b"v" * (2 * PIECE_BYTES + 1))
    form = Form("batch", {"fps": np.float32(4), "times": np.arange(2)}, [Part("video", file), *parts_of(PIXELS)])
    first, second = (b"".join(bytes(piece) for piece in form.pieces()) for _ in range(2))
    assert first == second
    assert len(first) == form.size
    assert b'{"fps": 4.0, "times": [0, 1]}' in first
    assert max(len(piece) for piece in form.pieces()) <= PIECE_BYTES
    with pytest.raises(ValueError, match="JSON"):
        Form("episode", {"fps": float("nan")})


def test_a_large_video_is_sent_without_holding_it_in_memory(stub: Stub, tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "large.mp4"
    with file.open("wb") as empty:
        empty.truncate(64 * 1024 * 1024)
    form = Form("episode", {}, [Part("video", file)])
    tracemalloc.start()
    read = [len(piece) for piece in form.pieces()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(read) == form.size > 64 * 1024 * 1024
    assert peak < 2 * 1024 * 1024
    stub.answers = [Answer(body={"method": "topreward"})]
    with Client(stub.url) as client:
        client.score(video=file, instruction="Open the drawer.")
    assert stub.asked[0].headers["content-length"] == str(len(stub.asked[0].body))
    assert "transfer-encoding" not in stub.asked[0].headers
