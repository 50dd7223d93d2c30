"""What is written out of the library runs alone and says the same."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from chapters_lib import assignments
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import runs
from chapters_lib.reproducibility import seed_everything
from chapters_lib.submission import NOTEBOOKS, source
from chapters_lib.submission.inline import Inliner, with_records
from chapters_lib.submission.pruning import pruned
from chapters_lib.submission.sources import bodies, bound_names, edited, free_names
from chapters_lib.training import Session

ROOT = Path(__file__).resolve().parents[2]
CASES = [(sheet, name) for sheet, names in NOTEBOOKS.items() for name in names]


def alone(*cells: str) -> dict:
    """Run cells, written out, where the library cannot be imported; return what they define."""
    inliner = Inliner()
    written = pruned([inliner.cell(cell) for cell in cells], set(inliner.names.values()))
    source = "\n\n".join([inliner.header(), *written])
    assert not re.search(r"^\s*(?:from|import) (?:chapters_lib|book)\b", source, re.MULTILINE)
    hidden = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.split(".")[0] == "chapters_lib"
    }
    sys.modules["chapters_lib"] = None  # type: ignore[assignment]
    try:
        sys.modules["alone"] = ModuleType("alone")  # where dataclasses look up their annotations
        names = vars(sys.modules["alone"])
        exec(compile(source, "alone", "exec", dont_inherit=True), names)
        return names
    finally:
        del sys.modules["chapters_lib"], sys.modules["alone"]
        sys.modules.update(hidden)


def test_a_function_comes_with_all_it_needs():
    import torch

    from chapters_lib.models.vae import fully_connected
    from chapters_lib.objectives.elbo import elbo

    names = alone(
        "from chapters_lib.models.vae import fully_connected\nfrom chapters_lib.objectives.elbo import elbo",
        "import torch\ntorch.manual_seed(0)\nmodel = fully_connected(hidden=(8,), latent=2)\n"
        "terms = elbo(model, torch.rand(3, 1, 28, 28))",
    )
    torch.manual_seed(0)
    expected = elbo(fully_connected(hidden=(8,), latent=2), torch.rand(3, 1, 28, 28))
    assert torch.equal(names["terms"].kl, expected.kl)


def test_two_definitions_of_one_name_are_told_apart():
    names = alone(
        "from chapters_lib.models.vae import fully_connected as make_vae",
        "from chapters_lib.models.gan import fully_connected",
        "pair = make_vae(hidden=(8,), latent=2), fully_connected(noise=3, width=8)",
    )
    assert [type(model).__name__ for model in names["pair"]] == ["VAE", "GAN"]


def test_a_definition_is_written_once():
    inliner = Inliner()
    first = inliner.cell("from chapters_lib.figures import image_grid")
    second = inliner.cell("from chapters_lib.figures import image_rows, tile\ntile([1], 1)")
    assert (
        first.count("def tile(") == 1 and "def tile(" not in second and "def image_rows(" in second
    )
    assert second.rstrip().endswith("tile([1], 1)")


def test_modules_and_aliases_are_resolved():
    names = alone(
        "from chapters_lib import reproducibility as seeds\nx = seeds.generator(3).initial_seed()"
    )
    assert names["x"] == 3


def test_comments_above_a_definition_come_along():
    text = Inliner().cell("from chapters_lib.figures.style import CLASS_COLOURS")
    assert text.startswith("# Ten colours by Petroff")


def test_recorded_numbers_are_written_in():
    config = runs.load("vae-fc-mnist").config
    assert (
        with_records('x = f(runs.load("vae-fc-mnist").config["epochs"])')
        == f"x = f({config['epochs']})"
    )
    names = alone(
        'from chapters_lib.recipes.vae import VaeConfig\nx = runs.load("vae-fc-mnist").config_as(VaeConfig)'
    )
    stated = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(names["x"]).items()}
    used = {key: value for key, value in stated.items() if key in config}
    assert "epochs" in used and used == {key: config[key] for key in used}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Return what the code of Homework 7's pack defines when it has trained its networks on digits."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "record").symlink_to(runs.root())
    written = pack_cells("hw7", "hw7")
    stop = next(i for i, cell in enumerate(written) if 'networks("gan-fc-mnist"' in cell)
    first = written[0].replace("SMOKE = False", "SMOKE = True")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return alone(first, *written[1 : stop + 1])


@pytest.mark.parametrize("name", ["vae-fc-mnist", "vae-fc-mnist-weight-2", "gan-fc-mnist"])
def test_a_packs_code_ends_with_the_weights_of_the_experiment(name, smoke):
    """What a pack writes out and runs is the experiment's own training: equal to the last bit."""
    model = {
        "vae-fc-mnist": smoke["vaes"]["1"],
        "vae-fc-mnist-weight-2": smoke["vaes"]["2"],
        "gan-fc-mnist": smoke["gan"],
    }[name]
    experiment = EXPERIMENTS[name]
    config = replace(experiment.config, dataset="digits", epochs=2, judged=False)
    seed_everything(0)
    expected = experiment.build(config)
    experiment.train(config, expected, Session(torch.device("cpu")))
    weights = model.state_dict()
    assert weights and all(
        torch.equal(value, weights[key])
        for key, value in experiment.stored_form(expected).state_dict().items()
        if key != "timeline"
    )


def test_a_skeleton_keeps_signatures_and_loses_bodies():
    text = Inliner().cell("from chapters_lib.models.vae import fully_connected", skeleton=True)
    whole = Inliner().cell("from chapters_lib.models.vae import fully_connected")
    signatures = [line for line in whole.splitlines() if re.match(r"\s*(def|class) ", line)]
    assert signatures and all(line in text for line in signatures)
    assert "Kingma and Welling 2014" in text and "softplus" in whole
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert [ast.unparse(part) for part in body] == ["raise NotImplementedError"]


@pytest.mark.parametrize("skeleton", [False, True])
def test_the_check_of_arguments_is_left_out(skeleton: bool):
    cell = "from chapters_lib.evaluation.aggregate import kl_parts\nfrom chapters_lib.evaluation.pca import fit_pca"
    inliner = Inliner()
    text = inliner.cell(cell, skeleton=skeleton)
    assert "checked" not in text + inliner.header()
    assert "@torch.no_grad()\ndef kl_parts(" in text and "\n    def encode(" in text
    assert re.search(r"\n{4}|\n{3} ", text) is None
    ast.parse(text)


def test_what_cannot_be_written_out_is_said():
    with pytest.raises(ChaptersError, match="no definition of 'nothing'"):
        Inliner().cell("from chapters_lib.figures import nothing")
    with pytest.raises(ChaptersError, match="stands for two things"):
        alone("from math import log as F\nF(1)", "from torch.nn import functional as F\nF.relu")


def test_bound_names_are_not_taken_for_global_ones():
    source = "def f(a, b=d):\n    c = a\n    return [c + e for e in b] + g(lambda h: h, i.j)"
    found = {(name, attribute) for _, name, attribute in free_names(ast.parse(source))}
    assert found == {("d", ""), ("g", ""), ("i", "j")}


def pack_cells(sheet: str, name: str) -> list[str]:
    """Return the code cells of a pack's source."""
    from myst_nb.core.read import read_myst_markdown_notebook

    text = source(assignments.find(sheet), name, assignments.chapters(ROOT / "_toc.yml"))
    return [c.source for c in read_myst_markdown_notebook(text).cells if c.cell_type == "code"]


@pytest.mark.parametrize(("sheet", "name"), CASES, ids=lambda x: x)
def test_every_name_of_a_pack_is_defined(sheet, name):
    """Each pack's code, written out, has no name that nothing defines, nor one that nothing uses."""
    if not (ROOT / "book" / "packs" / f"{name}.md").exists():
        pytest.skip(f"{name} has no source yet")
    inliner = Inliner()
    cells = [inliner.cell(cell) for cell in pack_cells(sheet, name)]
    code = "\n\n".join([inliner.header(), *cells])
    assert "@" not in re.sub(r"^\s*@.*$|[\w\])] @ ", "", code, flags=re.MULTILINE)
    assert "chapters_lib" not in code
    known = set(dir(builtins))
    defined = bound_names(ast.parse(code))
    used = {n for _, n, _ in free_names(ast.parse(code))}
    assert used - defined - known == set()
    imported = set(inliner.imports)
    assert imported <= used, f"imported for nothing: {imported - used}"


@pytest.mark.parametrize(("sheet", "name"), CASES, ids=lambda x: x)
def test_no_cell_of_a_pack_gives_a_name_of_the_library_to_something_else(sheet, name):
    """What is written out stays what it is, for definitions of later cells that call it."""
    inliner, bound = Inliner(), set()
    for cell in pack_cells(sheet, name):
        inliner.cell(cell)
        own = [n for n in ast.parse(cell).body if not isinstance(n, ast.Import | ast.ImportFrom)]
        bound |= bound_names(ast.Module(own, []))
    written = {local for key, local in inliner.names.items() if local == key[1]}
    assert bound & written <= {"LOADERS"}  # to which data sets are added


def test_a_body_that_begins_with_a_decorated_function_is_emptied_whole() -> None:
    lines = [
        "def f():",
        '    """Say."""',
        "",
        "    @cache",
        "    def g():",
        "        return 1",
        "",
        "    return g",
    ]
    text = "\n".join(lines) + "\n"
    (function,) = ast.parse(text).body
    emptied = edited(text, bodies(function))
    assert "@cache" not in emptied and "raise NotImplementedError" in emptied
    ast.parse(emptied)


def test_no_two_definitions_get_one_name() -> None:
    inliner = Inliner()
    inliner.cell("from chapters_lib.recipes.likelihood_vae import train\n")
    text = inliner.cell("from chapters_lib.recipes.gan import train_watched as train_gan\n")
    names = re.findall(r"^def (train\w*)", text, re.MULTILINE)
    assert len(set(names)) == len(names) == 2
    with pytest.raises(ChaptersError, match="fit is defined by a cell"):
        inliner.cell("def fit():\n    return 1\n")
    inliner.cell("def welch():\n    return 1\n")
    text = inliner.cell("from chapters_lib.evaluation import intervals\nprint(intervals.welch)\n")
    assert "def welch_intervals(" in text
