"""Passes of plugins put into the order, and passes left out of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ..compiler.ir.errors import PluginError, UsageError, closest, quoted
from .base import Pass
from .pipeline import Stage, check_order


def place(stages: Sequence[Stage], passes: Iterable[Pass]) -> tuple[Stage, ...]:
    """Return an order that holds some passes more.

    Each stands in its stage as early as its `after` allows, behind those that were given before it
    for the same place; one that replaces others stands where the first of them did.

    Raises:
        PluginError: A pass bears the name of another one, names a stage or pass that is not there,
            stands behind itself, or replaces what another one replaces.
    """
    found = tuple(stages)
    waiting: list[Pass] = []
    names = {item.name: item for stage in found for item in stage.passes}
    replaced: dict[str, Pass] = {}
    for item in passes:
        if item.name in names:
            raise _clash(item, names[item.name])
        names[item.name] = item
        if item.replaces:
            found = _substitute(found, item, replaced)
        else:
            waiting.append(item)
    while waiting:
        there = {item.name for stage in found for item in stage.passes}
        ready = [item for item in waiting if there.issuperset(item.after)]
        if not ready:
            raise _lost(waiting[0], names)
        for item in ready:
            found = _insert(found, item)
            waiting.remove(item)
    try:
        check_order(found)
    except ValueError as error:
        raise PluginError(str(error), help="`onnx2ms passes` tells the order") from error
    return found


def choose(
    stages: Sequence[Stage], skip: Collection[str], only: Collection[str]
) -> tuple[Stage, ...]:
    """Return an order without some passes.

    Args:
        stages: The whole order.
        skip: Passes that are left out.
        only: Passes beside which the stages that they stand in hold no others.

    Raises:
        UsageError: There is no such pass, or one is named in both.
    """
    names = {item.name for stage in stages for item in stage.passes}
    for name in (*skip, *only):
        if name not in names:
            raise UsageError(
                f"there is no pass {quoted(name)}{closest(name, names)}",
                help="`onnx2ms passes` lists them",
            )
        if name in skip and name in only:
            raise UsageError(f"pass {name} cannot both be skipped and be the only one")
    return tuple(
        replace(stage, passes=tuple(_chosen(stage.passes, skip, only))) for stage in stages
    )


def _chosen(passes: Sequence[Pass], skip: Collection[str], only: Collection[str]) -> Iterable[Pass]:
    alone = [item for item in passes if item.name in only]
    return alone or [item for item in passes if item.name not in skip]


def _clash(item: Pass, other: Pass) -> PluginError:
    whose = f"plugin {other.origin}" if other.origin else "onnx2ms"
    return PluginError(
        f"plugin {item.origin} has a pass {item.name}, and so has {whose}",
        help=f"name it otherwise, or let it replace the other: replaces=({item.name!r},) and "
        "a name of its own",
    )


def _lost(item: Pass, names: Collection[str]) -> PluginError:
    """Say why there is no place for a pass."""
    for anchor in item.after:
        if anchor not in names:
            return PluginError(
                f"{item.title} is to run after {quoted(anchor)}: no such pass"
                f"{closest(anchor, names)}",
                help="`onnx2ms passes` lists them",
            )
    return PluginError(f"{item.title} is to run after {', '.join(item.after)}, which run after it")


def _substitute(
    stages: tuple[Stage, ...], item: Pass, replaced: dict[str, Pass]
) -> tuple[Stage, ...]:
    """Return an order with a pass in the place of the first of those that it replaces."""
    there = {other.name for stage in stages for other in stage.passes}
    for name in item.replaces:
        if name in replaced:
            raise PluginError(f"{item.title} replaces {name}, and so does {replaced[name].title}")
        if name not in there:
            raise PluginError(
                f"{item.title} replaces {quoted(name)}: no such pass{closest(name, there)}",
                help="`onnx2ms passes` lists them",
            )
        replaced[name] = item
    found: list[Stage] = []
    for stage in stages:
        passes = [
            item if other.name == item.replaces[0] else _behind(other, item)
            for other in stage.passes
            if other.name not in item.replaces[1:]
        ]
        found.append(replace(stage, passes=tuple(passes)))
    return tuple(found)


def _behind(other: Pass, item: Pass) -> Pass:
    """Return a pass that runs after a new one if it was to run after one that this replaces."""
    after = dict.fromkeys(item.name if name in item.replaces else name for name in other.after)
    return replace(other, after=tuple(after)) if tuple(after) != tuple(other.after) else other


def _insert(stages: tuple[Stage, ...], item: Pass) -> tuple[Stage, ...]:
    """Return an order with a pass in its stage, behind what it names there."""
    known = [stage.name for stage in stages]
    if item.stage not in known:
        what = f"stage {quoted(item.stage)}" if item.stage else "no stage"
        raise PluginError(
            f"{item.title} is to stand in {what}", help=f"the stages are {', '.join(known)}"
        )
    index = known.index(item.stage)
    passes = list(stages[index].passes)
    place = max((i + 1 for i, other in enumerate(passes) if other.name in item.after), default=0)
    while place < len(passes) and passes[place].origin and not passes[place].replaces:
        place += 1
    passes.insert(place, item)
    return (*stages[:index], replace(stages[index], passes=tuple(passes)), *stages[index + 1 :])
