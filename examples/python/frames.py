"""Checks frames before they are sent. An array of another type would be scored as a different frame, often a black one."""

from typing import Any

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]  # height × width × 3, RGB


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
    array = np.asarray(value)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size > 0:
        if earlier is not None and array.shape != earlier.shape:
            raise ValueError(f"The frame has shape {array.shape}. Earlier frames of this episode have shape {earlier.shape}.")
        return np.array(array, order="C")
    fix = _fix("frame" if isinstance(value, np.ndarray) else "numpy.asarray(frame)", array)
    raise ValueError(
        "A frame must be a uint8 array of shape (height, width, 3). "
        f"This one is {array.dtype} of shape {array.shape}{_values(array)}. "
        f"{f'Convert it with {fix}' if fix else 'Convert it first.'}"
    )


def _values(array: npt.NDArray[Any]) -> str:
    if array.size == 0 or array.dtype.kind not in "fiu":
        return ""
    if not np.isfinite(array).all():
        return " with NaN or infinity"
    return f" with values {array.min():g} to {array.max():g}"


def _fix(name: str, array: npt.NDArray[Any]) -> str | None:
    """Code that converts the array to a frame; None if the right conversion is not known."""
    if array.size == 0 or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        return None
    converted = _as_uint8(name, array)
    return converted and _as_frame(converted, array.shape)


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
