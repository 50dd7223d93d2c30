"""Studies: cases that differ in their numbers, each trained from the same seed by the same recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from torch import nn

from chapters_lib.recording.experiment import C, Experiment, M, Metrics, Panels, Session, no_panels
from chapters_lib.reproducibility import random_state, restore_random_state, seed_everything
from chapters_lib.training import History

S = TypeVar("S")  # the configuration of a whole study


@dataclass(frozen=True)
class Case(Generic[C]):
    """One training of a study.

    `name`: of its checkpoint; also in the keys of its metrics.
    `config`: the numbers of its training.
    `mark`: the columns by which the history tells its rows from the others'.
    """

    name: str
    config: C
    mark: Mapping[str, float]


def numbered(configs: Mapping[str, C], column: str = "case") -> tuple[Case[C], ...]:
    """Return cases whose rows carry their number."""
    return tuple(
        Case(name, config, {column: number})
        for number, (name, config) in enumerate(configs.items())
    )


def key(name: str) -> str:
    """Return a case's name as a module's, which may hold no dot."""
    return name.replace(".", "_")


def build_cases(cases: Sequence[Case[C]], build: Callable[[C], nn.Module]) -> nn.ModuleDict:
    """Make one untrained model a case, each from the same random state: the order of the cases is of no account."""
    state, models = random_state(), nn.ModuleDict()
    for case in cases:
        restore_random_state(state)
        models[key(case.name)] = build(case.config)
    return models


def train_cases(
    cases: Sequence[Case[C]],
    models: nn.ModuleDict,
    session: Session,
    train: Callable[[C, M, Session], History],
) -> History:
    """Train one case after the other, each from the session's seed and with a checkpoint of its own."""
    history = History()
    for case in cases:
        seed_everything(session.seed)
        part = replace(
            session,
            checkpoint=session.checkpoint and session.checkpoint.part(case.name),
            progress=session.progress and f"{session.progress} {case.name}",
        )
        for row in train(case.config, cast(M, models[key(case.name)]), part):
            history.append({**case.mark, **row})
    return history


def trained(cases: Sequence[Case[C]], models: nn.ModuleDict) -> Iterator[tuple[str, C, Any]]:
    """Yield each case's name, its configuration and its model, on the CPU and in evaluation mode."""
    for case in cases:
        yield case.name, case.config, models[key(case.name)].cpu().eval()


def study(
    name: str,
    chapter: str,
    summary: str,
    config: S,
    cases: Callable[[S], Sequence[Case[C]]],
    *,
    build: Callable[[C], M],
    train: Callable[[C, M, Session], History],
    evaluate: Callable[[Sequence[Case[C]], nn.ModuleDict], Metrics],
    panels: Callable[[Sequence[Case[C]], nn.ModuleDict], Panels] = no_panels,
    seeds: tuple[int, ...] = (0,),
    needs: tuple[str, ...] = (),
) -> Experiment[S, nn.ModuleDict]:
    """Make a study an experiment: of the cases that its configuration stands for; it keeps no weights."""
    return Experiment(
        name,
        chapter,
        summary,
        config,
        lambda config: build_cases(cases(config), build),
        lambda config, models, session: train_cases(cases(config), models, session, train),
        lambda config, models: evaluate(cases(config), models),
        lambda config, models: panels(cases(config), models),
        seeds=seeds,
        needs=needs,
        weights_stored=False,
    )
