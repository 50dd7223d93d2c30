"""The command line, ``python -m chapters_lib``: list, train, plan, tune, evaluate, verify, gallery, submit, ship."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from chapters_lib import assignments
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.inception import PRECISIONS, Inception
from chapters_lib.experiments import EXPERIMENTS, find
from chapters_lib.experiments.vae import search
from chapters_lib.recipes import tuning
from chapters_lib.recording import cluster, jobs, planning, runs, scoreboard
from chapters_lib.recording.data_used import needless
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.further import evaluate_further, record_further
from chapters_lib.recording.record import elapsed, record
from chapters_lib.recording.smoke import smoke
from chapters_lib.recording.verifying import verify
from chapters_lib.reproducibility import pick_device

Options = argparse.Namespace
PROGRAM = [sys.executable, "-m", "chapters_lib"]  # this command line, in a process of its own


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
    listing = commands.add_parser("list", help="a table of the experiments and what is recorded")
    listing.set_defaults(run=_list)
    _add_train(commands)
    _add_plan(commands)
    _add_tune(commands)
    _add_measures(commands)
    picture = commands.add_parser("gallery", help="draw what the recorded models make, as one PNG")
    picture.add_argument("path", metavar="FILE", type=Path)
    picture.set_defaults(run=_gallery)
    _add_submit(commands)
    shipping = commands.add_parser(
        "ship", help="declare that the text is written for the present records (for its authors)"
    )
    shipping.set_defaults(run=lambda _: print(runs.ship()) or 0)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _add_processor(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:N or auto")
    command.add_argument("--threads", type=_positive, help="threads of torch (default: all cores)")


def _add_choice(command: argparse.ArgumentParser) -> None:
    command.add_argument("--all", action="store_true", help="every experiment")
    command.add_argument(
        "--stale",
        action="store_true",
        help="of all, or of those named: what is not recorded, or under another configuration, on other data or "
        "with runs that were recorded anew since",
    )
    command.add_argument(
        "--with-needs", action="store_true", help="also the runs that those named use, where stale"
    )


def _add_plan(commands: Any) -> None:
    plan = commands.add_parser(
        "plan", help="what would be trained, in which order and why, and how long it takes"
    )
    plan.add_argument("names", nargs="*", metavar="NAME", help="all experiments if none is named")
    _add_choice(plan)
    plan.add_argument(
        "--machines", type=_positive, default=1, help="how many would share the work (1)"
    )
    plan.set_defaults(run=_plan)


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train", help="train experiments and write their runs; goes on where it was stopped"
    )
    train.add_argument("names", nargs="*", metavar="NAME")
    _add_choice(train)
    train.add_argument(
        "--jobs", type=_positive, default=1, help="trainings at a time, each its own process (1)"
    )
    _add_processor(train)
    train.add_argument(
        "--fresh", action="store_true", help="ignore checkpoints of an earlier, stopped training"
    )
    train.add_argument(
        "--engine",
        choices=("processes", "ray"),
        default="processes",
        help="ray: on all machines of a Ray cluster, a task a seed (the extra `cluster`)",
    )
    train.add_argument(
        "--address", help="of the Ray cluster; without it, one of this machine's processors"
    )
    train.add_argument(
        "--seeds",
        type=_seeds,
        metavar="S,S",
        help="further seeds of recorded experiments: trained and added to their records",
    )
    train.add_argument(
        "--smoke",
        action="store_true",
        help="try out the code alone: one epoch on few images, of those that it needs too; nothing is recorded",
    )
    train.set_defaults(run=_train)


def _add_tune(commands: Any) -> None:
    tune = commands.add_parser(
        "tune", help="search what vae-fashion-mnist leaves free, and record the study; resumable"
    )
    tune.add_argument(
        "--trials",
        type=_positive,
        default=tuning.TRIALS,
        help="different choices to try (%(default)s)",
    )
    tune.add_argument(
        "--storage", help="URL of a database that several processes share, as sqlite:///FILE"
    )
    _add_processor(tune)
    tune.set_defaults(run=_tune)


def _add_measures(commands: Any) -> None:
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
    measure.add_argument(
        "--further",
        action="store_true",
        help="of the other seeds, after the first: from their checkpoints, or trained again",
    )
    measure.set_defaults(run=_evaluate)
    check = commands.add_parser(
        "verify", help="recompute recorded metrics from the weights and the data"
    )
    check.add_argument(
        "names", nargs="*", metavar="NAME", help="all recorded runs if none is named"
    )
    check.add_argument(
        "--inception", action="store_true", help="also distances in Inception features: slow"
    )
    check.add_argument(
        "--jobs", type=_positive, default=1, help="runs at a time, each its own process (1)"
    )
    check.set_defaults(run=_verify)
    for command in (measure, check):
        _add_processor(command)
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


def _add_submit(commands: Any) -> None:
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
        "--check",
        action="store_true",
        help="say of the report: pages, references that lead nowhere, figures without a word, unknown words",
    )
    pack.add_argument("--to", type=Path, metavar="FOLDER", help="where to write (default: dist/)")
    pack.set_defaults(run=_submit)


def _say(error: object) -> None:
    print(f"chapters_lib: {error}", file=sys.stderr)


def _tell(text: str) -> None:
    print(text, flush=True)


def _each(names: Sequence[str], work: Callable[[str], bool]) -> int:
    """Do the work of one name after the other; say what fails, go on, and return 1 if anything did."""
    failed = []
    for name in names:
        try:
            done = work(name)
        except ChaptersError as error:
            _say(error)
            done = False
        if not done:
            failed.append(name)
    if failed and len(names) > 1:
        _say(f"{len(failed)} of {len(names)} failed: {', '.join(failed)}")
    return 1 if failed else 0


def _list(_: Options) -> int:
    recorded = set(runs.names())
    width = max(map(len, EXPERIMENTS))
    print(f"{'experiment':<{width}}  {'chapter':<16}  {'recorded':<10}  what")
    status = 0
    for name, experiment in EXPERIMENTS.items():
        state = "-"
        if name in recorded:
            try:
                state = runs.load(name).provenance["date"]
            except ChaptersError as error:
                _say(error)
                state, status = "damaged", 1
        print(f"{name:<{width}}  {experiment.chapter:<16}  {state:<10}  {experiment.summary}")
    return status


def _print_metrics(run: runs.Run, keys: Sequence[str]) -> None:
    for key in keys:
        metric = run.metric(key)
        spread = "" if metric.sem != metric.sem else f" ± {metric.sem:.2g}"
        print(f"  {key} = {metric.mean:.6g}{spread}")


def _record(
    experiment: Experiment[Any, Any],
    device: torch.device,
    fresh: bool,
    seeds: Sequence[int] | None = None,
) -> bool:
    start = time.monotonic()
    if seeds is None:
        run = record(experiment, device=device, fresh=fresh)
    else:
        run = record_further(experiment, seeds, device=device)
    print(f"{run.name}: recorded in {run.folder} after {elapsed(start)}")
    _print_metrics(run, list(run.metrics))
    return True


def _use_threads(options: Options) -> None:
    if options.threads:
        torch.set_num_threads(options.threads)


def _chosen(options: Options) -> list[planning.Task]:
    """Return what is to be done: the names given, or all, or of these what is stale."""
    for name in options.names:
        find(name)  # a slip of the pen ends it now
    named = options.names
    if not named and (options.all or options.stale):
        named = [name for name, known in EXPERIMENTS.items() if not needless(known)]
    if options.names and options.all:
        raise ChaptersError("--all takes no names")
    found = planning.tasks(named, EXPERIMENTS, options.with_needs)
    if options.stale:
        return [task for task in found if task.why]
    return [task for task in found if task.why or task.name in named]


def _hours(seconds: float) -> str:
    return "?" if seconds != seconds else f"{seconds / 3600:.1f}"


def _plan(options: Options) -> int:
    options.all = options.all or not (options.names or options.stale)
    todo = _chosen(options)
    width = max((len(task.name) for task in todo), default=10)
    for task in todo:
        print(
            f"{task.name:<{width}}  {_hours(task.seconds):>5} h  {task.why or 'recorded as it is'}"
        )
    known = [task.seconds for task in todo if task.seconds == task.seconds]
    print(
        f"{len(todo)} experiments, {_hours(sum(known))} hours of the processors that recorded them"
        + (f", and {len(todo) - len(known)} of unknown length" if len(known) < len(todo) else "")
    )
    if options.machines > 1:
        took = planning.makespan(todo, options.machines)
        print(f"on {options.machines} such machines: {_hours(took)} hours until the last is done")
    return 0


def _train(options: Options) -> int:
    if not (options.names or options.all or options.stale):
        raise ChaptersError("train needs a NAME, --all or --stale; `plan` shows what that would be")
    names = [task.name for task in _chosen(options)]
    if not names:
        print("every record is what a training would leave: nothing to train")
        return 0
    if options.smoke:
        return _smoke(options, names)
    if options.engine == "ray":
        return _train_on_cluster(options, names)
    if options.jobs > 1:
        return _train_apart(options, names)
    _use_threads(options)
    device = pick_device(options.device)
    return _each(
        names, lambda name: _record(EXPERIMENTS[name], device, options.fresh, options.seeds)
    )


def _smoke(options: Options, names: Sequence[str]) -> int:
    if options.engine == "ray" or options.jobs > 1 or options.seeds or options.fresh:
        raise ChaptersError("--smoke takes no --engine ray, --jobs, --seeds or --fresh")
    _use_threads(options)
    done = smoke(names, EXPERIMENTS, pick_device(options.device), _tell)
    return _each(names, lambda name: done[name])


def _shared_out(options: Options) -> list[str]:
    """Return the flags that give each of several processes the device and its share of the cores."""
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
    return ["--threads", str(threads), "--device", options.device]


def _train_apart(options: Options, names: Sequence[str]) -> int:
    """Train in processes of their own, the cores shared out among them."""
    further = _shared_out(options)
    further += ["--fresh"] if options.fresh else []
    further += ["--seeds", ",".join(map(str, options.seeds))] if options.seeds else []
    done = jobs.run(
        names,
        {name: EXPERIMENTS[name].needs for name in names},
        lambda name: jobs.Process(name, [*PROGRAM, "train", name, *further]),
        options.jobs,
        _tell,
    )
    return _each(names, lambda name: done[name])


def _train_on_cluster(options: Options, names: Sequence[str]) -> int:
    if options.jobs > 1 or options.seeds:
        raise ChaptersError("--engine ray takes no --jobs, since processors decide, and no --seeds")
    threads = options.threads or 1
    torch.set_num_threads(threads)
    with cluster.connected(options.address) as ray:
        done = jobs.run(
            names,
            {name: EXPERIMENTS[name].needs for name in names},
            lambda name: cluster.Seeds(
                ray, EXPERIMENTS[name], options.device, threads, options.fresh
            ),
            len(names),
            _tell,
        )
    return _each(names, lambda name: done[name])


def _tune(options: Options) -> int:
    _use_threads(options)
    study = search(options.trials, options.storage)
    return 0 if _record(study, pick_device(options.device), False) else 1


def _network(options: Options) -> Inception:
    net = scoreboard.network(options.weights, options.precision)
    return net.to(pick_device(options.device))


def _evaluate(options: Options) -> int:
    chosen = {name: find(name) for name in options.names}
    for experiment in chosen.values():
        scoreboard.require_recorded(experiment)
    _use_threads(options)
    net = None if options.judge_only else _network(options)

    def evaluate(name: str) -> bool:
        start = time.monotonic()
        if options.further:
            run = evaluate_further(chosen[name], net, device=pick_device(options.device))
        else:
            run = scoreboard.evaluate(chosen[name], net)
        print(f"{run.name}: evaluated in {elapsed(start)}")
        _print_metrics(run, scoreboard.afterwards(run))
        return True

    return _each(options.names, evaluate)


def _verify(options: Options) -> int:
    names = options.names or runs.names()
    if not names:
        raise ChaptersError(
            f"no recorded runs in {runs.root()}: `python -m chapters_lib train NAME` makes one"
        )
    if options.jobs > 1 and len(names) > 1:
        return _verify_apart(options, names)
    _use_threads(options)
    device = pick_device(options.device)
    net = _network(options) if options.inception or options.weights else None
    return _each(names, lambda name: _verify_one(name, net, device))


def _verify_apart(options: Options, names: Sequence[str]) -> int:
    """Verify in processes of their own; what each says is printed when it ends."""
    for name in names:
        find(name)
    further = [*_shared_out(options), "--precision", options.precision]
    further += ["--inception"] if options.inception else []
    further += ["--weights", str(options.weights)] if options.weights else []
    done = jobs.run(
        names,
        {},
        lambda name: jobs.Process(name, [*PROGRAM, "verify", name, *further], quoted=True),
        options.jobs,
        _tell,
        quiet=True,
    )
    return _each(names, lambda name: done[name])


def _verify_one(name: str, net: Inception | None, device: torch.device) -> bool:
    checked, differences = verify(find(name), device)
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
    return not differences


def _gallery(options: Options) -> int:
    from chapters_lib import gallery  # which needs the packages that build the book

    gallery.write(options.path)
    return 0


def _submit(options: Options) -> int:
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
    from chapters_lib import submission  # so do packs

    written = submission.submit(options.sheet, options.name, blank=options.blank, target=options.to)
    print(*written, sep="\n")
    if options.check:
        print(*submission.check(written), sep="\n")
    return 0


def _submit_all(options: Options) -> int:
    """Write every pack that can be made, and say which cannot for want of a chapter."""
    if options.sheet is not None or options.blank or options.list or options.check:
        raise ChaptersError("submit --all takes no SHEET, --blank, --check or --list")
    from chapters_lib import submission

    for sheet in assignments.SHEETS:
        if missing := submission.unpacked(sheet):
            print(f"{sheet.name}: not yet, the book has no chapter on {', '.join(missing)}")
            continue
        for blank in (False, True):
            written = submission.submit(sheet.name, options.name, blank=blank, target=options.to)
            print(*written, sep="\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 a problem (one line on stderr), 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except ChaptersError as error:
        _say(error)
        return 1
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from the last checkpoint")
        return 130
