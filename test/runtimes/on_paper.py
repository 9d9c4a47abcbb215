"""Runtimes that no machine here has: the operators of each graph against the tables that they publish."""

import onnx

# The tables' own lists, as far as graphs of this project could use them; an operator that is not listed is not supported.
TABLES = {
    "TensorRT 8.5": {
        "source": "[onnx-tensorrt, docs/operators.md](https://github.com/onnx/onnx-tensorrt/blob/6d0ab7be324d02c7feb3a306b6fdbeae84f71ddc/docs/operators.md)",
        "opset": 17,
        "types": {"float32", "float16", "int32", "int64", "double", "bool"},
        "operators": """
            Abs Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos
            CumSum Div Einsum Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gemm Greater GreaterOrEqual
            Identity If Less LessOrEqual Log Loop MatMul Max MaxPool Min Mul Neg Not Or Pad Pow Range Reciprocal ReduceMax
            ReduceMean ReduceMin ReduceSum Relu Reshape Resize ScatterElements ScatterND Shape Sigmoid Sign Sin Slice
            Softmax Split Sqrt Squeeze Sub Sum Tanh Tile Transpose Unsqueeze Where""",
    },
    "CoreML, by ONNX Runtime's provider (MLProgram)": {
        "source": "[onnxruntime, coreml_supported_mlprogram_ops.md](https://github.com/microsoft/onnxruntime/blob/04f568d869ec533a48f29f67f9842ddf694d7ab1/tools/ci_build/github/apple/coreml_supported_mlprogram_ops.md)",
        "opset": 99,
        "types": {"float32", "float16", "int32", "int64", "bool"},
        "operators": """
            Add AveragePool Cast Clip Concat Conv ConvTranspose Cos DepthToSpace Ceil Div Elu Erf Exp GatherND Gemm Gelu
            GlobalAveragePool GlobalMaxPool GroupNormalization Identity InstanceNormalization LayerNormalization MatMul Max
            MaxPool Mul Pow Range Reciprocal ReduceSum ReduceMean ReduceMax Relu Reshape Resize Round Shape Sin Slice
            Softplus Split Sub Sigmoid Softmax Sqrt Squeeze Tanh Tile Transpose Unsqueeze""",
    },
}


def operators_of(graph):
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from operators_of(attribute.g)


def types_of(graph):
    for value in (*graph.input, *graph.output):
        name = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
        yield {"float": "float32"}.get(name, name)


def cell(path, table):
    model = onnx.load(path, load_external_data=False)
    found = set(operators_of(model.graph))
    missing = sorted(found - set(table["operators"].split()))
    types = sorted(set(types_of(model.graph)) - table["types"])
    opset = model.opset_import[0].version
    reasons = [
        *([f"no {', '.join(missing)}"] if missing else []),
        *([f"operator set {opset}"] if opset > table["opset"] else []),
        *([f"{', '.join(types)} in or out"] if types else []),
    ]
    return "; ".join(reasons) or f"all {len(found)} operators"


def on_paper(graphs):
    """graphs: name -> path. @returns a section in Markdown."""
    rows = [
        f"| {name} | {' | '.join(cell(path, table) for path in graphs.values())} |" for name, table in TABLES.items()
    ]
    sources = "\n".join(f"- {name}: {table['source']}." for name, table in TABLES.items())
    return f"""## On paper

Not run here: the operators of the same graphs, against the tables that these publish. A cell names what the table lacks.
ONNX Runtime's CoreML provider leaves such nodes to the CPU; TensorRT refuses the graph.

| runtime | {" | ".join(graphs)} |
|{" --- |" * (len(graphs) + 1)}
{chr(10).join(rows)}

{sources}
"""
