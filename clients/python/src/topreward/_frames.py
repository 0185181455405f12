"""Frames in every form that users have them, and the parts of a form that they become."""

from __future__ import annotations

import io
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ._check import Frame, checked, checked_all, is_tensor
from ._multipart import Part

if TYPE_CHECKING:
    import numpy.typing as npt

# uint8 RGB: a NumPy array or a torch tensor (N, H, W, 3), or a list of (H, W, 3); PIL images; paths or bytes of image files
Frames: TypeAlias = Any
Encoding: TypeAlias = Literal["npy", "png", "jpeg"]

JPEG_QUALITY = 95
EXACT_MODES = {"RGB", "RGBA", "L", "LA", "P", "1"}


def parts_of(frames: Frames, encoding: Encoding = "npy") -> list[Part]:
    """The parts of a form for the frames of an episode: one ``npy``, or a part ``frames`` for each.

    Files are sent unchanged. Everything else is sent as ``encoding`` says: ``npy`` and ``png`` are exact, ``jpeg`` is not.

    :raises ValueError: if a frame cannot be used; the message says how to convert it
    """
    if isinstance(frames, str | PathLike):
        return [Part("npy", _npy_path(Path(frames)))]
    if is_tensor(frames) or isinstance(frames, np.ndarray):
        return _encoded_parts(checked_all(frames), encoding)
    listed = [] if isinstance(frames, bytes) else list(frames)
    if not listed:
        raise ValueError("Frames are a list with at least one frame, or an array (frames, height, width, 3).")
    files = [file_of(frame) for frame in listed]
    if all(file is None for file in files):
        return _encoded_parts(_stackable(listed), encoding)
    if any(file is None for file in files):
        raise ValueError("Some frames are files and some are not. Send one kind.")
    return [Part("frames", file) for file in files if file is not None]


def file_of(frame: Any) -> bytes | Path | None:
    """The image file that a frame is; None if it is not one."""
    if isinstance(frame, str | PathLike):
        return Path(fspath(frame))
    return bytes(frame) if isinstance(frame, bytes | bytearray | memoryview) else None


def _encoded_parts(pixels: npt.NDArray[np.uint8] | Sequence[Frame], encoding: Encoding) -> list[Part]:
    if encoding == "npy":
        return [npy_part(pixels)]
    return [Part("frames", encoded(frame, encoding)) for frame in pixels]


def _stackable(frames: Sequence[Any]) -> list[Frame]:
    taken: list[Frame] = []
    for frame in frames:
        taken.append(frame_of(frame, taken[0] if taken else None))
    return taken


def frame_of(frame: Any, earlier: Frame | None = None) -> Frame:
    """One frame as an array of its own: uint8 [H, W, 3], RGB."""
    return checked(_from_pil(frame) if _is_pil(frame) else frame, earlier)


def npy_part(pixels: npt.NDArray[np.uint8] | Sequence[Frame]) -> Part:
    """Frames as one NumPy file. The pixels are not copied."""
    shape = (len(pixels), *pixels[0].shape)
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    whole = [pixels] if isinstance(pixels, np.ndarray) else pixels
    return Part("npy", (head.getvalue(), *(np.ascontiguousarray(piece).data for piece in whole)))


def encoded(frame: Frame, encoding: Literal["png", "jpeg"]) -> bytes:
    """A frame as an image file.

    :raises ImportError: without Pillow
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f'encoding="{encoding}" needs Pillow: pip install "topreward-client[images]"') from error
    file = io.BytesIO()
    options = {"compress_level": 1} if encoding == "png" else {"quality": JPEG_QUALITY, "subsampling": 0}
    Image.fromarray(frame).save(file, format=encoding, **options)
    return file.getvalue()


def _npy_path(path: Path) -> Path:
    if path.suffix == ".npy":
        return path
    raise ValueError(f"{path} is one file, but frames are a list. For a video, use video={str(path)!r}.")


def _is_pil(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "PIL" and hasattr(value, "getbands")


def _from_pil(image: Any) -> npt.NDArray[np.uint8]:
    """The pixels of a PIL image, as the service makes them from its file: grey is spread to RGB, alpha is dropped."""
    if image.mode in EXACT_MODES:
        return np.asarray(image.convert("RGB"))
    raise ValueError(f'A PIL image of mode "{image.mode}" has no single right way to become RGB. Convert it first.')
