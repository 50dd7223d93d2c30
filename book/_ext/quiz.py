"""Questions at the places where one goes wrong: ``:::{quiz} Question``, and below it the answer with its reason.

On the site the answer is folded behind its question, by plain ``details``; in the EPUB it stands below it.
In the PDF the question says on which page its answer is: ``{answers}`` gathers them there, and is nothing elsewhere.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective


class quiz(nodes.General, nodes.Element):
    """A question and its answer."""


class quiz_question(nodes.General, nodes.TextElement):
    """The question; the rest of the node's parent is the answer."""


class Quiz(SphinxDirective):
    """Its argument is the question, its content the answer."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return one node."""
        self.assert_has_content()
        words, messages = self.state.inline_text(self.arguments[0], self.lineno)
        node = quiz("", quiz_question(self.arguments[0], "", *words))
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node, *messages]


class answers_list(nodes.General, nodes.Element):
    """Stands where the answers are gathered."""


class Answers(SphinxDirective):
    """``{answers}``: every question of the book with its answer, by chapter."""

    def run(self) -> list[nodes.Node]:
        """Return one node."""
        return [answers_list()]


class GatherAnswers(SphinxPostTransform):
    """In the PDF, take the answers to where they are gathered."""

    default_priority = 2  # behind the solutions

    def run(self, **kwargs) -> None:
        """Fill what stands for them, or take it away."""
        for place in list(self.document.findall(answers_list)):
            groups: dict[str, nodes.Element] = {}
            if self.app.builder.format == "latex":
                for number, node in enumerate(list(self.document.findall(quiz))):
                    chapter = file_of(node) or self.env.config.root_doc
                    if chapter not in groups:
                        groups[chapter] = addnodes.start_of_file(docname=chapter)
                        heading = nodes.Text(self.env.titles[chapter].astext())
                        groups[chapter] += nodes.paragraph("", "", nodes.emphasis("", "", heading))
                    groups[chapter] += moved(node, number)
            title = [nodes.rubric("", "Answers to the questions")] if groups else []
            place.replace_self([*title, *groups.values()])


def file_of(node: nodes.Node) -> str:
    """Return the page of the book that a node comes from; nothing of what is on the first."""
    while node.parent is not None and not isinstance(node, addnodes.start_of_file):
        node = node.parent
    return node.get("docname", "") if isinstance(node, addnodes.start_of_file) else ""


def moved(node: quiz, number: int) -> list[nodes.Node]:
    """Take the answer from behind its question, and leave a line that says on which page it now is."""
    question, *answer = node.children
    label = rf"quiz:{number}"
    pointer = rf"\hyperref[{label}]{{\emph{{Answer on page~\pageref*{{{label}}}.}}}}"
    node.children = []
    node += [question, nodes.paragraph("", "", nodes.raw("", pointer, format="latex"))]
    again = nodes.strong("", "", *(child.deepcopy() for child in question.children))
    mark = nodes.raw("", rf"\phantomsection\label{{{label}}}", format="latex")
    return [nodes.paragraph("", "", mark, again), *answer]


def folds(visitor) -> bool:
    """Return whether what is written can be unfolded by its reader."""
    return visitor.builder.name != "epub"


def visit_html(self, node) -> None:
    self.body.append(self.starttag(node, "details" if folds(self) else "div", CLASS="quiz"))


def depart_html(self, node) -> None:
    self.body.append("</details>\n" if folds(self) else "</div>\n")


def visit_html_question(self, node) -> None:
    self.body.append("<summary>" if folds(self) else '<p class="quiz-question"><strong>')


def depart_html_question(self, node) -> None:
    self.body.append("</summary>\n" if folds(self) else "</strong></p>\n")


def visit_latex(self, node) -> None:
    self.body.append("\n\n")


def visit_latex_question(self, node) -> None:
    self.body.append("\\noindent\\textbf{")


def depart_latex_question(self, node) -> None:
    self.body.append("}\n\n")


def visit_text(self, node) -> None:
    """Write nothing around what is inside."""


def setup(app) -> None:
    """Add the directive."""
    app.add_node(
        quiz, html=(visit_html, depart_html), latex=(visit_latex, visit_latex),
        text=(visit_text, visit_text),
    )  # fmt: skip
    app.add_node(
        quiz_question, html=(visit_html_question, depart_html_question),
        latex=(visit_latex_question, depart_latex_question), text=(visit_text, visit_text),
    )  # fmt: skip
    app.add_node(answers_list)
    app.add_directive("quiz", Quiz)
    app.add_directive("answers", Answers)
    app.add_post_transform(GatherAnswers)
