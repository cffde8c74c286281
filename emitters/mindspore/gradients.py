"""Operators through which no gradient flows."""

NAMES = (
    *(
        "And",
        "ArgMax",
        "ArgMin",
        "Bernoulli",
        "BitCast",
        "BitShift",
        "BitwiseAnd",
        "BitwiseNot",
        "BitwiseOr",
    ),
    *(
        "BitwiseXor",
        "Ceil",
        "ConstantOfShape",
        "DynamicQuantizeLinear",
        "Equal",
        "EyeLike",
        "Floor",
    ),
    *("Greater", "GreaterOrEqual", "Hardmax", "IsInf", "IsNaN", "Less", "LessOrEqual"),
    *(
        "MatMulInteger",
        "MelWeightMatrix",
        "Multinomial",
        "NonMaxSuppression",
        "NonZero",
        "Not",
        "OneHot",
        "Or",
    ),
    *("QuantizeLinear", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
    *("Range", "Round", "Shape", "Sign", "Size", "Xor"),
)
WITHOUT_GRADIENT = frozenset(("", name) for name in NAMES)
"""Their results are integers, truths or constants in pieces, or depend on no tensor."""
