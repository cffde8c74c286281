"""Lists of cells are run by loops."""

import ast

WEIGHT = "float[2,2] {} = {{0,0, 0,0}}"


def classes(source: str) -> list[str]:
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def construct(source: str, name: str) -> str:
    """Return the text of a class's `construct`."""
    (found,) = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == name]
    (method,) = [n for n in found.body if isinstance(n, ast.FunctionDef) and n.name == "construct"]
    return ast.unparse(method)


def layers(count: int) -> tuple[str, dict[str, str]]:
    """Return a chain of blocks `layers.i` that also read a mask, and their scopes."""
    nodes, weights, scopes, x = "", [], {}, "x"
    for i in range(count):
        weights.append(WEIGHT.format(f"w{i}"))
        nodes += f"a{i} = Gemm <transB = 1> ({x}, w{i})  b{i} = Mul(a{i}, m)  c{i} = Relu(b{i})\n"
        scopes |= {f"a{i}": f"layers.{i}|fc", f"b{i}": f"layers.{i}|", f"c{i}": f"layers.{i}|"}
        x = f"c{i}"
    text = (
        f"g (float[1,2] x, float[1,2] m) => (float[1,2] y)\n<{', '.join(weights)}>\n"
        f"{{{nodes} y = Exp({x})}}"
    )
    return text, scopes


def test_chain_through_a_list_is_a_loop(emit):
    text, scopes = layers(4)
    source = emit(text, scopes).source
    assert "self.layers = nn.CellList([Layer(2, 2)" not in source
    assert "self.layers = nn.CellList([Layer() for _ in range(4)])" in source
    assert "for layer in self.layers:\n            x = layer(x, m)" in source


def test_loop_at_the_end_keeps_its_body(emit):
    text, scopes = layers(3)
    source = emit(
        text.replace("(float[1,2] y)", "(float[1,2] c2)").replace("y = Exp(c2)", ""), scopes
    ).source
    assert "            x = layer(x, m)\n        return x" in source


def test_module_that_is_a_list_is_a_loop_of_its_parent(emit):
    text, scopes = layers(4)
    called = {name: path.replace("|", ".").rstrip(".") for name, path in scopes.items()}
    assert emit(text, called).source == emit(text, scopes).source


def test_names_of_weights_stay(emit):
    text, scopes = layers(3)
    assert [w.name for w in emit(text, scopes).weights] == [
        "layers.0.fc.weight",
        "layers.1.fc.weight",
        "layers.2.fc.weight",
    ]


def test_result_in_the_middle_that_is_read_keeps_the_calls_apart(emit):
    text, scopes = layers(3)
    source = emit(text.replace("y = Exp(c2)", "y = Add(c2, c0)"), scopes).source
    assert "for layer" not in source
    assert "self.layers[2](" in source


def test_value_that_is_read_again_is_not_overwritten(emit):
    text, scopes = layers(3)
    source = emit(text.replace("y = Exp(c2)", "y = Add(c2, x)"), scopes).source
    assert "out = x\n        for layer in self.layers:\n            out = layer(out, m)" in source


def test_what_every_turn_reads_keeps_its_name(emit):
    text, scopes = layers(4)
    text = text.replace(", m)", ", n)").replace("(x, w0)", "(z, w0)")
    text = text.replace("{a0", "{n = Exp(x)  z = Log(m)  a0")
    lines = construct(emit(text, scopes).source, "Net").splitlines()
    assert lines[1:5] == [
        "    x = ops.exp(x)",
        "    out = ops.log(m)",
        "    for layer in self.layers:",
        "        out = layer(out, x)",
    ]


def test_every_value_has_a_place(emit):
    text, scopes = layers(3)
    values = [place.value for place in emit(text, scopes).source_map]
    assert values == [f"{v}{i}" for i in range(3) for v in "abc"] + ["y"]


def dense(count: int, prefix: str, x: str, channels: int) -> tuple[str, list[str], dict[str, str]]:
    """Return a block of DenseNet: nodes, weights and scopes; its result is `<prefix>out`."""
    nodes, weights, scopes, features = "", [], {}, [x]
    for i in range(count):
        into = channels + 2 * i
        name, path = f"{prefix}{i}", f"{prefix}.layer{i + 1}"
        joined = features[0]
        if i:
            joined = f"{name}j"
            nodes += f"{joined} = Concat <axis = 1> ({', '.join(features)})\n"
            scopes[joined] = path
        nodes += f"{name}c = Conv ({joined}, {name}w)  {name} = Relu({name}c)\n"
        zeros = ", ".join("0" * 2 * into)
        weights.append(f"float[2,{into},1,1] {name}w = {{{zeros}}}")
        scopes |= {f"{name}c": f"{path}.conv", name: path}
        features.append(name)
    nodes += f"{prefix}out = Concat <axis = 1> ({', '.join(features)})\n"
    scopes[f"{prefix}out"] = prefix
    return nodes, weights, scopes


def test_blocks_of_densenet_are_one_class(emit):
    """Layers that read all features before are a loop; blocks of other depths one class."""
    first, weights, scopes = dense(3, "p", "x", 4)
    second, more, other = dense(5, "q", "pout", 10)
    text = (
        f"g (float[1,4,3,3] x) => (float[1,20,3,3] qout)\n<{', '.join(weights + more)}>\n"
        f"{{{first}{second}}}"
    )
    emission = emit(text, scopes | other)
    assert len(classes(emission.source)) == 3
    layer, block, _ = classes(emission.source)
    assert construct(emission.source, layer).startswith("def construct(self, *features: ms.Tensor)")
    assert "for layer in self.layers:" in construct(emission.source, block)
    assert "for i in range(depth)" in emission.source
    assert f"{block}(4, 3)" in emission.source
    assert f"{block}(10, 5)" in emission.source
    places = {place.value for place in emission.source_map}
    assert places == set(scopes | other)


def test_bare_residual_block_is_one_class_with_the_others(emit):
    """MobileNetV2: a block that changes the channels has no sum."""
    text = """g (float[1,2,4,4] x) => (float[1,4,4,4] y)
    <float[2,2,1,1] w1 = {0,0, 0,0}, float[2,2,1,1] w2 = {0,0, 0,0},
     float[4,2,1,1] w3 = {0,0, 0,0, 0,0, 0,0}>
    { a = Conv(x, w1) b = Relu(a) c = Add(b, x)
      d = Conv(c, w2) e = Relu(d) f = Add(e, c)
      h = Conv(f, w3) y = Relu(h) }"""
    scopes = {"a": "b.0.conv", "b": "b.0", "c": "b.0", "d": "b.1.conv", "e": "b.1", "f": "b.1"}
    scopes |= {"h": "b.2.conv", "y": "b.2"}
    named = dict.fromkeys(["b.0", "b.1", "b.2"], "a.Block")
    source = emit(text, scopes, named).source
    assert classes(source) == ["Block", "Net"]
    assert "residual: bool = True" in source
    assert "if self.residual else" in source
