"""Tasks that do something: people, workers, scripts, decisions, messages, and other processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from SpiffWorkflow.bpmn.specs import defaults

from casepath.engine import errors
from casepath.engine.bpmn.effects import Called, ExternalTaskCreated, UserTaskCreated
from casepath.engine.bpmn.elements.activities import Activity
from casepath.engine.bpmn.elements.attributes import instant, integer, names, text, version
from casepath.engine.bpmn.elements.base import record_mapped
from casepath.engine.bpmn.elements.events import Catcher
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.model import Binding, Condition, EventDefinition, VariableMapping
from casepath.engine.bpmn.scripts import Script, ScriptResult
from casepath.engine.bpmn.tree import Token, TokenTree
from casepath.engine.expressions import Expression

DEFAULT_PRIORITY = 50


class UserTask(Activity, defaults.UserTask):
    """Work for a person."""

    tag: ClassVar[str] = "userTask"
    work: ClassVar[str | None] = "user_task"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.assignee: Expression | None = None
        self.candidate_users: Expression | None = None
        self.candidate_groups: Expression | None = None
        self.due_date: Expression | None = None
        self.follow_up_date: Expression | None = None
        self.priority: Expression | None = None
        self.form_key: Expression | None = None

    def run(self, token: Token) -> bool | None:
        workflow = token.workflow
        created = UserTaskCreated(
            number=token.number,
            element_id=self.bpmn_id,
            name=self.bpmn_name or self.bpmn_id,
            assignee=text(self.assignee, token),
            candidate_users=names(self.candidate_users, token),
            candidate_groups=names(self.candidate_groups, token) or self.lane_groups(token),
            form_key=text(self.form_key, token),
            priority=integer(self.priority, token, DEFAULT_PRIORITY),
            due_at=instant(self.due_date, token, is_deadline=True),
            follow_up_at=instant(self.follow_up_date, token),
        )
        if not (created.assignee or created.candidate_users or created.candidate_groups) and self.names_people:
            raise errors.InvalidInput("Expected somebody who does {element}, but found nobody", element=created.name)
        token.memo["work"] = True
        workflow.effects.append(created)
        facts = {"due": created.due_at.isoformat()} if created.due_at else {}
        own = dict(token.inner.variables) if token.inner is not None else None
        workflow.record("user_task.created", token, facts=facts, variables=own)
        return None

    @property
    def names_people(self) -> bool:
        """Whether the diagram says who does it: then somebody has to."""
        return any(each is not None for each in (self.assignee, self.candidate_users, self.candidate_groups))

    def lane_groups(self, token: Token) -> tuple[str, ...]:
        """Return the group that the lane names, when the diagram says nothing else and nobody is assigned."""
        lane = self.process.lanes.get(self.bpmn_id)
        if lane is None or self.assignee is not None or self.candidate_users is not None:
            return ()
        return token.workflow.services.groups([lane])


class WorkerTask(Activity):
    """Work for a worker, under a topic; or just an expression to evaluate."""

    work: ClassVar[str | None] = "external_task"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.topic: Expression | None = None
        self.priority: Expression | None = None
        #: Errors that a result means instead of an end, each with its condition; the first that holds counts.
        self.error_mappings: tuple[tuple[Condition, EventDefinition], ...] = ()
        #: Instead of the work of a worker, and the variable that gets its value.
        self.evaluated: Expression | None = None
        self.result_variable: str | None = None

    def mapped_error(self, token: Token, variables: Mapping[str, Any]) -> errors.BpmnError | None:
        """Return the error that a worker's result means; raises `ExpressionError`."""
        environment = token.workflow.environment
        for condition, definition in self.error_mappings:
            if condition.condition(token.variables(variables), environment)[0]:
                text = definition.text.evaluate(token.variables(variables), environment) if definition.text else ""
                return errors.BpmnError(definition.code or "", str(text or ""), variables)
        return None

    def run(self, token: Token) -> bool | None:
        if self.evaluated is not None:
            return self.evaluate(self.evaluated, token)
        topic = text(self.topic, token) or self.bpmn_id
        token.memo["work"] = True
        token.workflow.effects.append(
            ExternalTaskCreated(
                number=token.number, element_id=self.bpmn_id, topic=topic, priority=integer(self.priority, token, 0)
            )
        )
        token.workflow.record("external_task.created", token, facts={"topic": topic})
        return None

    def evaluate(self, expression: Expression, token: Token) -> bool:
        """Set the result variable to the value of the expression."""
        workflow = token.workflow
        value = expression.evaluate(token.variables(), workflow.environment)
        result = {self.result_variable: value} if self.result_variable else {}
        workflow.set_variables(token.inner or token.scope, result)
        workflow.record("script.run", token, variables=result)
        return True


class ServiceTask(WorkerTask, defaults.ServiceTask):
    """Work for a worker."""

    tag: ClassVar[str] = "serviceTask"


class SendTask(WorkerTask, defaults.SendTask):
    """Sends a message to whoever waits for it, or has a worker send it."""

    tag: ClassVar[str] = "sendTask"

    def run(self, token: Token) -> bool | None:
        if self.topic is not None or self.evaluated is not None or not self.definitions:
            return super().run(token)
        return super(WorkerTask, self).run(token)


class ReceiveTask(Catcher, Activity, defaults.ReceiveTask):
    """Waits for a message."""

    tag: ClassVar[str] = "receiveTask"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.instantiates = False

    def beginnings(self) -> list[Element]:
        return [self] if self.instantiates and not self.incoming else []

    def begin_here(self, workflow: TokenTree) -> None:
        workflow.enter(self, workflow.root, memo={"caught": True})

    def run(self, token: Token) -> bool | None:
        if token.memo.pop("caught", False) or not self.definitions:
            return True
        self.wait(token)
        return None

    def awaited(self, token: Token) -> list[Element]:
        itself: list[Element] = [] if self.is_body(token) or "gathers" in token.memo else [self]
        return [*itself, *super().awaited(token)]

    def leave(self, token: Token) -> None:
        token.workflow.disarm(token.number)
        super().leave(token)


class ScriptTask(Activity, defaults.ScriptTask):
    """Runs a script outside the process, with limits."""

    tag: ClassVar[str] = "scriptTask"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.script: Script | None
        self.result_variable: str | None = None

    def run(self, token: Token) -> bool | None:
        if self.script is None:
            return True
        return super().run(token)

    def script_ended(self, token: Token, result: ScriptResult) -> None:
        assigned = dict(result.assigned)
        if self.result_variable:
            assigned[self.result_variable] = result.value
        token.set_data(**assigned)
        token.workflow.record("script.run", token, variables=assigned)


class BusinessRuleTask(WorkerTask):
    """Evaluates a decision, or has a worker decide. The one of SpiffWorkflow knows its own decision tables only."""

    tag: ClassVar[str] = "businessRuleTask"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.decision: Expression | None = None
        self.binding = Binding()
        self.result_mapping = "resultList"

    def run(self, token: Token) -> bool | None:
        key = text(self.decision, token)
        if key is None:
            return super().run(token)
        workflow = token.workflow
        decided = workflow.services.decide(
            key,
            version=version(self.binding, token),
            version_tag=text(self.binding.version_tag, token),
            same_deployment=self.binding.same_deployment,
            variables=token.variables(),
        )
        result = mapped_result(self, decided.rows)
        if self.result_variable:
            workflow.set_variables(token.inner or token.scope, {self.result_variable: result})
        workflow.record(
            "decision.evaluated", token, facts=decided.facts, variables={**decided.inputs, "=": decided.value}
        )
        if self.result_variable and result != decided.value:
            # What was decided is told as the table has it; the variable holds it as rows, or the first of them.
            record_mapped(token, {self.result_variable: result})
        return True


def mapped_result(task: BusinessRuleTask, rows: list[dict[str, Any]]) -> Any:
    """
    Return a decision's result as mapDecisionResult asks for it.

    Raises `InvalidInput` when it has more rows or outputs than that allows.
    """
    if task.result_mapping == "resultList":
        return rows
    if task.result_mapping in ("singleEntry", "collectEntries") and any(len(row) > 1 for row in rows):
        raise errors.InvalidInput(
            "Expected one output of {element}, but found {rows}",
            element=task.bpmn_id,
            rows=list(rows[0]),
        )
    entries = [next(iter(row.values()), None) for row in rows]
    if task.result_mapping == "collectEntries":
        return entries
    if len(rows) > 1:
        raise errors.InvalidInput(
            "Expected one result of {element}, but found {count}",
            element=task.bpmn_id,
            count=len(rows),
        )
    chosen: list[Any] = list(rows) if task.result_mapping == "singleResult" else entries
    return chosen[0] if chosen else None


class CallActivity(Activity, defaults.CallActivity):
    """Runs another process, maybe of another version, as an instance of its own and waits for its end."""

    tag: ClassVar[str] = "callActivity"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.called: Expression | None = None
        self.binding = Binding()
        self.business_key: Expression | None = None
        #: None where the diagram maps nothing: then all variables go in, and those that are set come back.
        self.given: tuple[VariableMapping, ...] | None = None
        self.taken: tuple[VariableMapping, ...] | None = None
        self.gives_all = False
        self.takes_all = False
        #: Whether just the variables of the activity itself go in, and come back to it alone.
        self.gives_own = False
        self.takes_own = False

    def _update_hook(self, my_task: Token) -> bool:
        # As for SubProcess: the one of SubWorkflowTask makes a workflow and copies all data.
        return True

    def run(self, token: Token) -> bool | None:
        workflow = token.workflow
        if "returned" in token.memo:
            # It has been called, but what it gave could not be taken.
            self.take_over(token)
            return True
        if self.called is None:
            return True
        key = text(self.called, token)
        if key is None:
            raise errors.InvalidInput(
                "Expected the process to call in {text}, but found nothing",
                text=self.called.text,
            )
        variables = self.handed_over(token)
        token.memo["called"] = True
        workflow.effects.append(
            Called(
                number=token.number,
                key=key,
                version=version(self.binding, token),
                version_tag=text(self.binding.version_tag, token),
                same_deployment=self.binding.same_deployment,
                variables=variables,
                business_key=text(self.business_key, token) if self.business_key else workflow.environment.business_key,
                tracks=self.given is None,
            )
        )
        return None

    def handed_over(self, token: Token) -> dict[str, Any]:
        """Return the variables that the called process begins with."""
        own = token.inner.variables if token.inner is not None else {}
        if self.gives_own:
            variables = dict(own)
        else:
            variables = dict(token.variables()) if self.gives_all or self.given is None else {}
        for mapping in self.given or ():
            source: Any = mapping.source
            seen = own if mapping.local else token.variables()
            variables[mapping.target] = source.evaluate(seen, token.workflow.environment)
        return variables

    def returned(self, token: Token, variables: Mapping[str, Any]) -> None:
        """The called process has ended with these variables."""
        token.memo.pop("called", None)
        token.memo["returned"] = dict(variables)

        def end() -> None:
            self.take_over(token)
            token.complete()

        token.workflow.guard(token, end)

    def take_over(self, token: Token) -> None:
        """Set the variables that the called process gave back at its end."""
        variables = token.memo["returned"]
        self.take(token, variables)
        del token.memo["returned"]

    def take(self, token: Token, variables: Mapping[str, Any], *, early: bool = False) -> None:
        """
        Set what the mappings make of the variables of the called process.

        `early`: it is not over, so that what an expression needs may not be there yet.
        """
        own: dict[str, Any] = {}
        taken: dict[str, Any] = {}
        if self.takes_all or self.taken is None:
            (own if self.takes_own else taken).update(variables)
        for mapping in self.taken or ():
            source: Any = mapping.source
            try:
                value = source.evaluate(variables, token.workflow.environment)
            except errors.ExpressionError:
                if not early:
                    raise
                continue
            (own if mapping.local else taken)[mapping.target] = value
        if own:
            token.workflow.set_variables(token.open_scope(), own, local=True)
        token.workflow.set_variables(token.inner or token.scope, taken)
        if self.taken:
            record_mapped(token, {**taken, **own})
