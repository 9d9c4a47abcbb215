/** What of ONNX's operator tests does not go through, by name and with the message that says why. Each is asserted. */

type Refusal = readonly [operator: string, message: string];

/** Forms of our operators that the builder refuses when it reads them. */
export const REFUSED: Readonly<Record<string, Refusal>> = {
  test_affine_grid_2d_align_corners_expanded: ["AffineGrid", "is not said to be a tensor"],
  test_affine_grid_3d_align_corners_expanded: ["AffineGrid", "is not said to be a tensor"],
  test_affine_grid_3d_expanded: ["AffineGrid", "is not said to be a tensor"],
  test_rotary_embedding_interleaved_expanded: ["Split", "the sizes are computed when the graph runs"],
  test_rotary_embedding_no_position_ids_expanded: ["Split", "the sizes are computed when the graph runs"],
  test_rotary_embedding_no_position_ids_interleaved_expanded: [
    "Split",
    "the sizes are computed when the graph runs",
  ],
  test_rotary_embedding_with_interleaved_rotary_dim_expanded: [
    "Split",
    "the sizes are computed when the graph runs",
  ],
  test_blackmanwindow_symmetric_expanded: ["Range", "the bounds are computed when the graph runs"],
  test_hammingwindow_expanded: ["Range", "the bounds are computed when the graph runs"],
  test_hammingwindow_symmetric_expanded: ["Range", "the bounds are computed when the graph runs"],
  test_hannwindow_expanded: ["Range", "the bounds are computed when the graph runs"],
  test_nonzero_example: ["NonZero", "known only when the graph runs"],
  test_celu_bfloat16: ["Celu", "expected float32"],
  test_celu_float16: ["Celu", "expected float32"],
};

/** What ONNX Runtime 1.30 does not run: no kernel for the element type on the CPU, or no such tensors in Node. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  test_cast_FLOAT_to_BFLOAT16: "Unsupported data type: 16",
  test_castlike_BFLOAT16_to_FLOAT: "Unsupported data type: 16",
  test_castlike_FLOAT_to_BFLOAT16_expanded: "Unsupported data type: 16",
  test_clip_default_int8_max_expanded: "Could not find an implementation for Where(16)",
  test_max_int16: "Could not find an implementation for Max(13)",
  test_max_uint16: "Could not find an implementation for Max(13)",
  test_pow_types_float32_uint64: "Could not find an implementation for Pow(15)",
  test_bitshift_right_uint16: "Could not find an implementation for BitShift(11)",
  test_top_k_uint64: "Could not find an implementation for TopK(11)",
};

/** What ONNX Runtime 1.30 computes otherwise than ONNX expects. */
export const DIFFERS: ReadonlySet<string> = new Set(["test_resize_downsample_scales_cubic_align_corners"]);

/** Cases that an operator's gradient rule refuses. */
export const NO_RULE: Readonly<Record<string, Refusal>> = {
  test_scatternd_max_with_element_indices: ["ScatterND", 'no gradient for the reduction "max"'],
  test_scatternd_min: ["ScatterND", 'no gradient for the reduction "min"'],
  test_scatternd_min_with_element_indices: ["ScatterND", 'no gradient for the reduction "min"'],
  test_resize_downsample_scales_cubic_antialias: ["Resize", "no gradient with antialias"],
  test_resize_downsample_sizes_linear_antialias: ["Resize", "no gradient with antialias"],
  test_resize_tf_crop_and_resize_axes_3_2: ["Resize", "no gradient for the mode tf_crop_and_resize"],
  test_scatter_elements_with_reduction_min: ["ScatterElements", 'no gradient for the reduction "min"'],
  test_scatter_elements_with_reduction_mul: ["ScatterElements", 'no gradient for the reduction "mul"'],
};

/** Models that have NaN on the way where no finite number comes out, which every rule of calculus hands on. */
export const NAN_GRADIENT: Readonly<Record<string, string>> = {
  test_attention_23_boolmask_fullymasked_row_nan_robustness_expanded: "a query sees no key",
  test_attention_23_fullymasked_qk_matmul_output_mode3_zero_expanded: "a query sees no key",
  test_attention_4d_causal_nonpad_negative_offset_structural_empty_expanded: "a query sees no key",
  test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal_expanded:
    "masked scores, which are infinite, are a result",
  test_attention_causal_boolmask_nan_robustness_expanded: "a query sees no key",
};

const kink = "a number lies where two pieces meet";
const steep = "the function is too steep near the ends of its domain for float32's step";
const notFinite = "infinities and NaN are among the inputs";

/** Tests whose data has no derivative, and why. Their gradients are checked beside the data. */
export const NO_DERIVATIVE: Readonly<Record<string, string>> = {
  test_asin: steep,
  test_atanh: steep,
  test_cast_DOUBLE_to_FLOAT16: notFinite,
  test_cast_FLOAT16_to_DOUBLE: notFinite,
  test_cast_FLOAT_to_BFLOAT16: notFinite,
  test_cast_FLOAT_to_DOUBLE: notFinite,
  test_cast_FLOAT_to_FLOAT16: notFinite,
  test_castlike_BFLOAT16_to_FLOAT: notFinite,
  test_castlike_DOUBLE_to_FLOAT16: notFinite,
  test_castlike_FLOAT16_to_FLOAT: notFinite,
  test_castlike_FLOAT_to_DOUBLE: notFinite,
  test_castlike_FLOAT_to_FLOAT16: notFinite,
  test_castlike_DOUBLE_to_FLOAT16_expanded: notFinite,
  test_castlike_DOUBLE_to_FLOAT_expanded: notFinite,
  test_castlike_FLOAT_to_BFLOAT16_expanded: notFinite,
  test_castlike_FLOAT_to_DOUBLE_expanded: notFinite,
  test_castlike_FLOAT_to_FLOAT16_expanded: notFinite,
  test_elu_example: kink,
  test_elu_example_expanded_ver18: kink,
  test_hardmax_one_hot: "two elements are the largest",
  test_l2normalization_axis_0: "a column is zero, whose norm has no slope",
  test_leakyrelu_example: kink,
  test_reduce_min_default_axes_keepdims_example: "two elements are the smallest",
  test_round: "numbers lie halfway between two whole ones",
  test_selu_example: kink,
  test_selu_example_expanded_ver18: kink,
  test_sign: "a zero is among the inputs",
  test_softsign_example_expanded_ver18: kink,
  test_tan: steep,
  test_thresholdedrelu_example: kink,
  test_maxpool_3d_dilations: "windows have several largest elements",
  test_maxpool_3d_dilations_use_ref_impl: "windows have several largest elements",
  test_onehot_with_axis: "the indices are whole numbers in floating point",
  test_onehot_with_negative_axis: "the indices are whole numbers in floating point",
};

/** Operators that ONNX Runtime computes in float32 inside, whatever goes in. */
export const SINGLE_INSIDE: ReadonlySet<string> = new Set(["GroupNormalization", "LayerNormalization"]);

/** Operators without a float64 kernel on ONNX Runtime's CPU provider: their gradients are checked in float32. */
export const SINGLE: ReadonlySet<string> = new Set([
  "Acosh",
  "Asin",
  "Asinh",
  "Atan",
  "Atanh",
  "AveragePool",
  "Conv",
  "ConvTranspose",
  "Cosh",
  "Elu",
  "Erf",
  "HardSigmoid",
  "InstanceNormalization",
  "LeakyRelu",
  "LpPool",
  "PRelu",
  "Resize",
  "Selu",
  "Sinh",
  "Softplus",
  "Tan",
  "ThresholdedRelu",
]);
