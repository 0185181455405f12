"""``topreward annotate``: labels a LeRobot dataset with progress."""

import argparse
import asyncio
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .. import aio
from ..errors import Refused, Unanswered, UnusableAnswer
from .context import Context
from .cost import cost_of
from .dataset import Camera, Dataset, choose_camera, read_dataset
from .episodes import Episode, read_episodes, read_tasks
from .failures import EXIT_DONE, IncompleteError, RunError, ServiceError, UsageError
from .folder import Plan, Planned, write_plan
from .identity import run_of, settings_of
from .locate import find_root
from .merge import Merged, merge
from .options import Options, choose_scale, parse_prefixes, parse_shard, read_calibration
from .pacing import AUTOMATIC, Pacer
from .report import Report
from .run import run_units
from .units import Unit, plan_units, select_episodes, shard_of

OUTPUT = "topreward_progress.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward annotate``."""
    source = parser.add_argument_group("dataset")
    source.add_argument("--root", type=Path, help="folder of the dataset")
    source.add_argument("--repo-id", help="USER/NAME: a dataset that LeRobot or the hub has stored on this machine")
    source.add_argument("--revision", help="branch, tag or commit of --repo-id in the hub cache")
    source.add_argument("--camera", help="feature with the frames; required if the dataset has several cameras")
    source.add_argument("--episodes", help="for example 0:100 (100 excluded), 7, or 0:10,20: (default: all)")
    source.add_argument("--instruction", help="one instruction for all episodes, instead of the dataset's tasks")
    source.add_argument(
        "--several-tasks",
        choices=["refuse", "first"],
        default="refuse",
        help="an episode with several tasks fails, or has the task of its first frame (default: %(default)s)",
    )
    asked = parser.add_argument_group("numbers")
    asked.add_argument(
        "--prefixes", type=parse_prefixes, default={"count": 15}, help="count=N or every=N frames (default: count=15)"
    )
    asked.add_argument(
        "--scale", choices=["episode", "bounds"], help="progress between each episode's own values, or on bounds"
    )
    asked.add_argument("--calibration", type=Path, help="response of POST /v1/calibrations, for threshold and bounds")
    service = parser.add_argument_group("service")
    service.add_argument("--url", default="http://127.0.0.1:8080", help="address of the service (default: %(default)s)")
    service.add_argument("--api-key", default=os.environ.get("TOPREWARD_API_KEY"), help="or set TOPREWARD_API_KEY")
    service.add_argument("--in-flight", default="auto", help="most requests at once (default: auto, up to 8)")
    service.add_argument(
        "--patience", type=float, default=600.0, help="seconds without a result after which a run ends (default: 600)"
    )
    run = parser.add_argument_group("run")
    run.add_argument("--out", type=Path, help=f"file for LeRobot (default: {OUTPUT} in the folder of the dataset)")
    run.add_argument("--shard", type=parse_shard, default=(0, 1), help="i/n: only every n-th unit, from i = 0 on")
    run.add_argument("--fresh", action="store_true", help="drop what an earlier run left, and start over")
    run.add_argument("--retry-failed", action="store_true", help="ask again for episodes that failed")
    run.add_argument("--allow-missing", action="store_true", help="write the file although episodes failed")
    run.add_argument("--dry-run", action="store_true", help="print what the run costs, and send nothing")


def run(args: argparse.Namespace) -> int:
    """Label a dataset.

    :returns: the exit code: 0 all, 1 the service does not respond, 2 wrong usage, 3 some episodes failed
    """
    try:
        return _run(args)
    except RunError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    dataset = read_dataset(find_root(args.root, args.repo_id, args.revision))
    camera = choose_camera(dataset, args.camera)
    calibration = read_calibration(args.calibration)
    scale = choose_scale(args.scale, calibration)
    options = Options(args.prefixes, scale, calibration, args.instruction, args.several_tasks)
    in_flight = _in_flight(args.in_flight)
    episodes = read_episodes(dataset, camera)
    units = plan_units(select_episodes(episodes, args.episodes))
    if args.dry_run:
        print(json.dumps(cost_of(dataset, camera, units, options.prefixes), indent=2))
        return EXIT_DONE
    output = (args.out or dataset.root / OUTPUT).absolute()
    folder = folder_of(output)
    asyncio.run(_annotate(args, dataset, camera, options, units, episodes, output, folder, in_flight))
    if args.shard != (0, 1):
        print(f"This shard is done. When all are: topreward merge {shlex.quote(str(folder))}", file=sys.stderr)
        return EXIT_DONE
    finish(merge(folder, args.allow_missing))
    return EXIT_DONE


def folder_of(output: Path) -> Path:
    """Return the folder of the run that makes a file: beside it."""
    return output.with_name(f"{output.stem}.parts")


def _in_flight(text: str) -> int:
    if text == "auto":
        return AUTOMATIC
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"--in-flight {text}: use a number from 1 on, or auto.")
    return int(text)


async def _annotate(
    args: argparse.Namespace,
    dataset: Dataset,
    camera: Camera,
    options: Options,
    units: Sequence[Unit],
    episodes: Sequence[Episode],
    output: Path,
    folder: Path,
    in_flight: int,
) -> None:
    async with aio.AsyncClient(args.url, api_key=args.api_key, patience_s=0) as client:
        model = await _model(client, args.patience)
        if camera.kind == "video" and not model["video"]:
            raise ServiceError(f"{args.url} cannot read videos: it needs ffmpeg.")
        settings = settings_of(dataset, camera, options, model)
        planned = tuple(
            Planned(unit.name, run_of(settings, unit, dataset), len(unit.episodes), unit.frames) for unit in units
        )
        write_plan(folder, Plan(settings, planned, str(output)), args.fresh)
        mine = shard_of(units, *args.shard)
        frames = sum(unit.frames for unit in mine)
        report = Report(sum(len(unit.episodes) for unit in mine), frames / dataset.fps)
        context = Context(
            dataset=dataset,
            camera=camera,
            options=options,
            tasks=read_tasks(dataset) if options.several_tasks == "first" else {},
            frames_of_file=_frames_of_files(episodes),
            folder=folder,
            settings=settings,
            model=model,
            client=client,
            pacer=Pacer(in_flight),
            report=report,
            patience_s=args.patience,
            retry_failed=args.retry_failed,
        )
        try:
            await run_units(context, mine, in_flight)
        finally:
            report.close()


async def _model(client: aio.AsyncClient, patience_s: float) -> aio.Model:
    """Ask which model is served. A service that is starting is given the same patience as later."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return await client.model()
        except (Refused, UnusableAnswer) as error:
            raise ServiceError(str(error)) from error
        except Unanswered as error:
            if time.monotonic() > end:
                raise ServiceError(str(error)) from error
            await asyncio.sleep(min(5.0, max(1.0, error.retry_after_s)))


def _frames_of_files(episodes: Sequence[Episode]) -> dict[str, int]:
    """How many frames the episodes of each video file have together."""
    frames: dict[str, int] = {}
    for episode in episodes:
        if episode.clip:
            frames[episode.clip.file] = frames.get(episode.clip.file, 0) + episode.length
    return frames


def finish(merged: Merged) -> None:
    """Say how to train with the file, and print its path on stdout."""
    lines = [f"{merged.episodes} episodes. One row for each of them: {merged.episodes_file}"]
    if merged.flat:
        lines.append(f"{merged.flat} episodes have a flat curve: their progress is mostly noise.")
    flags = [
        "--sample_weighting.type=rabc",
        f"--sample_weighting.progress_path={shlex.quote(str(merged.output))}",
        "--sample_weighting.head_mode=sparse",
    ]
    if merged.failed:
        flags.append("""--sample_weighting.extra_params='{"fallback_weight": 0}'""")
        lines.append(
            f"{merged.failed} episodes have no numbers: their frames are NaN. LeRobot gives such a frame the weight 1.0, the "
            "largest one, unless fallback_weight is 0."
        )
    lines.append("To train with it: lerobot-train … " + " ".join(flags))
    print("\n".join(lines), file=sys.stderr)
    print(merged.output)
