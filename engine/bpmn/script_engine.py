"""
How SpiffWorkflow evaluates what diagrams say: conditions and scripts, over the variables that a token sees.

What our own elements ask has been compiled at deployment. Elements written for plain SpiffWorkflow ask with the text of
the diagram: that is compiled here, in the same languages and the same sandbox.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.script_engine import BasePythonScriptEngineEnvironment, PythonScriptEngine
from SpiffWorkflow.task import Task

from casepath.engine import errors, settings
from casepath.engine.bpmn.model import Condition
from casepath.engine.bpmn.scopes import View
from casepath.engine.bpmn.scripts import Script, compile_script
from casepath.engine.expressions import compile_expression


class ScopeEnvironment(BasePythonScriptEngineEnvironment):
    """
    SpiffWorkflow's extension point for languages.

    `context` is what `Token.data` gives: the variables of the scopes, live, and the token that sees them.
    """

    def evaluate(self, expression: Condition | str, context: View, external_context: Any = None) -> Any:
        """Return whether a condition holds, noting what it read, or the value of a text; raises `ExpressionError`."""
        token = context.token
        if isinstance(expression, str):
            return compile_expression(expression, bare="${" not in expression).evaluate(
                context, token.workflow.environment
            )
        holds, token.reads = expression.condition(context, token.workflow.environment)
        return holds

    def execute(self, script: Script | str, context: View, external_context: Any = None) -> bool:
        """Run a script and hand what it gave to its element; raises `ScriptError`."""
        token = context.token
        if isinstance(script, str) and "python" not in settings.current.script_formats:
            raise errors.ScriptError("Expected Python in scripts to be allowed, but the operator has not turned it on")
        compiled = compile_script(script, format="python") if isinstance(script, str) else script
        environment = token.workflow.environment
        # The seed is what stays the same when the history is played again.
        result = compiled.run(context, now=environment.now.astimezone(environment.zone), seed=token.number)
        token.node.script_ended(token, result)
        return True


class ScriptEngine(PythonScriptEngine):
    """SpiffWorkflow's script engine, whose errors keep their kind: who catches them asks for it."""

    def evaluate(self, task: Task, expression: Condition | str, external_context: Any = None) -> Any:
        """Evaluate for a token; raises `ExpressionError` where that of SpiffWorkflow wraps everything."""
        try:
            return super().evaluate(task, expression, external_context)
        except WorkflowTaskException as error:
            raise _original(error) from None

    def execute(self, task: Task, script: Script | str, external_context: Any = None) -> Any:
        """Run a script for a token; raises `ScriptError` where that of SpiffWorkflow wraps everything."""
        try:
            return super().execute(task, script, external_context)
        except WorkflowTaskException as error:
            raise _original(error) from None


def _original(error: BaseException) -> BaseException:
    return error.__context__ or error


SCRIPT_ENGINE = ScriptEngine(ScopeEnvironment())
