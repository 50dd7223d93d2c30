"""Questions at the places where one goes wrong: ``:::{quiz} Question``, and below it the answer with its reason.

On the site the answer is folded behind its question, by plain ``details``; in the EPUB it stands below it.
In the PDF questions and answers stand behind the solutions (``solutions_and_parts``).
"""

from __future__ import annotations

from docutils import nodes
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
    self.body.append("}\\par\\nobreak\n\n")


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
    app.add_directive("quiz", Quiz)
