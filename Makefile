# Each target does all of its own set-up in .venv, on a machine with Python 3.11 or newer, make and a package index.
#   make book | test | lint | pdf | epub | serve | verify | bench | linkcheck | clean
#   make publish ADDRESS=https://example.org/book     the site for a static host, in dist/site
#   make train RUN=vae-fc-mnist
#   make submission SHEET=hw7 NAME=ID          (NAME="ID1 ID2" for a team; BLANK=1 for the teacher's version)
#   make release        the site with the book's PDF and EPUB and each page's PDF, and all packs, also blank, in dist/
# What a fresh .venv holds: CUDA=1 for a PyTorch with CUDA; PIP_FLAGS goes to pip; PYTHON names the interpreter.
PYTHON ?= python3
PIP_FLAGS ?=
CUDA ?=
PORT ?= 8000
ARGS ?=
ADDRESS ?=
# Everything is called as a module: a script in .venv/bin names the folder in which it was installed.
VENV := .venv/bin/python
JB := $(VENV) -c 'from jupyter_book.cli.main import main; main()' build . -W -n --keep-going
PDF := _build/learning-to-generate.pdf
EPUB := _build/learning-to-generate.epub

.PHONY: book test lint pdf epub linkcheck publish train reproduce verify bench submission release serve clean ready

book: ready
	@$(JB) || { echo "make book: failed; the warnings and errors above say on which page" >&2; exit 1; }

test: lint
	$(VENV) -m pytest -n auto --dist loadgroup $(ARGS)

lint: ready
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy src

pdf: ready
	@for tool in xelatex latexmk xindy; do command -v $$tool >/dev/null || { echo "make pdf needs XeLaTeX ($$tool is missing): apt-get install $$(cat .ci/tex-packages)" >&2; exit 1; }; done
	@$(JB) --builder pdflatex || { echo "make pdf: failed; the lines above say why, and _build/latex/*.log" >&2; exit 1; }
	@cp _build/latex/learning-to-generate.pdf $(PDF) && echo "The book is $(PDF)"

epub: ready
	@$(JB) --builder custom --custom-builder epub || { echo "make epub: failed; the warnings and errors above say on which page" >&2; exit 1; }
	@cp _build/epub/$(notdir $(EPUB)) $(EPUB) && echo "The book for e-readers is $(EPUB)"

train: ready
	@[ -n "$(RUN)" ] || { echo "make train needs RUN=name; names: $(VENV) -m chapters_lib list" >&2; exit 1; }
	$(VENV) -m chapters_lib train $(RUN) $(ARGS)

reproduce: ready
	$(VENV) -m chapters_lib train --stale --jobs $(or $(JOBS),1) $(ARGS)
	$(MAKE) book

verify: ready
	$(VENV) -m chapters_lib verify $(RUN) $(ARGS)

bench: ready
	$(VENV) benchmarks/bench.py $(ARGS)

submission: ready
	@[ -n "$(SHEET)" ] || { echo "make submission needs SHEET=name; names: $(VENV) -m chapters_lib submit --list" >&2; exit 1; }
	@$(VENV) -m chapters_lib submit "$(SHEET)" $(if $(BLANK),--blank) $(foreach name,$(NAME),--name="$(name)")

release: pdf epub
	@$(JB) || { echo "make release: the site failed; the warnings and errors above say on which page" >&2; exit 1; }
	@$(VENV) -m chapters_lib submit --all --name "$(or $(NAME),example)"

# Sphinx takes a host that does not answer for a broken link; links.py tells the two apart.
linkcheck: ready
	@mkdir -p _build && rm -f _build/linkcheck/output.json
	@$(VENV) -c 'from jupyter_book.cli.main import main; main()' build . --builder custom --custom-builder linkcheck -q >_build/linkcheck.log 2>&1 || true
	@[ -e _build/linkcheck/output.json ] || tail -5 _build/linkcheck.log >&2
	@$(VENV) book/_ext/links.py _build/linkcheck/output.json

publish: book
	@$(VENV) book/_ext/publish.py _build/html dist/site $(ADDRESS)

serve: book
	$(VENV) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

clean:
	rm -rf _build

ready:
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON); Python 3.11 or newer is needed: make PYTHON=python3.11" >&2; exit 1; }
	@CUDA=$(CUDA) $(PYTHON) environment.py $(PIP_FLAGS)
