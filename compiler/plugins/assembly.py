"""Our own parts and those of plugins, put together for one conversion."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ...emitters.mindspore.emitter import MindSporeEmitter
from ...emitters.mindspore.function_source import HELPERS, Helper
from ...emitters.mindspore.operators import EMITTERS
from ...emitters.mindspore.registry import Emitters, OperatorEmitter
from ...passes.pipeline import STAGES, Stage
from ...passes.placing import place
from ..ir.errors import PluginError, UsageError, closest, quoted
from ..ir.meanings import Key, Meaning, Meanings
from .load import AnyPlugin, Loaded, load_plugins
from .plugin import Plugin, Target

T = TypeVar("T")
LOWER = "lower"
OURS = "onnx2ms"
MINDSPORE = Target(
    "mindspore",
    MindSporeEmitter(),
    "nested nn.Cell classes",
    lower=STAGES[-1].passes,
    formats=("ckpt", "safetensors"),
)
"""Our own target; the child process of the verification runs what it writes."""


@dataclass(frozen=True)
class Assembly:
    """All that a conversion is made with. It belongs to that conversion alone.

    Attributes:
        plugins: The plugins in it.
        stages: The passes in their order.
        emitters: What each operator becomes in MindSpore.
        helpers: Functions and classes that MindSpore source may need, by name.
        meanings: What operators of unknown domains compute.
        targets: All frameworks, by name.
        target: The one whose source is written.
    """

    plugins: tuple[Loaded, ...]
    stages: tuple[Stage, ...]
    emitters: Emitters
    helpers: Mapping[str, Helper]
    meanings: Meanings
    targets: Mapping[str, Target]
    target: Target

    @property
    def claimed(self) -> frozenset[Key]:
        """Operators of other domains that plugins know: where a file defines them, they stay."""
        emitted = (key for key, emitter in self.emitters.items() if emitter.origin)
        return frozenset(key for key in (*emitted, *self.meanings) if key[0])

    @property
    def versions(self) -> dict[str, int]:
        """Version of each domain that plugins know, for passes that write its operators."""
        found: dict[str, int] = {}
        for domain, operator in self.claimed:
            emitter = self.emitters.get((domain, operator))
            known = emitter.versions if emitter is not None else ()
            found[domain] = max(found.get(domain, 1), *known, 1)
        return found

    @property
    def writers(self) -> str:
        """The plugins whose code may stand in the source, for messages."""
        names = [
            loaded.plugin.name
            for loaded in self.plugins
            if loaded.plugin.emitters or loaded.plugin.helpers or loaded.plugin.targets
        ]
        return ", ".join(names)


def assemble(given: AnyPlugin | Sequence[AnyPlugin] = (), target: str = MINDSPORE.name) -> Assembly:
    """Return our own parts together with those of the plugins that are installed or given.

    Args:
        given: Plugins beside the installed ones.
        target: Name of the framework whose source is written.

    Raises:
        PluginError: A plugin cannot be loaded, or claims what another one does.
        UsageError: There is no such target.
    """
    loaded = load_plugins(given)
    plugins = [item.plugin for item in loaded]
    emitters, helpers = _emitters(plugins), _helpers(plugins)
    own = replace(MINDSPORE, emitter=MindSporeEmitter(emitters, helpers))
    targets = _targets(plugins, own)
    if target not in targets:
        raise UsageError(
            f"there is no target {quoted(target)}{closest(target, targets)}",
            help=f"targets are {', '.join(targets)}",
        )
    chosen = targets[target]
    stages = [
        replace(stage, passes=chosen.lower) if stage.name == LOWER else stage for stage in STAGES
    ]
    passes = [
        replace(item, origin=plugin.name)
        for plugin, item in _parts((plugin, plugin.passes) for plugin in plugins)
    ]
    order = place(stages, passes)
    return Assembly(loaded, order, emitters, helpers, _meanings(plugins), targets, chosen)


def _parts(found: Iterable[tuple[Plugin, Sequence[T]]]) -> Iterator[tuple[Plugin, T]]:
    """Yield every part with its plugin."""
    for plugin, members in found:
        for member in members:
            yield plugin, member


def _claim(owners: dict[str, str], name: str, plugin: Plugin, what: str) -> None:
    """Note that something is a plugin's.

    Raises:
        PluginError: It is another's.
    """
    if name in owners:
        other = owners[name]
        whose = other if other == OURS else f"plugin {other}"
        raise PluginError(
            f"plugin {plugin.name} brings {what}, and so does {whose}",
            help="leave one of them out, or name it otherwise",
        )
    owners[name] = plugin.name


def _emitters(plugins: Sequence[Plugin]) -> dict[Key, OperatorEmitter]:
    """Return what each operator becomes in MindSpore."""
    found = dict(EMITTERS)
    owners: dict[str, str] = {}
    for plugin, emitter in _parts((plugin, plugin.emitters) for plugin in plugins):
        for operator in emitter.operators:
            key = emitter.domain, operator
            name = f"{emitter.domain}.{operator}" if emitter.domain else operator
            _claim(owners, name, plugin, f"the emitter of {name}")
            if key in EMITTERS and not emitter.replaces:
                raise PluginError(
                    f"plugin {plugin.name} brings the emitter of {name}, and so does onnx2ms",
                    help="say so if it is to replace ours: @emits(…, replaces=True)",
                )
            found[key] = replace(emitter, origin=plugin.name)
    return found


def _helpers(plugins: Sequence[Plugin]) -> dict[str, Helper]:
    """Return the functions and classes that MindSpore source may need, by name."""
    found = dict(HELPERS)
    owners = dict.fromkeys(found, OURS)
    for plugin, helper in _parts((plugin, plugin.helpers) for plugin in plugins):
        assert isinstance(helper, Helper), "Plugin has read the files"
        _claim(owners, helper.name, plugin, f"the helper {helper.name}")
        found[helper.name] = helper
    return found


def _meanings(plugins: Sequence[Plugin]) -> dict[Key, Meaning]:
    """Return what operators of unknown domains compute."""
    found: dict[Key, Meaning] = {}
    owners: dict[str, str] = {}
    for plugin, meaning in _parts((plugin, plugin.meanings) for plugin in plugins):
        name = f"{meaning.domain}.{meaning.operator}"
        _claim(owners, name, plugin, f"the meaning of {name}")
        found[meaning.key] = replace(meaning, origin=plugin.name)
    return found


def _targets(plugins: Sequence[Plugin], own: Target) -> dict[str, Target]:
    """Return all frameworks that a model can become source of, by name."""
    found = {own.name: own}
    owners = {own.name: OURS}
    for plugin, target in _parts((plugin, plugin.targets) for plugin in plugins):
        _claim(owners, target.name, plugin, f"the target {target.name}")
        lower = [replace(item, origin=plugin.name) for item in target.lower]
        found[target.name] = replace(target, lower=lower, origin=plugin.name)
    return found
