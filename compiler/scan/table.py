"""The table of PyTorch's APIs and MindSpore's: apis.csv, whose verdicts are measured.

Where a row has an example and a counterpart, a test runs both on equal inputs on the CPU and finds
the same numbers, shapes and element types; `measured` rows are those. The other rows say what
MindSpore's documentation does. Versions: PyTorch 2.13, MindSpore 2.10.
"""

import ast
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

Verdict = Literal["same", "defaults", "differs", "none", "unknown"]

WORDS: Mapping[Verdict, str] = {
    "same": "the same",
    "defaults": "the same but for defaults",
    "differs": "another way",
    "none": "no counterpart",
    "unknown": "not in the table",
}
"""The verdicts, in the order in which they are told, and what they mean."""

UNSUPPORTED: frozenset[Verdict] = frozenset({"none", "unknown"})


@dataclass(frozen=True)
class Api:
    """An API of PyTorch, and its counterpart.

    Attributes:
        torch: Its name, `torch.nn.Conv2d`; a method is `torch.Tensor.view`.
        mindspore: Its counterpart below `mindspore`, `nn.Conv2d`; empty: there is none.
        platforms: Those on which MindSpore's documentation claims it; empty: it does not say.
        verdict: How the two compare.
        example: A call of it on inputs that the tests name.
        counterpart: The call of MindSpore's that does the same.
        keywords: Arguments that both call so.
        note: What differs.
    """

    torch: str
    mindspore: str
    platforms: tuple[str, ...]
    verdict: Verdict
    example: str
    counterpart: str
    keywords: frozenset[str]
    note: str

    @property
    def measured(self) -> bool:
        """Whether a test runs both and finds the same."""
        return bool(self.example)

    @property
    def exchangeable(self) -> bool:
        """Whether one name stands for the other: both are called with the same words."""
        if self.verdict != "same" or not self.measured:
            return False
        return _words(self.example) == _words(self.counterpart)

    @property
    def positions(self) -> int:
        """How many arguments by position the measured call has; of a layer, its constructor."""
        call = ast.parse(self.example, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Call):
            call = call.func
        return len(call.args) if isinstance(call, ast.Call) else 0


def _words(call: str) -> str:
    """Return a call without the name of what is called."""
    head = re.match(r"[\w.]+(?=\()", call)
    return call[head.end() :] if head else call


@cache
def table() -> Mapping[str, Api]:
    """Return the table, by the names of PyTorch's APIs."""
    text = (files(__package__ or "") / "apis.csv").read_text(encoding="utf-8")
    return {
        row["torch"]: Api(
            row["torch"],
            row["mindspore"],
            tuple(row["platforms"].split()),
            cast(Verdict, row["verdict"]),
            row["example"],
            row["counterpart"],
            frozenset(row["keywords"].split()),
            row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    }


HOMES = tuple(
    (re.compile(f"^{pattern}"), home)
    for pattern, home in (
        (r"torch\.nn\.modules\.\w+\.", "torch.nn."),
        (r"torch\.nn\.parameter\.", "torch.nn."),
        (r"torch\.optim\.(?!lr_scheduler)\w+\.(?=[A-Z]\w*$)", "torch.optim."),
        (r"torch\.utils\.data\.(dataset|dataloader|sampler)\.", "torch.utils.data."),
        (
            r"torchvision\.transforms\.(transforms|v2|autoaugment)\.",
            "torchvision.transforms.",
        ),
        (
            r"torchvision\.ops\.(misc|boxes|poolers|feature_pyramid_network)\.",
            "torchvision.ops.",
        ),
        (r"torchvision\.ops\.stochastic_depth\.(?=Stoch)", "torchvision.ops."),
        (r"torch\.(Float|Long|Int|Bool)Tensor$", "torch.Tensor"),
    )
)
"""Where an API stands beside its public name."""


def public(name: str) -> str:
    """Return the name under which the table has an API."""
    for pattern, home in HOMES:
        name = pattern.sub(home, name)
    return name


def lookup(name: str) -> Api:
    """Return what the table says of an API; of one that it does not have, that."""
    found = table().get(public(name))
    return found or Api(public(name), "", (), "unknown", "", "", frozenset(), "")
