# Each target does all of its own set-up in .venv, on a machine with Python 3.11 or newer, make and a package index.
#   make book | test | lint | pdf | epub | serve | verify | clean
#   make train RUN=vae-fc-mnist
#   make submission SHEET=hw7 NAME=ID          (NAME="ID1 ID2" for a team; BLANK=1 for the teacher's version)
#   make release        the site with the book's PDF and EPUB and each page's PDF, and all packs, also blank, in dist/
# PIP_FLAGS goes to pip; see README.md for a smaller PyTorch without CUDA.
PYTHON ?= python3
PIP_FLAGS ?=
PORT ?= 8000
ARGS ?=
BIN := .venv/bin
READY := .venv/.ready
JB := $(BIN)/jupyter-book build . -W -n --keep-going
PDF := _build/learning-to-generate.pdf
EPUB := _build/learning-to-generate.epub

.PHONY: book test lint pdf epub train verify submission release serve clean

book: $(READY)
	@$(JB) || { echo "make book: failed; the warnings and errors above say on which page" >&2; exit 1; }

test: lint
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy src

pdf: $(READY)
	@for tool in xelatex latexmk xindy; do command -v $$tool >/dev/null || { echo "make pdf needs XeLaTeX ($$tool is missing): apt-get install $$(cat .ci/tex-packages)" >&2; exit 1; }; done
	@$(JB) --builder pdflatex || { echo "make pdf: failed; the lines above say why, and _build/latex/*.log" >&2; exit 1; }
	@cp _build/latex/learning-to-generate.pdf $(PDF) && echo "The book is $(PDF)"

epub: $(READY)
	@$(JB) --builder custom --custom-builder epub || { echo "make epub: failed; the warnings and errors above say on which page" >&2; exit 1; }
	@cp _build/epub/$(notdir $(EPUB)) $(EPUB) && echo "The book for e-readers is $(EPUB)"

train: $(READY)
	@[ -n "$(RUN)" ] || { echo "make train needs RUN=name; names: $(BIN)/python -m chapters_lib list" >&2; exit 1; }
	$(BIN)/python -m chapters_lib train $(RUN) $(ARGS)

verify: $(READY)
	$(BIN)/python -m chapters_lib verify $(RUN) $(ARGS)

submission: book
	@[ -n "$(SHEET)" ] || { echo "make submission needs SHEET=name; names: $(BIN)/python -m chapters_lib submit --list" >&2; exit 1; }
	@$(BIN)/python -m chapters_lib submit "$(SHEET)" $(if $(BLANK),--blank) $(foreach name,$(NAME),--name="$(name)")

release: pdf epub
	@$(JB) || { echo "make release: the site failed; the warnings and errors above say on which page" >&2; exit 1; }
	@$(BIN)/python -m chapters_lib submit --all --name "$(or $(NAME),example)"

serve: book
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

clean:
	rm -rf _build

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed ($(PYTHON) is $$($(PYTHON) --version 2>&1)); name one with make PYTHON=python3.11" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
