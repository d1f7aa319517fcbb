"""A Jinja environment for many pages: the same language, with three short cuts that halve the time of a page.

- An attribute is taken as Python has it; keys of mappings are written `a["b"]`.
- What templates call are macros and plain functions; none asks for the context.
- A piece of text without a sign that HTML minds goes out as it is, instead of as a `Markup` of its own.
"""

from __future__ import annotations

import builtins
import re
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

_MINDED = re.compile("[&<>'\"]")


class QuickContext(Context):
    """Calls what it is told to, without asking first what that wants to be given."""

    def call(
        self, called: Any, /, *given: Any, _loop_vars: object = None, _block_vars: object = None, **named: Any
    ) -> Any:
        """What a macro, which wants to know whether to escape, or a function gives."""
        if isinstance(called, Macro):
            return called(self.eval_ctx, *given, **named)
        return called(*given, **named)


class QuickGenerator(CodeGenerator):
    """Lets `QuickEnvironment.escaped` escape."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")


class QuickEnvironment(Environment):
    """See the module."""

    context_class = QuickContext
    code_generator_class = QuickGenerator
    getattr = staticmethod(builtins.getattr)  # type: ignore[assignment]

    @staticmethod
    def escaped(value: object) -> str:
        """`value` as it may stand in a page."""
        if type(value) is Markup:
            return value
        text = value if type(value) is str else None
        return escape(value) if text is None or _MINDED.search(text) else text
