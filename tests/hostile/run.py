"""Spoiled models: `run.py [--count 10000] [--seed 0] [--suite] [--verify-every 100]`.

Each is converted in a process of its own, forked from one that has everything imported, under a
limit of memory and of time. Whatever ends in a traceback, a death, a hang or a file in a wrong
place is kept in OUT. The same numbers make the same models; a run goes on where the last one ended.
"""

import argparse
import gc
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import mutants  # noqa: E402
import outside  # noqa: E402
import seeds  # noqa: E402
from judge import judge, judge_folder  # noqa: E402

from onnx2ms.compiler import cli  # noqa: E402
from onnx2ms.compiler.verify import engines  # noqa: E402
from onnx2ms.compiler.verify.verify import verify_folder  # noqa: E402

MEMORY = 2 * 2**30
"""Bytes that a conversion may have beside what its process has when it begins."""

SECONDS = 20
"""Of the processor."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a number of spoiled models and print what became of them."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    pool, others = seeds.small(), seeds.large()
    if options.suite:
        pool = [*pool * 20, *others * 10, *seeds.suite()]
    log = options.out / f"seed{options.seed}.jsonl"
    done = len(log.read_text().splitlines()) if log.exists() else 0
    warm(pool[:3])
    with log.open("a") as lines:
        for number in range(done, options.count):
            told = attempt(options.seed * 10**6 + number, pool, [*pool[:20], *others], options)
            print(json.dumps(told), file=lines, flush=True)
    return report([json.loads(line) for line in log.read_text().splitlines()][: options.count])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suite", action="store_true", help="take the official suite's cases too")
    parser.add_argument("--verify-every", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "hostile")
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    return options


def report(told: list[dict[str, object]]) -> int:
    """Print what became of all; return 1 if something is wrong with one."""
    print(f"{len(told)} models, by exit status {dict(Counter(str(one['status']) for one in told))}")
    wrong = [one for one in told if one["wrong"]]
    for one in wrong:
        print(f"{one['number']} ({one['mutant']}): {one['wrong']}"[:400])
    print(f"{len(wrong)} wrong; slowest {max(float(str(one['seconds'])) for one in told):.1f} s")
    return bool(wrong)


def warm(pool: list[seeds.Seed]) -> None:
    """Import whatever conversions import, onnxruntime too, so that forks have it."""
    import onnxruntime  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        for seed in pool:
            file = Path(folder) / "net.onnx"
            file.write_bytes(seed.data)
            cli.main([str(file), "--no-verify", "-q", "-o", f"{folder}/{seed.name}"])
    gc.collect()
    gc.freeze()


def attempt(
    number: int, pool: list[seeds.Seed], sources: list[seeds.Seed], options: argparse.Namespace
) -> dict[str, object]:
    """Convert one model in a fork; return what became of it."""
    mutant = mutants.mutate(number, pool, sources)
    every = options.verify_every
    verify = "pynative" if every and number % every == 0 else "none"
    scratch = Path(tempfile.mkdtemp(prefix="hostile-"))
    started = time.monotonic()
    try:
        (scratch / "in").mkdir()
        (scratch / "work").mkdir()
        (scratch / "tmp").mkdir()
        outside.surround(scratch / "in", mutant.files)
        (scratch / "in" / "net.onnx").write_bytes(mutant.data)
        before = set(scratch.rglob("*"))
        status = wait(fork(scratch, verify), 10 * SECONDS if verify == "none" else 1000)
        text = (scratch / "told").read_text("utf-8", "replace")
        new = set(scratch.rglob("*")) - before - {scratch / "told"}
        left: dict[str, list[str]] = {}
        for path in new:
            if not path.is_dir():
                place = path.parent.relative_to(scratch / "work", walk_up=True) if (
                    sys.version_info >= (3, 12)
                ) else os.path.relpath(path.parent, scratch / "work")  # fmt: skip
                left.setdefault(str(place), []).append(path.name)
        wrong = judge(status, text, left)
        if not wrong and (scratch / "work" / "out").exists():
            wrong = judge_folder(scratch / "work" / "out")
        if wrong:
            (options.out / f"{number}.onnx").write_bytes(mutant.data)
            (options.out / f"{number}.txt").write_text(f"{mutant.told}\n{wrong}\n{text}"[:20000])
    finally:
        shutil.rmtree(scratch)
    return {
        "number": number,
        "mutant": mutant.told,
        "status": status,
        "wrong": wrong,
        "told": text[:160],
        "seconds": round(time.monotonic() - started, 2),
    }


def fork(scratch: Path, verify: str) -> int:
    """Start a conversion in a process of its own and return its number."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        os.chdir(scratch / "work")
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch / "tmp")
        told = os.open(scratch / "told", os.O_WRONLY | os.O_CREAT)
        os.dup2(told, 1)
        os.dup2(told, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8")
        if verify == "none":
            limit()
        engines.TIMEOUT = 3.0 * SECONDS  # for loops that never end
        verify_folder.__kwdefaults__ = {
            **(verify_folder.__kwdefaults__ or {}),
            "timeout": 6.0 * SECONDS,
        }
        watch(scratch)
        status = cli.main(["../in/net.onnx", "-o", "out", "--verify", verify])
        sys.stdout.flush()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 70
    finally:
        os._exit(status)


def limit() -> None:
    """Limit memory and time of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def watch(scratch: Path) -> None:
    """End the process when it opens a file that it has no business with."""
    own = (str(scratch / "work"), str(scratch / "tmp"), "/dev/null")
    allowed = (*own, str(scratch / "in" / "net.onnx"), str(scratch / "in" / "weights.bin"))
    installed = tuple({sys.prefix, sys.base_prefix, str(ROOT), str(Path(cli.__file__).parents[1])})
    places = (str(scratch / "in" / name) for name in ("empty.bin", "huge.bin"))
    read = (*allowed, *places, *installed, "/proc/self/status", "/usr", "/etc/ld.so.cache", "/lib")

    def check(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("os.system", "os.exec", "os.spawn", "socket.connect", "os.symlink"):
            die(f"{event} {arguments}")
        if event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        writes = bool(int(str(arguments[2] or 0)) & WRITING)
        if not path.startswith(own if writes else read) and path != str(scratch / "work"):
            die(f"{'writes' if writes else 'opens'} {path}")

    sys.addaudithook(check)


def die(reason: str) -> None:
    os.write(2, f"internal error: the watch: {reason}\n".encode())
    os._exit(71)


def wait(child: int, seconds: float) -> int:
    """Wait for a process, end it if that lasts too long, and return how it ended."""
    end = time.monotonic() + seconds
    pause = 0.001
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
