"""Numbered references without reading a page anew for each of them, which took half the time of a build."""

from __future__ import annotations

from docutils import nodes
from sphinx.domains.std import StandardDomain


class ReadOnce:
    """The environment of a build, with each page's tree read once: for those who only look at it."""

    def __init__(self, env) -> None:
        self._env = env
        self._trees: dict[str, nodes.document] = {}

    def __getattr__(self, name: str):
        return getattr(self._env, name)

    def get_doctree(self, docname: str) -> nodes.document:
        if docname not in self._trees:
            self._trees[docname] = self._env.get_doctree(docname)
        return self._trees[docname]


class NumberedReferences(StandardDomain):
    """Sphinx's own domain, but for that."""

    def _resolve_numref_xref(self, env, *where):
        if not hasattr(env.app, "chapters_read_once"):
            env.app.chapters_read_once = ReadOnce(env)
        return super()._resolve_numref_xref(env.app.chapters_read_once, *where)


def setup(app):
    app.add_domain(NumberedReferences, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
