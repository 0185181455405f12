"""Prints what the check of frames does with invalid and valid frames, one JSON line for each frame.

If a message has code that converts the frame, the code is evaluated: ``fixed`` is the largest difference, in levels, between
its result and the correct frame.
"""

import json
import sys

import numpy
from topreward.gym import checked

HEIGHT, WIDTH = 24, 32
PICTURE = numpy.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=numpy.uint8)
BINARY = (PICTURE > 127).astype(numpy.uint8) * 255
GREY = PICTURE[..., :1]
ALPHA = numpy.full((HEIGHT, WIDTH, 1), 255, numpy.uint8)
THREE_GREY = numpy.repeat(GREY, 3, axis=-1)
STACK = numpy.concatenate([PICTURE // 2, PICTURE // 3, PICTURE], axis=-1)


def chw(picture: numpy.ndarray) -> numpy.ndarray:
    return numpy.transpose(picture, (2, 0, 1))



ODD = {
    "none": (None, None),
    "text": ("#.#", None),
    "float 0…1": (PICTURE / 255, PICTURE),
    "float32 0…1": ((PICTURE / 255).astype(numpy.float32), PICTURE),
    "float16 0…255": (PICTURE.astype(numpy.float16), PICTURE),
    "float 0…255": (PICTURE * 0.9, None),
    "float 0…255, resized": (PICTURE * 1.004 - 0.5, PICTURE),
    "float 0…1, resized": (PICTURE / 255 * 1.004 - 0.002, PICTURE),
    "float, nearly black": (PICTURE / 170, None),
    "float -1…1": (PICTURE / 127.5 - 1, PICTURE),
    "float, NaN": (numpy.where(PICTURE > 200, numpy.nan, PICTURE / 255), None),
    "float, normalised": ((PICTURE / 255 - 0.45) / 0.22, None),
    "black float": (numpy.zeros((HEIGHT, WIDTH, 3)), numpy.zeros_like(PICTURE)),
    "int64": (PICTURE.astype(numpy.int64), PICTURE),
    "int32, negative": (PICTURE.astype(numpy.int32) - 128, None),
    "int, 0 or 1": ((BINARY // 255).astype(int), BINARY),
    "uint16": (PICTURE.astype(numpy.uint16) * 257, PICTURE),
    "bool": (BINARY > 0, BINARY),
    "object": (PICTURE.astype(object), None),
    "chw": (chw(PICTURE), PICTURE),
    "chw float": (chw(PICTURE / 255), PICTURE),
    "grey": (GREY[..., 0], THREE_GREY),
    "grey, one channel": (GREY, THREE_GREY),
    "grey chw": (chw(GREY), THREE_GREY),
    "rgba": (numpy.concatenate([PICTURE, ALPHA], axis=-1), PICTURE),
    "rgba chw": (chw(numpy.concatenate([PICTURE, ALPHA], axis=-1)), PICTURE),
    "two channels": (PICTURE[..., :2], None),
    "stack": (STACK, PICTURE),
    "stack chw": (chw(STACK), PICTURE),
    "list of frames": ([PICTURE // 2, PICTURE], PICTURE),
    "empty list": ([], None),
    "no pixels": (PICTURE[:0], None),
    "number": (0.5, None),
}

for name, (frame, right) in ODD.items():
    try:
        checked(frame)
    except ValueError as error:
        line = {"name": name, "message": str(error)}
        _, _, fix = str(error).partition(" Convert it with ")
        if fix:
            fixed = checked(eval(fix))
            if right is not None:
                line["fixed"] = int(numpy.abs(fixed.astype(int) - right.astype(int)).max())
        print(json.dumps(line))
    else:
        sys.exit(f"{name} was accepted")

turned = numpy.asfortranarray(PICTURE)
good = {"plain": PICTURE, "turned": PICTURE[::-1], "other order": turned, "black": PICTURE * 0}
for name, frame in good.items():
    taken = checked(frame)
    same = bool((taken == frame).all()) and taken.flags.c_contiguous and not numpy.shares_memory(taken, frame)
    print(json.dumps({"name": name, "same": same}))
