"""The exercises' solutions in one place, and the parts of the printed book.

``{solutions}`` gathers every solution: as links in HTML, where each is folded below its exercise; and as the solutions
themselves in the PDF, where the exercise then says on which page its solution is, and with them the questions of
``{quiz}``. The PDF gets the parts of the table of contents, and the chapter numbers that the web pages have.
"""

from __future__ import annotations

from docutils import nodes
from quiz import quiz
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.latex import LaTeXTranslator
from sphinx_exercise.nodes import is_exercise_node, solution_node


class solutions_list(nodes.General, nodes.Element):
    """Stands where the solutions are gathered."""


class SolutionsDirective(SphinxDirective):
    """``{solutions}``: every solution of the book, by chapter."""

    def run(self):
        return [solutions_list(docname=self.env.docname)]


def book_order(env) -> list[str]:
    """All pages in the order of the table of contents."""
    order, stack = [], [env.config.root_doc]
    while stack:
        docname = stack.pop()
        order.append(docname)
        stack.extend(reversed(env.toctree_includes.get(docname, [])))
    return order


# A chapter's solutions stand in the contents, and their name at the foot of their pages.
IN_CONTENTS = r"\phantomsection\addcontentsline{toc}{section}{%s}\markright{%s}"


class GatherSolutions(SphinxPostTransform):
    """Fill ``{solutions}``: links to the folded solutions in HTML, the solutions themselves in the PDF."""

    default_priority = 1  # before sphinx_exercise resolves titles

    def run(self, **kwargs) -> None:
        registry = getattr(self.env, "sphinx_exercise_registry", {})
        latex = self.app.builder.format == "latex"
        if latex:
            moved = {node["label"]: node for node in self.document.findall(solution_node)}
        for place in list(self.document.findall(solutions_list)):
            found = []
            for docname in book_order(self.env):
                here = [entry for entry in registry.values() if entry["docname"] == docname]
                entries = [entry["node"] for entry in here if entry["type"].startswith("solution")]
                questions = self.questions(docname) if latex else None
                if not entries and not questions:
                    continue
                chapter = self.env.titles[docname].astext()
                heading = nodes.rubric("", chapter)
                if latex:
                    group = addnodes.start_of_file(docname=docname)
                    group += [
                        heading,
                        nodes.raw("", IN_CONTENTS % (chapter, chapter), format="latex"),
                    ]
                    for entry in entries:
                        if entry["label"] in moved:
                            group += nodes.raw("", r"\beforesolution", format="latex")
                            group += self.move(moved[entry["label"]], registry)
                    group += questions or []
                    found.append(group)
                else:
                    uri = self.app.builder.get_relative_uri(place["docname"], docname)
                    items = nodes.bullet_list()
                    for entry in entries:
                        text = self.title(registry[entry["target_label"]]["node"])
                        link = nodes.reference(
                            "", text, internal=True, refuri=f"{uri}#{entry['label']}"
                        )
                        items += nodes.list_item("", nodes.paragraph("", "", link))
                    found += [heading, items]
            if latex:
                found.insert(0, nodes.raw("", r"\solutionsnumbered", format="latex"))
            place.replace_self(found or nodes.paragraph("", "No exercise has a solution yet."))

    def questions(self, docname: str) -> list[nodes.Node]:
        """Take a chapter's questions out of it, leaving a line that says on which page they now are."""
        start = next(
            (n for n in self.document.findall(addnodes.start_of_file) if n["docname"] == docname),
            None,
        )
        asked = list(start.findall(quiz)) if start else []
        if not asked:
            return []
        label = rf"\detokenize{{{docname}:questions}}"
        section, place = asked[0].parent, asked[0].parent.index(asked[0])
        if place and section[place - 1].astext().startswith("Check yourself"):
            section.remove(section[place - 1])
        lead = rf"\textbf{{Check yourself.}} Questions with answers: page~\pageref{{{label}}}."
        pointer = nodes.paragraph("", "", nodes.raw("", lead, format="latex"))
        section.insert(section.index(asked[0]), pointer)
        for question in asked:
            question.parent.remove(question)
        begin = rf"\phantomsection\label{{{label}}}{{\small\textsc{{\color{{gray}}Check yourself}}"
        return [
            nodes.raw("", begin, format="latex"),
            *asked,
            nodes.raw("", "\n\n}", format="latex"),
        ]

    def title(self, exercise: nodes.Element) -> str:
        """Exercise 1.2 (subtitle), as the exercise itself is headed."""
        of_page = self.env.toc_fignumbers.get(exercise["docname"], {})
        number = ".".join(map(str, of_page.get("exercise", {}).get(exercise["label"], ())))
        subtitle = "".join(child.astext() for child in exercise.children[0].children[1:])
        subtitle = subtitle.replace("'", "’")
        return (
            "Exercise" + (f" {number}" if number else "") + (f" ({subtitle})" if subtitle else "")
        )

    def move(self, solution: nodes.Element, registry: dict) -> nodes.Element:
        """Take the solution out of its chapter; its exercise then ends with the page on which it is."""
        label = rf"\detokenize{{{solution['docname']}:{solution['label']}}}"
        pointer = rf" \hyperref[{label}]{{\emph{{(Solution~on~page~\pageref*{{{label}}}.)}}}}"
        raw = nodes.raw("", pointer, format="latex")
        exercise = solution.parent[solution.parent.index(solution) - 1]
        if is_exercise_node(exercise) and (texts := list(exercise.findall(nodes.paragraph))):
            texts[-1] += raw
            solution.parent.remove(solution)
        else:
            solution.replace_self(nodes.paragraph("", "", raw))
        title = self.title(registry[solution["target_label"]]["node"])
        solution.children[0] = nodes.title("", f"Solution to {title}")
        solution.children[0].parent = solution
        return solution


class Parts(SphinxPostTransform):
    """Give the PDF the parts of the table of contents, and numbers to just the chapters that HTML numbers."""

    default_priority = 0  # before the solutions move
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        toc = self.app.config.external_site_map
        starts = {node["docname"]: node for node in self.document.findall(addnodes.start_of_file)}
        # LaTeX drops the title of the first page and makes a chapter of each of its sections: wrap them in one.
        root = next(self.document.findall(nodes.section))
        preface = nodes.section("", nodes.title("", "Preface"), ids=["preface"])
        for child in [
            c for c in root.children[1:] if not next(c.findall(addnodes.start_of_file), None)
        ]:
            root.remove(child)
            preface += child
        root.insert(1, [nodes.raw("", r"\chaptersunnumbered", format="latex"), preface])
        numbered = False
        for part in toc[toc.root.docname].subtrees:
            first = next((starts[item] for item in part.items if item in starts), None)
            if first is None:
                continue
            code = ""
            if bool(part.numbered) != numbered:
                numbered = bool(part.numbered)
                code = r"\chaptersnumbered" if numbered else r"\chaptersunnumbered"
            if numbered:
                code += rf"\partofbook{{{part.caption}}}"
            first.parent.insert(first.parent.index(first), nodes.raw("", code, format="latex"))


# How LaTeX draws the boxes of a chapter, by their class: as those kinds of Sphinx, whose colours _config.yml sets.
BOXES = {"prediction": "hint", "answer": "tip", "take-away": "important", "pitfall": "seealso"}


def visit_box(self, node) -> None:
    """Begin a box in the look of its class."""
    LaTeXTranslator.visit_admonition(self, node)
    kind = next((BOXES[name] for name in node["classes"] if name in BOXES), "note")
    self.body[-1] = self.body[-1].replace("{note}", f"{{{kind}}}")


def tidy_titles(app, doctree, docname: str) -> None:
    """Set the link in a solution's title as text is: the space stands before it, and apostrophes are curved."""
    for solution in doctree.findall(solution_node):
        title = solution.children[0]
        for child in list(title.children):
            texts = [] if isinstance(child, nodes.Text) else list(child.findall(nodes.Text))
            if texts and texts[0].startswith(" "):
                title.insert(title.index(child), nodes.Text(" "))
                texts[0].parent.replace(texts[0], nodes.Text(texts[0].lstrip()))
            for text in list(child.findall(nodes.Text)):
                text.parent.replace(text, nodes.Text(text.replace("'", "’")))


def setup(app):
    app.connect("doctree-resolved", tidy_titles)
    app.add_node(
        nodes.admonition, override=True, latex=(visit_box, LaTeXTranslator.depart_admonition)
    )
    app.add_directive("solutions", SolutionsDirective)
    app.add_node(solutions_list)
    app.add_post_transform(GatherSolutions)
    app.add_post_transform(Parts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
