"""The commands: what they print, and how each problem ends in one line with the records whole."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chapters_lib import command_line
from chapters_lib.command_line import main
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import runs
from tests import tiny
from tests.conftest import Folders
from tests.data.test_loading import DAMAGES, damage, write_set
from tests.recording.test_runs import contents, small_files

Refused = Callable[..., str]
CHECKOUT = Path(__file__).parents[1]


@pytest.fixture
def recorded(quick: str, folders: Folders, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a whole record of the quick experiment."""
    assert main(["train", quick]) == 0
    capsys.readouterr()
    return folders.runs / quick


# what works


def test_train_list_verify(
    quick: str, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    before = capsys.readouterr().out.splitlines()
    assert len(before) == len(EXPERIMENTS) + 1
    assert next(line for line in before if line.startswith("tiny ")).split()[2] == "-"

    assert main(["train", quick, "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith(f"tiny: recorded in {folders.runs / 'tiny'}")
    assert f"  test_mse = {runs.load('tiny')['test_mse']:.6g}\n" in out

    assert main(["list"]) == 0
    after = capsys.readouterr().out.splitlines()
    row = next(line for line in after if line.startswith("tiny "))
    assert runs.load("tiny").provenance["date"] in row and "noise from everywhere" in row

    for arguments in (["verify"], ["verify", quick]):
        assert main(arguments) == 0
        assert capsys.readouterr().out == "tiny: 2 metrics agree\n"


def test_verify_in_processes_of_their_own(
    recorded: Path,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says what each would say alone, and fails with them."""
    program = [sys.executable, "-m", "tests.tiny"]
    monkeypatch.setattr(command_line, "PROGRAM", program)
    monkeypatch.setenv("PYTHONPATH", f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'src'}")
    assert main(["verify", "ae-digits", "tiny", "--jobs", "2"]) == 1
    out, err = capsys.readouterr()
    said = sorted(out.splitlines())
    assert said[0].startswith("chapters_lib: no run 'ae-digits'")
    assert said[1:] == ["tiny: 2 metrics agree"]
    assert err == "chapters_lib: 1 of 2 failed: ae-digits\n"


def test_verify_says_where_it_differs(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded / "run.json"
    value = runs.load("tiny")["test_mse"]
    path.write_text(
        path.read_text(encoding="utf-8").replace(repr(value), repr(value * 2)), encoding="utf-8"
    )
    assert main(["verify", "tiny"]) == 1
    out = capsys.readouterr().out
    assert f"tiny: test_mse is recorded as {value * 2:.6g} but comes out as {value:.6g}" in out


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "train" in text and ("--device" in text or "CHAPTERS_DATA" in text)


@pytest.mark.parametrize(
    "arguments",
    [[], ["trian"], ["train", "x", "--threads", "0"], ["train", "x", "--threads", "-2"],
     ["train", "x", "--threads", "two"]],
)  # fmt: skip
def test_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m chapters_lib")


# names


def test_unknown_names(refused: Refused, folders: Folders) -> None:
    assert "did you mean ae-mnist" in refused("train", "ae-mnits")
    assert "list` shows all" in refused("train", "zzz")
    assert "unknown experiment 'zzz'" in refused("verify", "zzz")
    assert "unknown device 'gpu'" in refused("train", "ae-digits", "--device", "gpu")
    assert "not supported" in refused("train", "ae-digits", "--device", "mps")
    assert not folders.runs.exists()


def test_every_name_is_looked_up_first(refused: Refused, quick: str, folders: Folders) -> None:
    assert "unknown experiment" in refused("train", quick, "ae-mnits")
    assert not folders.runs.exists()


def test_device_that_is_not_there(refused: Refused, quick: str) -> None:
    device = f"cuda:{torch.cuda.device_count()}"
    assert f"torch sees no device '{device}'" in refused("train", quick, "--device", device)


# data


def test_no_network_and_no_data(refused: Refused, folders: Folders) -> None:
    line = refused("train", "judge-mnist")
    for part in (
        "mnist is not in",
        str(folders.data),
        "missing: train-images-idx3-ubyte",
        "CHAPTERS_DATA",
    ):
        assert part in line
    assert runs.names() == []


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_data(refused: Refused, folders: Folders, how: str) -> None:
    damage(write_set(folders, "mnist"), how)
    assert how in refused("train", "judge-mnist")


def test_missing_judge(refused: Refused, folders: Folders) -> None:
    assert "`python -m chapters_lib train judge-mnist`" in refused("train", "ae-mnist")


# records


def test_nothing_to_verify(refused: Refused, folders: Folders) -> None:
    assert "no recorded runs" in refused("verify")
    assert "no run 'ae-digits'" in refused("verify", "ae-digits")


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:60])


def other_format(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"format": 1', '"format": 99'), encoding="utf-8"
    )


def other_weights(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({"model.0.weight": torch.zeros(2, 2)}, folder / "model.safetensors")


BROKEN = {
    "is incomplete (run.json": (remove("run.json"), "verify"),
    "is incomplete (model.safetensors": (remove("model.safetensors"), "verify"),
    "is incomplete (panels.npz": (remove("panels.npz"), "list"),
    "run.json is damaged": (cut("run.json"), "list"),
    "model.safetensors is damaged": (cut("model.safetensors"), "verify"),
    "format 99, this library reads 1": (other_format, "list"),
    "do not fit": (other_weights, "verify"),
}


@pytest.mark.parametrize("says", BROKEN)
def test_broken_records(refused: Refused, recorded: Path, says: str) -> None:
    break_it, command = BROKEN[says]
    break_it(recorded)
    assert says in refused(command, *(["tiny"] if command == "verify" else []))
    # what the line advises does mend it
    assert main(["train", "tiny"]) == 0 and main(["verify", "tiny"]) == 0


def test_unwritable_runs_folder(refused: Refused, quick: str, folders: Folders) -> None:
    folders.runs.write_text("in the way", encoding="utf-8")
    line = refused("train", quick)
    assert "cannot write to" in line and "CHAPTERS_RUNS" in line
    assert folders.runs.read_text(encoding="utf-8") == "in the way"


# trainings that stop


def test_loss_that_is_not_a_number(
    refused: Refused, recorded: Path, monkeypatch: pytest.MonkeyPatch, folders: Folders
) -> None:
    old = contents(recorded)
    monkeypatch.setattr(tiny, "NAN_AT", 100)  # 44 steps an epoch: step 12 of epoch 3
    line = refused("train", "tiny", "--fresh")
    assert "train_mse became nan at step 12 of epoch 3" in line and "checkpoint is kept" in line
    assert contents(recorded) == old
    saved = torch.load(folders.cache / "tiny" / "seed-0.pt", weights_only=True)
    assert len(saved["history"]) == 2
    assert all(value.isfinite().all() for value in saved["state"]["model"].values())
    # the checkpoint serves: without the mishap the training ends as it did the first time
    monkeypatch.setattr(tiny, "NAN_AT", None)
    assert main(["train", "tiny"]) == 0
    assert contents(recorded)["model.safetensors"] == old["model.safetensors"]


def test_damaged_checkpoint(refused: Refused, recorded: Path, folders: Folders) -> None:
    old = contents(recorded)
    path = folders.cache / "tiny" / "seed-0.pt"
    path.write_bytes(path.read_bytes()[:1000])
    assert f"the checkpoint {path} cannot be read" in refused("train", "tiny")
    assert contents(recorded) == old
    assert main(["train", "tiny", "--fresh"]) == 0
    assert contents(recorded)["model.safetensors"] == old["model.safetensors"]


@pytest.mark.parametrize(
    ("limit", "says"), [(100_000, "cannot write the checkpoint"), (1_000, "cannot write")]
)
def test_full_disk(
    refused: Refused, recorded: Path, folders: Folders, limit: int, says: str
) -> None:
    """A checkpoint of the tiny model has about 460 kB, its record 150."""
    old = contents(recorded)
    with small_files(limit):
        assert says in refused("train", "tiny", "--fresh")
    assert contents(recorded) == old
    assert sorted(p.name for p in folders.runs.iterdir()) == ["tiny"]
    assert main(["train", "tiny"]) == 0


def test_full_disk_at_the_end(
    refused: Refused, recorded: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training is done and its record does not fit: the next attempt need not train again."""
    old = contents(recorded)
    with small_files(100_000):
        assert "cannot write run 'tiny'" in refused("train", "tiny")
    assert contents(recorded) == old and main(["train", "tiny"]) == 0


def test_interrupted(
    quick: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny.time, "sleep", stop)
    assert main(["train", quick]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "chapters_lib: interrupted; the same command goes on from the last checkpoint"
    ]


def test_bugs_keep_their_traceback(quick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no user can mend is not dressed up as if he could."""
    monkeypatch.setattr(tiny.time, "sleep", lambda seconds: [][0])
    with pytest.raises(IndexError):
        main(["train", quick])


# as a process


def test_as_a_process(folders: Folders) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chapters_lib", "train", "judge-mnist"],
        cwd=CHECKOUT,
        env=folders.environment,
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "could not be downloaded" in done.stderr


# a batch goes on, and a console is only a console


def test_one_failure_does_not_end_a_batch(
    recorded: Path,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "bad", replace(tiny.EXPERIMENT, name="bad"))
    assert main(["verify", "bad", "tiny"]) == 1
    out, err = capsys.readouterr()
    assert out == "tiny: 2 metrics agree\n"
    first, last = err.splitlines()
    assert "no run 'bad'" in first and last == "chapters_lib: 1 of 2 failed: bad"


def test_a_damaged_record_does_not_end_the_list(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / "run.json").write_text("{", encoding="utf-8")
    assert main(["list"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(EXPERIMENTS) + 1 and "damaged" in out
    assert "run.json is damaged" in err.splitlines()[0]


def as_process(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = command.replace("chapters", f"{sys.executable} -m chapters_lib")
    return subprocess.run(
        ["bash", "-c", script],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
    )


def test_a_console_without_greek_letters() -> None:
    done = as_process("chapters list", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0 and "\\u03b3" in done.stdout and not done.stderr


def test_a_reader_that_has_read_enough() -> None:
    done = as_process("set -o pipefail; chapters list | head -1")
    assert done.returncode == 141 and len(done.stdout.splitlines()) == 1 and not done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_device() -> None:
    done = as_process("chapters list > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "chapters_lib: cannot write the output (No space left on device)\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_no_console_at_all(closed: str) -> None:
    done = as_process(f"chapters list {closed}")
    assert done.returncode == 0 and "Traceback" not in done.stderr


# what is to be done


def test_plan_and_train_what_is_stale(
    quick: str, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", quick]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["tiny", "?", "h", "not", "recorded"] and "1 experiments" in last
    assert main(["train", "--stale", quick]) == 0
    assert "recorded in" in capsys.readouterr().out
    assert main(["train", "--stale", quick]) == 0
    assert capsys.readouterr().out.startswith("every record is what a training would leave")
    assert main(["plan", quick, "--machines", "3"]) == 0
    assert "recorded as it is" in (out := capsys.readouterr().out) and "on 3 such machines" in out


def test_train_asks_for_something(refused: Refused, folders: Folders) -> None:
    assert "train needs a NAME, --all or --stale" in refused("train")
    assert "--all takes no names" in refused("train", "--all", "ae-mnist")
    assert "did you mean" in refused("plan", "ae-mnits")
