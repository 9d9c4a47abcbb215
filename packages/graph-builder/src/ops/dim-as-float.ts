import { type Dim, termsOf } from "../dim.js";
import { scalar, type Tensor } from "../tensor.js";
import { add, mul } from "./arithmetic.js";
import { cast } from "./cast.js";
import { expand } from "./expand.js";
import { reduceSum } from "./reduce.js";

/**
 * A dimension as a scalar of the tensor's floating-point type, for means over a batch of any size. Ones are added where the
 * tensor is: devices keep shapes with the host, and to cast one would bring it over in each run.
 */
export function dimAsFloat(dim: Dim, near: Tensor): Tensor {
  const count = (atom: string) => reduceSum(expand(scalar(1), [atom], [near]));
  const terms = termsOf(dim).map(({ coefficient, atoms }) =>
    atoms.map(count).reduce((product, factor) => mul(product, factor), scalar(coefficient)),
  );
  return cast(
    terms.reduce((a, b) => add(a, b)),
    near.dtype,
  );
}
