"""Plugins found: those that are installed, those that are named, and those that are at hand."""

import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

from ...passes.text_pass import read_pass
from ..ir.errors import Onnx2msError, PluginError, quoted, told
from .plugin import Plugin

GROUP = "onnx2ms.plugins"
"""Group of the entry points by which an installed package tells its plugins."""

TEXT = ".onnxtxt"
"""How the name of a file ends that holds a pass as ONNX text."""

AnyPlugin: TypeAlias = Plugin | ModuleType | str | os.PathLike[str]
"""A plugin; a module whose `plugin` it is; the module's name; a .py or .onnxtxt file."""


@dataclass(frozen=True)
class Loaded:
    """A plugin and where it comes from.

    Attributes:
        plugin: The plugin.
        source: The file or module as it was named, `entry point acme of acme-tools 0.1`, or
            `Python` for an object.
    """

    plugin: Plugin
    source: str


def load_plugins(given: AnyPlugin | Sequence[AnyPlugin] = ()) -> tuple[Loaded, ...]:
    """Return the installed plugins and the given ones, in this order. Their code is run.

    Raises:
        PluginError: One cannot be loaded, or two have the same name.
    """
    found = [_installed(entry) for entry in sorted(entry_points(group=GROUP), key=_key)]
    found += [_given(item) for item in several(given)]
    seen: dict[str, Loaded] = {}
    for loaded in found:
        other = seen.setdefault(loaded.plugin.name, loaded)
        if other is not loaded:
            raise PluginError(
                f"two plugins are called {loaded.plugin.name}: {other.source} and {loaded.source}",
                help="leave one of them out",
            )
    return tuple(found)


def several(given: AnyPlugin | Sequence[AnyPlugin]) -> list[AnyPlugin]:
    """Return plugins as a list; one alone may be given as it is."""
    if isinstance(given, (Plugin, ModuleType, str, os.PathLike)):
        return [given]
    return list(given)


def arguments(given: AnyPlugin | Sequence[AnyPlugin]) -> list[str] | None:
    """Return what `--plugin` names plugins by; None where one of them is an object."""
    found: list[str] = []
    for item in several(given):
        if isinstance(item, Plugin):
            return None
        found.append(item.__name__ if isinstance(item, ModuleType) else os.fspath(item))
    return found


def _key(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.value


def _installed(entry: EntryPoint) -> Loaded:
    package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
    source = f"entry point {entry.name}{package}"
    try:
        found: object = entry.load()
    except (Exception, SystemExit) as error:
        raise _failed(source, error) from error
    return Loaded(_plugin_of(found, source), source)


def _given(item: AnyPlugin) -> Loaded:
    if isinstance(item, Plugin):
        return Loaded(item, "Python")
    if isinstance(item, ModuleType):
        return Loaded(_plugin_of(item, item.__name__), item.__name__)
    text = os.fspath(item)
    source = quoted(text, 4096)[1:-1]
    try:
        if text.endswith(TEXT):
            return Loaded(Plugin(Path(text).stem, passes=[read_pass(Path(text))]), source)
        found = _from_file(Path(text)) if text.endswith(".py") else importlib.import_module(text)
    except (Exception, SystemExit) as error:
        raise _failed(source, error) from error
    return Loaded(_plugin_of(found, source), source)


def _from_file(file: Path) -> ModuleType:
    """Run a file as a module of its own, anew each time."""
    path = file.resolve()
    name = f"onnx2ms_plugin_{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look a class's module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _plugin_of(found: object, source: str) -> Plugin:
    """Return a plugin, or that of a module."""
    plugin = getattr(found, "plugin", None) if isinstance(found, ModuleType) else found
    if isinstance(plugin, Plugin):
        return plugin
    raise PluginError(
        f"plugin {source} is no plugin: {'it' if plugin is found else 'its `plugin`'} is "
        f"{type(plugin).__name__}",
        help='set `plugin = Plugin("name", …)` in it; docs/plugins.md shows how',
    )


def _failed(source: str, error: BaseException) -> PluginError:
    """Return the message for a plugin that cannot be loaded, with the line where it failed."""
    if isinstance(error, Onnx2msError):
        return PluginError(f"plugin {source} cannot be loaded: {error.message}", help=error.help)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
    last = frames[-1] if frames else None
    inside = last is not None and Path(last.filename).parent != Path(__file__).parent
    where = f" ({Path(last.filename).name}, line {last.lineno})" if last and inside else ""
    return PluginError(
        f"plugin {source} cannot be loaded: {told(error)}{where}",
        help="name a .py or .onnxtxt file, or a module that Python can import",
    )
