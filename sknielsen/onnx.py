"""Converters to ONNX for skl2onnx, to serve without Python; needs the extra ``onnx``.

Importing this module registers them. From then on ``skl2onnx.to_onnx`` converts the classifier,
the augmenter and `AugmentedClassifier`: alone, in pipelines, and in other estimators that skl2onnx
converts. To add a converter, write a function that writes the graph of a fitted estimator, and
call it in `register`.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter
from sknielsen.core.contracts import Array

try:
    from skl2onnx import update_registered_converter

    # This is private, but it is how skl2onnx itself writes a pipeline into a graph.
    from skl2onnx._parse import _parse_sklearn
    from skl2onnx.algebra import onnx_ops as ops
    from skl2onnx.common.data_types import (
        FloatTensorType,
        Int64TensorType,
        guess_numpy_type,
        guess_proto_type,
    )
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.common.utils_classifier import get_label_classes
except ImportError as _error:
    raise ImportError(
        "sknielsen.onnx needs skl2onnx 1.19.1 or newer, which the extra `onnx` brings: "
        f'pip install "sknielsen[onnx]", or ".[onnx]" in a checkout ({_error}).'
    ) from _error

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope


def register() -> None:
    """Register the converters with skl2onnx; importing this module has done so already.

    Both classifiers take options of skl2onnx: ``zipmap`` (True makes a dict of each row's
    probabilities, False leaves an array), ``nocl`` (labels are numbers from 0),
    ``output_class_labels``, and ``raw_scores`` (z in place of probabilities). The graph has the
    opset that is asked for. It computes in float64 if its input is of that type, else in float32.

    Examples
    --------
    >>> import sknielsen.onnx
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype("float32")
    >>> clf = sknielsen.MLPSigmoidClassifier(max_iter=3, random_state=0).fit(X, y)
    >>> graph = to_onnx(clf, X[:1], options={"zipmap": False})
    >>> [output.name for output in graph.graph.output]
    ['label', 'probabilities']
    """
    flags = {name: [True, False] for name in ("nocl", "output_class_labels", "raw_scores")}
    for estimator, convert in (
        (MLPSigmoidClassifier, _convert_classifier),
        (AugmentedClassifier, _convert_augmented),
    ):
        update_registered_converter(
            estimator,
            f"Sknielsen{estimator.__name__}",
            calculate_linear_classifier_output_shapes,
            convert,
            options={"zipmap": [True, False, "columns"]} | flags,
        )
    update_registered_converter(
        ImageAugmenter, "SknielsenImageAugmenter", _augmenter_type, _convert_augmenter
    )


def _augmenter_type(operator: "Operator") -> None:
    """Set the type of the output: that of the input, or that of all columns together."""
    types = [variable.type for variable in operator.inputs]
    if len(types) == 1:
        operator.outputs[0].set_type(types[0].__class__(types[0].shape))
        return
    kind = type(types[0]) if len(set(map(type, types))) == 1 else FloatTensorType
    shape = [types[0].shape[0], operator.raw_operator.n_features_in_]
    operator.outputs[0].set_type(kind(shape))


def _convert_augmenter(
    scope: "Scope", operator: "Operator", container: "ModelComponentContainer"
) -> None:
    """Write an identity, because `transform` changes nothing."""
    opset = {"op_version": container.target_opset}
    columns, result = list(operator.inputs), operator.outputs[0].type
    if len(columns) > 1:
        kind = guess_proto_type(result)
        x = ops.OnnxConcat(*(ops.OnnxCast(c, to=kind, **opset) for c in columns), axis=1, **opset)
    else:
        x = columns[0]
    ops.OnnxIdentity(x, output_names=operator.outputs[:1], **opset).add_to(scope, container)


def _convert_augmented(
    scope: "Scope", operator: "Operator", container: "ModelComponentContainer"
) -> None:
    """Write the classifier that was fitted on the images and their copies."""
    inner, outputs = operator.raw_operator.estimator_, operator.inputs
    steps = [step for _, step in inner.steps] if isinstance(inner, Pipeline) else [inner]
    asked = scope.get_options(operator.raw_operator, {})
    options = {"zipmap": False, "nocl": asked.get("nocl", False)}
    if hasattr(inner, "decision_function"):
        options["raw_scores"] = asked.get("raw_scores", False)
    for holder in (scope, container):
        holder.add_options(id(steps[-1]), options)
    for step in steps:
        if step not in (None, "passthrough"):
            outputs = _parse_sklearn(scope, step, outputs)
    for inside, outside in zip(outputs, operator.outputs):
        name = scope.get_unique_operator_name("Same")
        container.add_node("Identity", inside.full_name, outside.full_name, name=name)


class _Outputs(NamedTuple):
    """Nodes of a graph: the code of each row's class, the scores, and the probabilities."""

    codes: Any
    scores: Any
    probabilities: Any


def _convert_classifier(
    scope: "Scope", operator: "Operator", container: "ModelComponentContainer"
) -> None:
    """Write the forward pass, the labels and the probabilities."""
    model = operator.raw_operator
    opset = {"op_version": container.target_opset}
    if not isinstance(model.out_activation_, str):
        raise ValueError(
            "Output activations that convert are 'sigmoid' and 'softmax'; that of "
            f"cost={model.cost!r} is {model.out_activation_!r}."
        )
    dtype = guess_numpy_type(operator.inputs[0].type)
    if dtype != np.float64:
        dtype = np.float32
    a = operator.inputs[0]
    if guess_numpy_type(a.type) != dtype:
        a = ops.OnnxCast(a, to=guess_proto_type(operator.outputs[1].type), **opset)
    for w, b in zip(model.coefs_, model.intercepts_):
        product = ops.OnnxMatMul(a, np.ascontiguousarray(w, dtype), **opset)
        z = ops.OnnxAdd(product, np.asarray(b, dtype), **opset)
        a = ops.OnnxSigmoid(z, **opset)

    n_outputs = len(model.intercepts_[-1])
    zero = np.zeros(1, dtype)
    if model.multilabel_:
        outputs = _Outputs(_exceeds(z, zero, opset), scores=z, probabilities=a)
    elif n_outputs == 1:
        outputs = _one_output(z, zero, opset)
    else:
        outputs = _several_outputs(z, n_outputs, zero, model.out_activation_, opset)

    raw = scope.get_options(model, {"raw_scores": False})["raw_scores"]
    names = {"output_names": operator.outputs[1:2]}
    chosen = outputs.scores if raw else outputs.probabilities
    ops.OnnxIdentity(chosen, **names, **opset).add_to(scope, container)
    names = {"output_names": operator.outputs[:1]}
    if model.multilabel_:
        labels = ops.OnnxIdentity(outputs.codes, **names, **opset)
    else:
        classes = _classes(get_label_classes(scope, model))
        labels = ops.OnnxGather(classes, outputs.codes, axis=0, **names, **opset)
    labels.add_to(scope, container)


def _one_output(z: Any, zero: Array, opset: dict[str, int]) -> _Outputs:
    """Write what the single output of two classes stands for."""
    codes = ops.OnnxReshape(_exceeds(z, zero, opset), np.array([-1], np.int64), **opset)
    scores = ops.OnnxConcat(ops.OnnxNeg(z, **opset), z, axis=1, **opset)
    return _Outputs(codes, scores, ops.OnnxSigmoid(scores, **opset))


def _several_outputs(
    z: Any, n_outputs: int, zero: Array, activation: str, opset: dict[str, int]
) -> _Outputs:
    """Write what an output for each class stands for."""
    codes = ops.OnnxArgMax(z, axis=1, keepdims=0, **opset)
    scores = z
    if n_outputs == 2:  # what uses the scores of two classes takes the second for z1 - z0
        scores = ops.OnnxMatMul(z, np.array([[1, -1], [-1, 1]], zero.dtype), **opset)
    if activation == "sigmoid":
        # ln sigma(z) = min(z, 0) - ln(1 + e^-|z|). The softmax of it divides the outputs by
        # their sum, even where all of them underflow.
        tail = ops.OnnxExp(ops.OnnxNeg(ops.OnnxAbs(z, **opset), **opset), **opset)
        tail = ops.OnnxLog(ops.OnnxAdd(tail, zero + 1, **opset), **opset)
        negative = ops.OnnxNeg(ops.OnnxRelu(ops.OnnxNeg(z, **opset), **opset), **opset)
        z = ops.OnnxSub(negative, tail, **opset)
    return _Outputs(codes, scores, ops.OnnxSoftmax(z, axis=1, **opset))


def _exceeds(z: Any, zero: Array, opset: dict[str, int]) -> Any:
    """Write whether each z is above 0, where the sigmoid is one half."""
    integer = guess_proto_type(Int64TensorType())
    return ops.OnnxCast(ops.OnnxGreater(z, zero, **opset), to=integer, **opset)


def _classes(classes: Array) -> Array:
    """Convert class labels to the types that ONNX has: strings or 64-bit integers."""
    if all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(str)
    if np.array_equal(classes, classes.astype(np.int64)):
        return classes.astype(np.int64)
    raise ValueError(
        f"Class labels that convert are strings and whole numbers; got {classes.tolist()}. The "
        "option nocl=True numbers them instead."
    )


register()
