"""Cuts a range out of a video file without decoding it. The frames keep their times in the file."""

import asyncio
import shutil
from pathlib import Path

# The cut may have more frames than the range, but none less: a codec needs later packets for earlier frames.
MARGIN_S = 2.0


def has_ffmpeg() -> bool:
    """Whether this machine can cut videos."""
    return shutil.which("ffmpeg") is not None


async def cut_video(source: Path, target: Path, start_s: float, end_s: float) -> bool:
    """Copy the packets of a range, from the key frame before it.

    :returns: whether it worked; if not, ``target`` is useless
    """
    process = await asyncio.create_subprocess_exec(
        *["ffmpeg", "-nostdin", "-v", "error", "-y", "-copyts"],
        *["-ss", f"{max(0.0, start_s - MARGIN_S):.6f}", "-to", f"{end_s + MARGIN_S:.6f}", "-i", str(source)],
        *["-map", "0:v:0", "-c", "copy", "-copyts", "-avoid_negative_ts", "disabled", "-f", "mp4", str(target)],
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait() == 0
    except asyncio.CancelledError:
        process.kill()
        raise
