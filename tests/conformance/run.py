"""The official ONNX suite: `run.py [--forms NAME,…] [--only TEXT] [--tenth] [--misses]`.

Writes what became of every case into OUT/<form>.json and prints a table by form and mode.
"""

import argparse
import json
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

import onnx
from element_types import element_types
from forms import FORMS
from groups import print_groups
from misses import MODES, known_misses, unexpected
from pool import Told, run_cases
from suite import cases

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> None:
    """Run the suite."""
    options = parse(arguments)
    if options.groups:
        sys.exit(bool(print_groups(options.only)))
    folder = options.out / f"onnx-{onnx.__version__}"
    everything = cases(folder)
    core = [case.id for case in everything if case.group == "core"]
    others = Counter(case.group for case in everything if case.group != "core")
    print(f"onnx {onnx.__version__}: {len(core)} core cases; not core: {dict(others)}")
    if options.types:
        folder, suite = options.out / f"types-{onnx.__version__}", folder
        varied = element_types(suite, [case for case in everything if case.group == "core"], folder)
        core = [case.id for case in varied]
        print(f"{len(core)} cases in other element types")
    ids = [case for case in core if is_wanted(case, options)]
    rows, surprises = list[str](), list[str]()
    for form in options.forms.split(","):
        results = run_form(form, ids, folder, options)
        file = options.out / f"{form}{options.name}.json"
        file.write_text(json.dumps(results, indent=0))
        rows += [row(form, mode, results) for mode in MODES]
        surprises += [] if options.types else unexpected(form, results)
    print("\n| form | mode | pass | wrong | does not run | refused | cases |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))
    if surprises:
        print("\nnot as docs/known_misses.toml has it:", *surprises, sep="\n")
    sys.exit(bool(surprises))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "conformance")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--only", default="", help="only cases whose id holds one of these, comma")
    parser.add_argument("--ids", type=Path, help="only the cases that a file lists")
    parser.add_argument("--tenth", action="store_true", help="a fixed tenth of them")
    parser.add_argument("--types", action="store_true", help="other element types than its own")
    parser.add_argument("--groups", action="store_true", help="those that are not core, by group")
    parser.add_argument("--misses", action="store_true", help="and all known misses")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--name", default="", help="added to the names of the result files")
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    return options


def is_wanted(case: str, options: argparse.Namespace) -> bool:
    """Tell whether a case is among those that were asked for."""
    if options.misses and case in {miss.case for miss in known_misses()}:
        return True
    if options.tenth and zlib.crc32(case.encode()) % 10:
        return False
    if options.ids is not None and case not in options.ids.read_text().split():
        return False
    return any(text in case for text in options.only.split(","))


def run_form(
    form: str, ids: list[str], folder: Path, options: argparse.Namespace
) -> dict[str, dict[str, Told]]:
    """Try cases in one form; return by mode and case what became of it."""
    results: dict[str, dict[str, Told]] = {mode: {} for mode in MODES}
    started = time.monotonic()

    def report(told: Told) -> None:
        results[str(told.pop("mode"))][str(told.pop("id"))] = told
        done = len(results[MODES[-1]])
        if done % 100 == 0 and len(results[MODES[0]]) >= done:
            print(f"{form}: {done}/{len(ids)} after {time.monotonic() - started:.0f} s", flush=True)

    run_cases(ids, folder, form, jobs=options.jobs, timeout=options.timeout, report=report)
    return results


def row(form: str, mode: str, results: dict[str, dict[str, Told]]) -> str:
    """Return a line of the table."""
    told = results[mode].values()
    stages = Counter(str(what.get("stage", "pass")) for what in told)
    counts = [stages["pass"], stages["judge"], stages["run"] + stages["crash"], stages["convert"]]
    return f"| {form} | {mode.upper()} | {' | '.join(map(str, counts))} | {len(told)} |"


if __name__ == "__main__":
    main(sys.argv[1:])
