"""Operators all of whose versions mean what the dialect's does: more types, or more to choose."""

from ..form import unchanged

SAME: tuple[tuple[tuple[int, ...], str], ...] = (
    ((1,), "Not"),
    ((1, 6, 8, 12, 13), "Max Min"),
    ((1, 6, 8, 13), "Mean"),
    ((1, 6, 13), "Abs Ceil Exp Floor Log Neg Reciprocal Sigmoid Sqrt Tanh"),
    ((1, 6, 13, 14), "Relu"),
    ((1, 6, 16), "LeakyRelu"),
    ((1, 6, 22), "Elu HardSigmoid InstanceNormalization"),
    ((1, 7, 10, 11, 19, 22), "AveragePool"),
    ((1, 8, 10, 11, 12, 22), "MaxPool"),
    ((1, 9, 11, 12, 13, 19, 21, 23, 24, 25), "Constant"),
    ((1, 9, 11, 13, 21, 23, 24, 25), "Flatten"),
    ((1, 9, 13), "MatMul"),
    ((1, 11, 12, 13), "ArgMax ArgMin"),
    ((1, 11, 13), "Gather"),
    ((1, 11, 13, 16, 19, 21, 23, 24, 25), "If Loop"),
    ((1, 11, 13, 28), "DepthToSpace"),
    ((1, 11, 22), "Conv ConvTranspose"),
    ((1, 13), "LRN"),
    ((1, 13, 14, 16, 19, 21, 23, 24, 25), "Identity"),
    ((1, 13, 15, 19, 21, 23, 24, 25), "Shape"),
    ((1, 13, 19, 21, 23, 24, 25), "Size"),
    ((1, 13, 21, 23, 24, 25), "Transpose"),
    (
        (1, 22),
        "GlobalAveragePool GlobalMaxPool LpNormalization MaxRoiPool RandomNormal "
        "RandomNormalLike RandomUniform RandomUniformLike Softplus Softsign",
    ),
    ((7, 22), "Acos Asin Atan Cos Multinomial Sin Tan"),
    ((8, 13), "Expand"),
    ((9,), "Shrink TfIdfVectorizer"),
    ((9, 11, 22), "MaxUnpool"),
    ((9, 11, 28), "Compress OneHot"),
    ((9, 13), "Erf MeanVarianceNormalization NonZero Sign"),
    ((9, 13, 20), "IsNaN"),
    ((9, 16), "Where"),
    ((9, 20, 21, 23, 24, 25), "ConstantOfShape"),
    ((9, 22), "Acosh Asinh Atanh Cosh EyeLike Sinh"),
    ((10,), "ConvInteger MatMulInteger QLinearConv StringNormalizer"),
    ((10, 11), "NonMaxSuppression"),
    ((10, 13, 19, 21, 23, 24, 25, 28), "DequantizeLinear QuantizeLinear"),
    ((10, 20), "IsInf"),
    ((10, 21), "QLinearMatMul"),
    ((10, 22), "ThresholdedRelu"),
    ((10, 28), "ReverseSequence"),
    (
        (11,),
        "ConcatFromSequence DynamicQuantizeLinear SequenceAt SequenceConstruct "
        "SequenceEmpty SequenceErase SequenceInsert SequenceLength",
    ),
    ((11, 12, 13), "GatherND"),
    ((11, 13), "GatherElements"),
    ((11, 13, 16, 18), "ScatterElements ScatterND"),
    ((11, 14), "CumSum"),
    ((11, 22), "Det Round"),
    ((11, 24), "SplitToSequence"),
    ((11, 28), "BitShift Unique"),
    ((12, 13), "SoftmaxCrossEntropyLoss"),
    ((12, 13, 22), "NegativeLogLikelihoodLoss"),
    ((12, 16), "GreaterOrEqual LessOrEqual"),
    ((12, 28), "Celu Einsum"),
    ((14,), "Trilu"),
    ((14, 22), "HardSwish"),
    ((15, 18, 28), "OptionalGetElement OptionalHasElement"),
    ((15, 19, 21, 23, 24, 25), "CastLike"),
    ((15, 22), "Bernoulli"),
    ((15, 28), "Optional"),
    (
        (17,),
        "BlackmanWindow HammingWindow HannWindow LayerNormalization MelWeightMatrix STFT "
        "SequenceMap",
    ),
    ((18,), "BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im"),
    ((18, 22), "Mish"),
    ((19, 22), "DeformConv"),
    ((20,), "AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit"),
    ((23,), "RMSNormalization RotaryEmbedding"),
    ((24,), "Swish TensorScatter"),
)
"""Versions, and the operators that have had exactly these.

One exception is too rare to be rewritten: indices below zero gave rows of `off` in the first
OneHot, which forbade them.
"""

NEWER: tuple[tuple[tuple[int, ...], str], ...] = (
    ((26,), "BitCast CumProd"),
    ((27,), "CausalConvWithState LinearAttention"),
    ((28,), "SwiGLU"),
)
"""Operators that the dialect does not have; the emitter tells of them."""

for _versions, _op_types in (*SAME, *NEWER):
    unchanged(dict.fromkeys(_op_types.split(), _versions))
