"""An expression as it is being written: its operands are numbered, its settings named."""

import onnx_ir as ir

from .code import ATOM, Expression, Literal
from .registry import Op

NUMBERS = "tuple(int(i) for i in {%d})"
"""Integers that are computed; MindSpore 2.10 knows no `.tolist()` in GRAPH."""


class Draft:
    """Collects what a template needs.

    Each method returns the place of something in the template, such as `{0}` or `{axis}`.

    Args:
        op: The operator that is written.
    """

    def __init__(self, op: Op) -> None:
        self.op = op
        self._operands: list[ir.Value] = []
        self._slots: list[int] = []
        self._settings: dict[str, Literal] = {}

    def operand(self, index: int, binds: int = 0) -> str:
        """Return the place of an input, and how tightly it must bind there."""
        return self.value(self.op[index], binds)

    def value(self, value: ir.Value, binds: int = 0) -> str:
        """Return the place of a value of the graph."""
        self._operands.append(value)
        self._slots.append(binds)
        return f"{{{len(self._operands) - 1}}}"

    def setting(self, name: str, literal: Literal) -> str:
        """Return the place of a constant."""
        self._settings[name] = literal
        return f"{{{name}}}"

    def integers(self, index: int, name: str, *, single: bool = False) -> str:
        """Return the place of an input that holds integers: axes, a shape, sizes.

        Args:
            index: Which input.
            name: What it is called where it is known; else it is read when the network runs.
            single: Whether one number may stand alone.
        """
        if self.op.has_sizes(index):
            numbers = self.op.sizes(index)
            return self.setting(name, numbers[0] if single and len(numbers) == 1 else numbers)
        return NUMBERS.replace("{%d}", self.operand(index))

    def integer(self, index: int, name: str) -> str:
        """Return the place of an input that holds one integer."""
        if self.op.has_sizes(index):
            return self.setting(name, self.op.sizes(index)[0])
        return self.element(index)

    def element(self, index: int) -> str:
        """Return the place of the first element of an input, as a Python integer."""
        if self.op.rank(index):
            return f"int({self.operand(index, ATOM)}[0])"
        return f"int({self.operand(index)})"

    def expression(
        self,
        template: str,
        *,
        binds: int = ATOM,
        outputs: int = 1,
        closes: bool = False,
        helpers: tuple[str, ...] = (),
    ) -> Expression:
        """Return the expression of a template."""
        return Expression(
            template,
            tuple(self._operands),
            self._settings,
            binds,
            tuple(self._slots),
            outputs=outputs,
            closes=closes,
            helpers=helpers,
        )
