"""`python -m onnx2ms` is the command `onnx2ms`."""

import sys

from onnx2ms.compiler.cli import main

sys.exit(main())
