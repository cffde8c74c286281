"""The text of `construct`."""

from dataclasses import replace

import onnx_ir as ir

from .cells import Guard, Own, Step
from .classes import ClassBuilder, ClassDefinition
from .code import ATOM, Turns
from .layout import OPEN, fit
from .loops import GROWING, hands_on
from .match import passed_on
from .naming import singular, unique
from .places import Marked, Marks
from .render import TreeRenderer, fill
from .statements import Body, Statement
from .turns import TurnsWriter


class BodyWriter:
    """Writes `construct` of one class.

    Args:
        builder: Knows all classes.
        definition: The class.
        body: Its statements.
        marks: Keeps where each value is computed.
    """

    def __init__(
        self, builder: ClassBuilder, definition: ClassDefinition, body: Body, marks: Marks
    ) -> None:
        self._definition = definition
        self._body = body
        self._marks = marks
        self._cell = definition.cluster.template
        self._maker = {output: step for step in self._cell.steps for output in step.outputs}
        self._renderer = TreeRenderer(builder, definition.texts("self."), body.sizes, body.computed)

    def lines(self) -> list[str]:
        """Return the method, indented, with marks."""
        packed = self._definition.cluster.packed
        names = ["*features"] if packed else self._body.arguments.values()
        arguments = [f"{name}: ms.Tensor" for name in names]
        arguments += [f"{name}: int" for name in self._body.size_arguments()]
        count = len(self._cell.outputs)
        returns = "ms.Tensor" if count == 1 else f"tuple[{', '.join(['ms.Tensor'] * count)}]"
        lines = fit(4, f"def construct({', '.join(['self', *arguments])}) -> {returns}:")
        if packed and packed.code:
            (name,) = self._body.arguments.values()
            texts = {key: self._renderer.text(value) for key, value in packed.code.settings.items()}
            text = f"ops.cat(features, axis={texts['axis']})"
            lines += fit(8, f"{name} = {self._marks.add(text, Marked(self._definition, packed))}")
        lines += [f"        {line}" for line in self._body.readings()]
        for host, name in self._body.computed.items():
            lines += fit(8, f"{name} = {self._renderer.formula(host)}")
        for guard in self._cell.guards:
            lines += self._guard(guard)
        for statement in self._body.statements:
            if statement.step is not None and statement.step.turns is not None:
                lines += self._turns(statement.step, statement.step.turns, statement.targets)
            elif statement.step is not None and self._body.is_loop(statement.step):
                lines += self._loop(statement.step, statement.targets[0])
            else:
                lines += self._lines(statement)
        target, _, text = lines[-2].strip().partition(" = ")
        in_loop = lines[-2].startswith(" " * 12)
        if text.startswith(OPEN) and not in_loop and lines[-1] == f"        return {target}":
            lines[-2:] = [f"        return {text}"]
        return lines

    def _loop(self, step: Step, target: str) -> list[str]:
        """Return a loop over a list of cells."""
        loop = self._cell.children[step.child]
        taken = {*self._body.names.values(), target, *self._body.taken}
        element = unique(singular(step.child.rstrip("_")), taken)
        marked = Marked(self._definition, step)
        operands = [self._operand(operand, 0) for operand in step.operands]
        if loop.loop == GROWING:
            features = unique("features", taken)
            call = self._marks.add(f"{element}(*{features})", marked)
            axis = loop.steps[-1].code
            assert axis is not None, "a growing loop ends with Concat"
            joined = f"ops.cat({features}, axis={axis.settings['axis']})"
            return [
                f"        {features} = ({operands[0]},)",
                f"        for {element} in self.{step.child}:",
                *fit(12, f"{features} += ({call},)"),
                f"        {target} = {self._marks.add(joined, replace(marked, local=target))}",
            ]
        position = hands_on(loop, loop.steps)
        assert position is not None, "a chain hands its value on"
        before = (
            [] if operands[position] == target else [f"        {target} = {operands[position]}"]
        )
        operands[position] = target
        operands += self._sizes(step)
        call = self._marks.add(f"{element}({', '.join(operands)})", marked)
        lines = fit(12, f"{target} = {call}")
        return [*before, f"        for {element} in self.{step.child}:", *lines]

    def _turns(self, step: Step, turns: Turns, targets: list[str]) -> list[str]:
        """Return the loop that runs a body again and again."""
        writer = TurnsWriter(
            turns, targets, {*self._body.names.values(), *self._body.taken, *targets}
        )
        operands = [self._operand(operand, 0) for operand in step.operands]
        return writer.lines(f"self.{step.child}", operands, self._sizes(step))

    def _guard(self, guard: Guard) -> list[str]:
        """Return a check of the sizes that the network is called with."""
        size, other = self._renderer.text(guard.size), self._renderer.text(guard.other)
        left = size if size.isidentifier() else f"({size})"
        wrong = {
            "at most": f"{size} > {other}",
            "a multiple of": f"{left} % {other} != 0",
        }.get(guard.relation, f"{size} != {other}")
        must = " ".join(filter(None, ["must be", guard.relation, other]))
        text = f'raise ValueError(f"{size} {must}, not {{{size}}}")'
        return [*fit(8, f"if {wrong}:"), *fit(12, text)]

    def _lines(self, statement: Statement) -> list[str]:
        """Return a statement; a change that an object may do without stands under an `if`."""
        step = statement.step
        if step is not None and step.child and self._body.is_optional(step):
            passed = passed_on(step, self._cell)
            assert passed is not None, "a step that objects lack passes an operand on"
            if self._operand(passed, 0) == statement.targets[0]:
                text = self._marked(step, statement.targets[0])
                condition = f"        if self.{step.child} is not None:"
                return [condition, *fit(12, f"{statement.targets[0]} = {text}")]
        return fit(8, self._statement(statement))

    def _statement(self, statement: Statement) -> str:
        """Return a statement on one line."""
        if statement.step is None:
            return f"return {', '.join(self._operand(v, 0) for v in self._cell.outputs)}"
        targets, child = statement.targets, self._cell.children.get(statement.step.child)
        local = targets[0] if len(targets) == 1 else ""
        unpacked = child.layer.unpacked if child is not None and child.layer else ""
        assigned = fill(unpacked, targets, {}) if unpacked else ", ".join(targets)
        return f"{assigned} = {self._step(statement.step, local)}"

    def _step(self, step: Step, local: str) -> str:
        """Return the expression of a step; of one that objects may lack, a choice."""
        text = self._marked(step, local)
        if self._body.is_optional(step):
            passed = passed_on(step, self._cell)
            assert passed is not None, "a step that objects lack passes an operand on"
            other = self._operand(passed, 0)
            if step.child:
                return f"{other} if self.{step.child} is None else {text}"
            flag = self._definition.flags[self._cell.steps.index(step)]
            return f"{text} if {self._renderer.text(flag)} else {other}"
        return text

    def _marked(self, step: Step, local: str) -> str:
        """Return what a step computes, marked unless it is marked in the cell it calls."""
        text = self._call(step) if step.code is None else self._expression(step)
        if step.code is None and self._cell.children[step.child].layer is None:
            return text
        return self._marks.add(text, Marked(self._definition, step, local))

    def _call(self, step: Step) -> str:
        head, dot, index = step.child.rpartition(".")
        name = f"{head}[{index}]" if dot else step.child
        operands = [self._operand(operand, 0) for operand in step.operands]
        layer = self._cell.children[step.child].layer
        if layer is None or not any(layer.form):
            return f"self.{name}({', '.join([*operands, *self._sizes(step)])})"
        given = fill(layer.given, operands, {}) if layer.given else ", ".join(operands)
        return f"self.{name}({given}){layer.returned}"

    def _sizes(self, step: Step) -> list[str]:
        """Return the sizes that a child is called with."""
        settings = self._definition.settings[self._cell.steps.index(step)]
        return [self._renderer.text(tree) for tree in settings.values()]

    def _expression(self, step: Step) -> str:
        assert step.code is not None, "a call has no template"
        settings = self._definition.settings[self._cell.steps.index(step)]
        operands = [self._operand(o, step.code.slot(i)) for i, o in enumerate(step.operands)]
        texts = {name: self._renderer.text(tree) for name, tree in settings.items()}
        if step.code.binds < ATOM:
            loose = [n for n, tree in settings.items() if self._definition.is_told(tree)]
            texts |= {name: f"({texts[name]})" for name in loose}
        return fill(step.code.template, operands, texts)

    def _operand(self, operand: ir.Value | Own, binds: int) -> str:
        """Return an operand, in brackets where it binds less than its place demands."""
        if isinstance(operand, Own):
            return f"self.{operand.name}"
        if operand not in self._body.inlined:
            return self._body.names[operand]
        step = self._maker[operand]
        text = self._step(step, "")
        loose = step.code is not None and step.code.binds < binds
        return f"({text})" if loose else text
