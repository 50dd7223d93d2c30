"""The command line: ``python -m chapters_lib list | train | tune | evaluate | verify | gallery | submit``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from chapters_lib import assignments, submission
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.inception import PRECISIONS, Inception
from chapters_lib.experiments import EXPERIMENTS, find
from chapters_lib.experiments.vae import search
from chapters_lib.recipes import tuning
from chapters_lib.recording import runs, scoreboard
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.further import record_further
from chapters_lib.recording.record import elapsed, record
from chapters_lib.recording.verifying import verify
from chapters_lib.reproducibility import pick_device


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _seeds(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds, as 3,4")
    return tuple(map(int, parts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chapters_lib",
        description="Train, list and verify the experiments of Learning to Generate.",
        epilog="Data are looked for in $CHAPTERS_DATA, else data/; records are in $CHAPTERS_RUNS, else runs/. "
        "The book itself: make book, make pdf, make serve. The tests: make test.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="a table of the experiments and what is recorded")
    train = commands.add_parser(
        "train", help="train experiments and write their runs; goes on where it was stopped"
    )
    train.add_argument("names", nargs="+", metavar="NAME")
    train.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:N or auto")
    train.add_argument(
        "--threads", type=_positive, default=None, help="threads of torch (default: all cores)"
    )
    train.add_argument(
        "--fresh", action="store_true", help="ignore checkpoints of an earlier, stopped training"
    )
    train.add_argument(
        "--seeds",
        type=_seeds,
        metavar="S,S",
        help="further seeds of recorded experiments: trained and added to their records",
    )
    search = commands.add_parser(
        "tune", help="search what vae-fashion-mnist leaves free, and record the study; resumable"
    )
    search.add_argument(
        "--trials",
        type=_positive,
        default=tuning.TRIALS,
        help="different choices to try (%(default)s)",
    )
    search.add_argument(
        "--storage", help="URL of a database that several processes share, as sqlite:///FILE"
    )
    search.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:N or auto")
    search.add_argument("--threads", type=_positive, help="threads of torch (default: all cores)")
    measure = commands.add_parser(
        "evaluate",
        help="add to recorded runs the distance of their samples in Inception features, precision and recall",
    )
    measure.add_argument("names", nargs="+", metavar="NAME")
    measure.add_argument(
        "--judge-only",
        action="store_true",
        help="precision and recall alone: seconds instead of a quarter of an hour",
    )
    measure.add_argument("--threads", type=_positive, help="threads of torch (default: all cores)")
    check = commands.add_parser(
        "verify", help="recompute recorded metrics from the weights and the data"
    )
    check.add_argument(
        "names", nargs="*", metavar="NAME", help="all recorded runs if none is named"
    )
    check.add_argument(
        "--inception", action="store_true", help="also distances in Inception features: slow"
    )
    for command in (measure, check):
        command.add_argument(
            "--weights",
            type=Path,
            metavar="FILE",
            help="safetensors file of Inception v3 up to Mixed_6e, 768 features (default: "
            "$CHAPTERS_INCEPTION, else torchvision's IMAGENET1K_V1, 2048 features)",
        )
        command.add_argument(
            "--precision", choices=PRECISIONS, default="float32", help="of the network"
        )
    picture = commands.add_parser("gallery", help="draw what the recorded models make, as one PNG")
    picture.add_argument("path", metavar="FILE", type=Path)
    pack = commands.add_parser("submit", help="write what an assignment sheet asks for to dist/")
    pack.add_argument("sheet", nargs="?", metavar="SHEET", help="see --list")
    pack.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="ID",
        help="who hands it in; again for each of a team",
    )
    pack.add_argument("--blank", action="store_true", help="the teacher's version: no answers")
    pack.add_argument("--list", action="store_true", help="print the sheets, one a line")
    pack.add_argument(
        "--all",
        action="store_true",
        help="instead of a SHEET: all whose chapters the book has, each also blank",
    )
    pack.add_argument(
        "--book",
        type=Path,
        metavar="FOLDER",
        help="the executed pages (default: those of the last make book)",
    )
    pack.add_argument("--to", type=Path, metavar="FOLDER", help="where to write (default: dist/)")
    return parser


def _network(options: argparse.Namespace) -> Inception:
    return scoreboard.network(options.weights, options.precision)


def _list() -> int:
    recorded = set(runs.names())
    width = max(map(len, EXPERIMENTS))
    print(f"{'experiment':<{width}}  {'chapter':<16}  {'recorded':<10}  what")
    for name, experiment in EXPERIMENTS.items():
        state = runs.load(name).provenance["date"] if name in recorded else "-"
        print(f"{name:<{width}}  {experiment.chapter:<16}  {state:<10}  {experiment.summary}")
    return 0


def _train(
    experiments: Sequence[Experiment[Any, Any]],
    device_name: str,
    threads: int | None,
    fresh: bool,
    seeds: Sequence[int] | None = None,
) -> int:
    if threads:
        torch.set_num_threads(threads)
    device = pick_device(device_name)
    for experiment in experiments:
        start = time.monotonic()
        if seeds is None:
            run = record(experiment, device=device, fresh=fresh)
        else:
            run = record_further(experiment, seeds, device=device)
        print(f"{run.name}: recorded in {run.folder} after {elapsed(start)}")
        for key in run.metrics:
            metric = run.metric(key)
            spread = "" if metric.sem != metric.sem else f" ± {metric.sem:.2g}"
            print(f"  {key} = {metric.mean:.6g}{spread}")
    return 0


def _evaluate(
    experiments: Sequence[Experiment[Any, Any]], net: Inception | None, threads: int | None
) -> int:
    if threads:
        torch.set_num_threads(threads)
    for experiment in experiments:
        start = time.monotonic()
        run = scoreboard.evaluate(experiment, net)
        print(f"{run.name}: evaluated in {elapsed(start)}")
        for key in scoreboard.afterwards(run):
            metric = run.metric(key)
            spread = "" if metric.sem != metric.sem else f" ± {metric.sem:.2g}"
            print(f"  {key} = {metric.mean:.6g}{spread}")
    return 0


def _verify(names: Sequence[str], net: Inception | None) -> int:
    failed = False
    if not (names or runs.names()):
        raise ChaptersError(
            f"no recorded runs in {runs.root()}: `python -m chapters_lib train NAME` makes one"
        )
    for name in names or runs.names():
        checked, differences = verify(find(name))
        more, others, skipped = scoreboard.verify(find(name), net)
        checked, differences = checked + more, differences + others
        for d in differences:
            print(
                f"{name}: {d.key} is recorded as {d.recorded:.6g} but comes out as {d.recomputed:.6g} "
                f"(tolerance {d.tolerance:.2g})"
            )
        if not checked:
            print(f"{name}: a study, recorded without weights; nothing to recompute")
        elif not differences:
            print(f"{name}: {len(checked)} metrics agree")
        if skipped:
            why = f"by {net.protocol}" if net else "without --inception"
            print(f"{name}: not recomputed {why}: {', '.join(skipped)}")
        failed = failed or bool(differences)
    return 1 if failed else 0


def _submit(options: argparse.Namespace) -> int:
    if options.list:
        for sheet in assignments.SHEETS:
            print(sheet.name)
        return 0
    if options.all:
        return _submit_all(options)
    if options.sheet is None:
        raise ChaptersError(
            "submit needs a SHEET; `python -m chapters_lib submit --list` prints them"
        )
    written = submission.submit(
        options.sheet, options.name, blank=options.blank, book=options.book, target=options.to
    )
    for path in written:
        print(path)
    return 0


def _submit_all(options: argparse.Namespace) -> int:
    """Write every pack that can be made, and say which cannot for want of a chapter."""
    if options.sheet is not None or options.blank or options.list:
        raise ChaptersError("submit --all takes no SHEET, --blank or --list")
    for sheet in assignments.SHEETS:
        if missing := submission.unpacked(sheet):
            print(f"{sheet.name}: not yet, the book has no chapter on {', '.join(missing)}")
            continue
        for blank in (False, True):
            written = submission.submit(
                sheet.name, options.name, blank=blank, book=options.book, target=options.to
            )
            print(*written, sep="\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 a problem (one line on stderr), 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "list":
            return _list()
        if options.command == "train":
            chosen = [find(name) for name in options.names]
            return _train(chosen, options.device, options.threads, options.fresh, options.seeds)
        if options.command == "tune":
            study = search(options.trials, options.storage)
            return _train([study], options.device, options.threads, False)
        if options.command == "gallery":
            from chapters_lib.pages import gallery  # which needs the packages that build the book

            gallery.write(options.path)
            return 0
        if options.command == "submit":
            return _submit(options)
        if options.command == "evaluate":
            chosen = [find(name) for name in options.names]
            for experiment in chosen:
                scoreboard.require_recorded(experiment)
            net = None if options.judge_only else _network(options)
            return _evaluate(chosen, net, options.threads)
        asked = options.inception or options.weights
        return _verify(options.names, _network(options) if asked else None)
    except ChaptersError as error:
        print(f"chapters_lib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "chapters_lib: interrupted; the same command goes on from the last checkpoint",
            file=sys.stderr,
        )
        return 130
