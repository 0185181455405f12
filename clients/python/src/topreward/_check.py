"""Checks frames before they are sent. An array of another type would be scored as a different frame, often a black one."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]  # height × width × 3, RGB
Frames: TypeAlias = npt.NDArray[np.uint8]  # frames × height × width × 3, RGB
Layout: TypeAlias = Callable[[str, tuple[int, ...]], str | None]  # code that changes the axes, from a name and a shape


def checked(value: Any, earlier: Frame | None = None) -> Frame:
    """A copy of a frame: the environment may render the next frame into the same memory.

    :param earlier: another frame of the episode, to compare the size with
    :raises ValueError: if the frame is not a uint8 array of height × width × 3; the message gives code that converts it
    """
    if value is None:
        raise ValueError(
            'The frame is None. Make the environment with render_mode="rgb_array", or pass `frame` to the wrapper.'
        )
    if isinstance(value, str):
        raise ValueError('The frame is a string. Make the environment with render_mode="rgb_array".')
    array, name = array_of(value, "frame")
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size > 0:
        if earlier is not None and array.shape != earlier.shape:
            raise ValueError(f"The frame has shape {array.shape}. Earlier frames of this episode have shape {earlier.shape}.")
        return np.array(array, order="C")
    fix = _fix(name, array, _as_frame)
    raise ValueError(f"A frame must be a uint8 array of shape (height, width, 3). This one is {_told(array, fix)}")


def checked_all(value: Any) -> Frames:
    """Frames as one array, (frames, height, width, 3). It shares the memory of a NumPy array that is laid out like this.

    :raises ValueError: as ``checked`` does
    """
    array, name = array_of(value, "frames")
    if array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] == 3 and array.size > 0:
        return np.ascontiguousarray(array)
    fix = _fix(name, array, _as_frames)
    raise ValueError(f"Frames must be a uint8 array of shape (frames, height, width, 3). These are {_told(array, fix)}")


def array_of(value: Any, name: str) -> tuple[npt.NDArray[Any], str]:
    """A value as an array, and the code that makes it one. A torch tensor can be on any device."""
    if isinstance(value, np.ndarray):
        return value, name
    if not is_tensor(value):
        return np.asarray(value), f"numpy.asarray({name})"
    if value.dtype.is_floating_point:  # NumPy has no bfloat16
        return value.detach().float().cpu().numpy(), f"{name}.detach().float().cpu().numpy()"
    return value.detach().cpu().numpy(), f"{name}.detach().cpu().numpy()"


def is_tensor(value: Any) -> bool:
    """Whether this is a torch tensor. torch is not imported."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def _told(array: npt.NDArray[Any], fix: str | None) -> str:
    return f"{array.dtype} of shape {array.shape}{_values(array)}. {f'Convert it with {fix}' if fix else 'Convert it first.'}"


def _values(array: npt.NDArray[Any]) -> str:
    if array.size == 0 or array.dtype.kind not in "fiu":
        return ""
    if not np.isfinite(array).all():
        return " with NaN or infinity"
    return f" with values {array.min():g} to {array.max():g}"


def _fix(name: str, array: npt.NDArray[Any], layout: Layout) -> str | None:
    """Code that converts the array to a frame; None if the right conversion is not known."""
    if array.size == 0 or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        return None
    converted = _as_uint8(name, array)
    return converted and layout(converted, array.shape)


def _as_uint8(name: str, array: npt.NDArray[Any]) -> str | None:
    if array.dtype == np.uint8:
        return name
    if array.dtype.kind == "b":
        return f"({name} * 255).astype(numpy.uint8)"
    if array.dtype.kind == "f":
        return _rounded(name, array.min(), array.max())
    if array.dtype.kind not in "iu" or array.min() < 0:
        return None
    if array.max() <= 255:
        return f"({name} * 255).astype(numpy.uint8)" if array.max() == 1 else f"{name}.astype(numpy.uint8)"
    return f"({name} // 257).astype(numpy.uint8)" if array.dtype == np.uint16 else None


def _rounded(name: str, low: float, high: float) -> str | None:
    # Resizing filters can exceed the range slightly.
    if -0.01 <= low and high <= 1.01:
        inside = name if 0 <= low and high <= 1 else f"{name}.clip(0, 1)"
        return f"({inside} * 255).round().astype(numpy.uint8)"
    if -1 <= low and high <= 1:
        return f"(({name} + 1) * 127.5).round().astype(numpy.uint8)"
    if -0.01 * high <= low and 2 < high <= 257.55:
        inside = name if 0 <= low and high <= 255 else f"{name}.clip(0, 255)"
        return f"{inside}.round().astype(numpy.uint8)"
    return None


def _as_frame(name: str, shape: tuple[int, ...]) -> str | None:
    if len(shape) == 4:  # several frames, for example from render_mode="rgb_array_list": the newest one
        return _as_frame(f"{name}[-1]", shape[1:])
    if len(shape) == 2:
        return f"numpy.stack([{name}] * 3, axis=-1)"
    if len(shape) != 3:
        return None
    if shape[2] != 3 and shape[0] < shape[2]:
        return _as_frame(f"numpy.transpose({name}, (1, 2, 0))", (*shape[1:], shape[0]))
    channels = shape[2]
    if channels == 3:
        return name
    if channels == 1:
        return f"numpy.repeat({name}, 3, axis=-1)"
    if channels == 4:  # RGBA
        return f"{name}[..., :3]"
    return f"{name}[..., -3:]" if channels % 3 == 0 else None  # stacked frames: the newest


def _as_frames(name: str, shape: tuple[int, ...]) -> str | None:
    if len(shape) == 3:  # one frame, or grey frames
        return f"{name}[None]" if shape[2] == 3 else f"numpy.stack([{name}] * 3, axis=-1)"
    if len(shape) != 4:
        return None
    if shape[3] not in (1, 3, 4) and shape[1] in (1, 3, 4):
        return _as_frames(f"numpy.transpose({name}, (0, 2, 3, 1))", (shape[0], *shape[2:], shape[1]))
    fixes = {1: f"numpy.repeat({name}, 3, axis=-1)", 3: name, 4: f"{name}[..., :3]"}
    return fixes.get(shape[3])
