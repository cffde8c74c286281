"""The generated module: header, classes, `build_model`."""

import re
from collections.abc import Iterator, Mapping, Sequence

import onnx_ir as ir

from ...compiler.ir.errors import REPORT, PluginError, listed
from ..base import EmitOptions, Module, Place
from .attention_source import ATTENTION, attention_lines
from .body import BodyWriter
from .cells import Cell
from .classes import ELEMENTS, ClassBuilder, ClassDefinition, Parameter, Required
from .clusters import Cluster
from .construct import variables
from .function_source import Helper, called
from .layout import bare, fit, place_marks
from .loader import dynamic_inputs, loader
from .naming import TAKEN, unique
from .places import SEQUENCE, Marked, Marks
from .render import TreeRenderer
from .shared_sizes import shared_sizes
from .statements import Body
from .stubs import stub_classes, stub_layers
from .ties import parameters, tied, untrained
from .turns import helpers_of
from .words import distinguish, name_class, printable


class SourceWriter:
    """Writes the source of a tree of cells.

    Args:
        root: The cell of the whole network.
        options: What stands in the header.
        helpers: Functions and classes that it may need, by name.
    """

    def __init__(self, root: Cell, options: EmitOptions, helpers: Mapping[str, Helper]) -> None:
        self._root = root
        self._options = options
        self._helpers = helpers
        self._taken = TAKEN | set(helpers)
        self._builder = ClassBuilder(root)
        self._marks = Marks()
        self._stubs = stub_layers(root)
        self._name_classes()

    def _name_classes(self) -> None:
        """Name the classes; of several with one name the one with most objects bears it."""
        bearers: dict[str, Cluster] = {}
        taken = {*self._taken, *(stub.name for stub in self._stubs)}
        definitions = self._builder.definitions
        for cluster in sorted(definitions, key=lambda c: -len(c.members)):
            name = name_class(cluster, self._root, self._options.model_name)
            if name in bearers:
                name = distinguish(name, cluster, bearers[name], taken)
            name = unique(name, taken)
            bearers.setdefault(name, cluster)
            taken.add(name)
            definitions[cluster].name = name

    @property
    def root_class(self) -> str:
        """Name of the class of the whole network."""
        return self._builder.definitions[self._builder.clustering.of[self._root]].name

    def modules(self) -> Iterator[Module]:
        """Yield every cell with the name of its class, each before those inside it."""
        nodes: dict[Cell, list[str]] = {cell: [] for cell in self._root.walk()}
        for cell in self._root.walk():
            for step in cell.steps:
                child = cell.children.get(step.child)
                if child is None or child.layer is not None:
                    nodes[child or cell].append(step.node.name or "")
        for cell in self._root.walk():
            cluster = self._builder.clustering.of.get(cell)
            if cell.layer is not None:
                name = cell.layer.name
            elif cluster is not None:
                name = self._builder.definitions[cluster].name
            else:
                name = "nn.CellList" if cell.loop else "nn.SequentialCell"
            yield Module(cell.path, name, cell.torch_class, nodes[cell])

    def write(self, graph: ir.Graph) -> tuple[str, list[Place]]:
        """Return the source, and where each value of the graph is computed in it."""
        classes: list[str] = []
        for lines in stub_classes(self._stubs):
            classes += ["", "", *lines]
        for definition in self._builder.definitions.values():
            classes += ["", "", *self._class(definition)]
        has_weights = any(True for _ in parameters(self._root))
        text = "\n".join(map(bare, classes))
        functions: list[str] = []
        called = self._called()
        for name in called:
            own = name == ATTENTION
            functions += attention_lines(text) if own else ["", "", *self._helpers[name].lines]
        lines = [
            *self._header("\n".join([*functions, text]), called),
            *functions,
            *classes,
            "",
            "",
            *loader(self.root_class, self._options.weights_file, weights=has_weights),
            *dynamic_inputs(graph.inputs),
        ]
        source, spans = place_marks("\n".join(lines) + "\n")
        return source, self._marks.places(spans, graph)

    def _called(self) -> list[str]:
        """Return the helpers that the classes need, that of a switch first."""
        cells = list(self._root.walk())
        steps = [step for cell in cells for step in cell.steps]
        needed = {name for step in steps if step.code for name in step.code.helpers}
        needed.update(name for step in steps if step.turns for name in helpers_of(step.turns))
        layers = {cell.layer.name for cell in cells if cell.layer is not None}
        layers -= {stub.name for stub in self._stubs}
        found = called(needed | (layers & set(self._helpers)), self._helpers)
        unknown = sorted(found - {*self._helpers, ATTENTION})
        if unknown:
            raise PluginError(f"no plugin brings the helper {listed(unknown)}", help=REPORT)
        return sorted(found, key=lambda name: (name != ATTENTION, name))

    def _header(self, classes: str, helpers: Sequence[str]) -> list[str]:
        """Return docstring and imports; the classes and helpers tell what has to be imported."""
        options = self._options
        origin = f"opset {options.opset}" + (f", {options.producer}" if options.producer else "")
        modules = [name for name in ("nn", "ops") if f"{name}." in classes]
        things = [
            name for name in ("Parameter", "Tensor") if re.search(rf"\b(?<!\.){name}\(", classes)
        ]
        more = [self._helpers[name].imports for name in helpers if name != ATTENTION]
        lines = [
            f'"""{self.root_class}, compiled by onnx2ms {options.version}.',
            "",
            f"From {printable(options.model_name)} ({printable(origin)}).",
            "`build_model()` returns it in inference mode, with the weights beside this file.",
            '"""',
            "",
            *(["from collections import OrderedDict"] if "OrderedDict(" in classes else []),
            *(["from collections.abc import Callable"] if "Callable[" in classes else []),
            "from pathlib import Path",
            "",
            "import mindspore as ms",
            f"from mindspore import {', '.join([*things, *modules])}",
        ]
        if "initializer(" in classes:
            lines.append("from mindspore.common.initializer import initializer")
        lines += dict.fromkeys(line for imports in more for line in imports)
        return [*lines, "", f'WEIGHTS = Path(__file__).with_name("{options.weights_file}")']

    def _class(self, definition: ClassDefinition) -> list[str]:
        """Return one class, with marks."""
        renderer = TreeRenderer(self._builder, definition.texts())
        parameters = [argument(parameter, renderer) for parameter in definition.parameters]
        lines = [f"class {definition.name}({definition.base}):"]
        lines += fit(4, f"def __init__({', '.join(['self', *parameters])}):")
        if definition.base == SEQUENCE:
            elements = renderer.text(definition.fields[ELEMENTS])
            text = self._marks.add(f"super().__init__{elements}", Marked(definition, ELEMENTS))
            return [*lines, *fit(8, text)]
        lines.append("        super().__init__()")
        for name, tree in definition.fields.items():
            text = self._marks.add(renderer.text(tree), Marked(definition, name))
            lines += fit(8, f"self.{name} = {text}")
        lines += [f"        self.{name} = {name}" for name in kept_settings(definition)]
        template = definition.cluster.template
        if template is self._root:
            ties = tied(self._root).items()
            lines += [f"        {one.expression} = {other.expression}" for one, other in ties]
            lines += [f"        {line}" for line in untrained(self._root)]
        trees = [tree for settings in definition.settings for tree in settings.values()]
        trees += [tree for guard in template.guards for tree in (guard.size, guard.other)]
        optional, shared = definition.cluster.optional(), shared_sizes(trees)
        body = Body(
            template, optional, root=template is self._root, shared=shared, taken=self._taken
        )
        return [*lines, "", *BodyWriter(self._builder, definition, body, self._marks).lines()]


def argument(parameter: Parameter, renderer: TreeRenderer) -> str:
    """Return an argument of a constructor as it is declared."""
    declared = f"{parameter.name}: {parameter.annotation}"
    if isinstance(parameter.default, Required):
        return declared
    return f"{declared} = {renderer.text(parameter.default)}"


def kept_settings(definition: ClassDefinition) -> list[str]:
    """Return the arguments of a constructor that `construct` reads."""
    trees = [tree for settings in definition.settings for tree in settings.values()]
    trees += definition.flags.values()
    indices = [index for tree in trees for index in variables(tree)]
    return list(dict.fromkeys(map(definition.argument, indices)))
