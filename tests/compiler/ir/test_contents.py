import numpy as np

from onnx2ms.compiler.ir.sizes.contents import content_of


def test_a_content_without_elements_keeps_its_shape():
    content = content_of(np.zeros((0, 2, 3), np.int64))
    assert content is not None
    assert content.shape == (0, 2, 3)
