"""What a pack carries beside its code, in ``record/``: weights, curves and numbers; read there, or made anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History, Session

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)
RECORD = Path("record")  # beside the script
TRAININGS = (
    "no training",
    "one training",
    "two trainings",
    "three trainings",
    "four trainings",
    "five trainings",
)


def stored(name: str, model: nn.Module) -> dict[str, Tensor]:
    """Return the recorded weights that a model has, float16 where they are numbers."""
    kept = load_file(RECORD / name / "model.safetensors")
    return {key: kept[f"model.{key}"] for key in model.state_dict()}


def trained(
    name: str,
    config: C,
    build: Callable[[C], M],
    train: Callable[[C, M, Session], History],
    *,
    anew: bool = False,
    compared: bool = True,
    seed: int = 0,
) -> tuple[M, History]:
    """Return a model in evaluation mode and its curves: of seed 0 as recorded, or trained anew.

    A model that is trained anew begins with the recorded weights that its configuration names, if
    any. It is rounded as recorded ones are and, of seed 0 and where `compared`, held against the record.
    """
    there = (RECORD / name).is_dir()
    seed_everything(seed)
    model = build(config)
    if there and not anew and seed == 0:
        model.load_state_dict(stored(name, model))
        return model.eval(), History.from_csv(RECORD / name / "history.csv").where("seed", 0)
    if begun := getattr(config, "begun", ""):
        first = {key: value for key, value in stored(begun, model).items() if key != "timeline"}
        model.load_state_dict(first, strict=False)
    history = train(config, model, Session(torch.device("cpu"), progress=name, seed=seed))
    rounded = {
        key: value.half() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    kept_too = there and compared and seed == 0
    if kept_too and load_file(RECORD / name / "model.safetensors"):  # some runs keep none
        kept = stored(name, model)
        same = all(torch.equal(value, kept[key]) for key, value in rounded.items())
        print(
            f"{name}: trained anew; its weights {'equal' if same else 'differ from'} the record's"
        )
    model.load_state_dict(rounded)
    return model.eval(), history


def measured(name: str) -> dict[str, Any]:
    """Return what was measured of a run; print when and where, and in how many seconds it was trained, if it was."""
    found = json.loads((RECORD / name / "run.json").read_text(encoding="utf-8"))
    by = found["provenance"]
    trainings = (
        f"{len(by['seeds'])} training{'s' * (len(by['seeds']) > 1)} in {by['wall_seconds']:.0f} s"
    )
    print(
        f"{name}: {trainings if by['wall_seconds'] else 'measured'}, "
        f"{by['date']}, {by['processor']}, {by['threads']} thread{'s' * (by['threads'] > 1)}"
    )
    metrics: dict[str, Any] = found["metrics"]
    return metrics


def recorded(name: str, key: str, spec: str) -> str:
    """Return a recorded number as text: a metric, or another by the word before the colon.

    ``first:``, ``last:`` and ``at-5:`` are epochs of seed 0's curve, ``config:`` a setting, ``by:``
    what the provenance says (``by:trainings``: how many, in words), ``gap:`` test minus training;
    ``KEY_sem`` is a standard error over seeds.
    """
    found = json.loads((RECORD / name / "run.json").read_text(encoding="utf-8"))
    kind, _, of = key.rpartition(":")

    def metric(key: str) -> Any:
        value = found["metrics"].get(key)
        return value["mean"] if isinstance(value, dict) else value

    if kind in ("first", "last") or kind.startswith("at-"):
        curve = History.from_csv(RECORD / name / "history.csv").where("seed", 0).column(of)
        ends = {"first": 0, "last": -1}
        value: Any = curve[ends[kind] if kind in ends else int(kind.removeprefix("at-")) - 1]
    elif key == "by:trainings":
        value = TRAININGS[len(found["provenance"]["seeds"])]
    elif kind in ("config", "by"):
        value = found["config" if kind == "config" else "provenance"][of]
    elif kind == "gap":
        value = metric(f"test_{of}") - metric(f"train_{of}")
    elif metric(key) is None and key.endswith("_sem"):
        value = found["metrics"][key.removesuffix("_sem")]["sem"]
    else:
        value = metric(key)
    return format(value, spec)


def written(value: Any, digits: int) -> str:
    """Return a number; of several seeds their mean ± its standard error."""
    if isinstance(value, dict):
        return f"{value['mean']:.{digits}f} ± {value['sem']:.{digits}f}"
    return f"{value:.{digits}f}"


class Table:
    """Rows below a header, shown as Markdown."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[str]]):
        lines = [header, ["---"] * len(header), *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        self.text = re.sub(r"(?<=[ (])-(?=\d)", "\N{MINUS SIGN}", text)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text
