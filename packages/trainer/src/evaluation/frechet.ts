/** The Fréchet distance of two sets of features. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) of the means and covariances of two sets of feature vectors: Heusel et
 * al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017), equation 6, with the
 * features of a judge where they take Inception's. 0 for equal sets; of no meaning across judges or numbers of images.
 *
 * @param a float32 [N, width], N at least 2; `b` likewise.
 */
export function frechetDistance(a: Float32Array, b: Float32Array, width: number): number {
  const [first, second] = [momentsOf(a, width), momentsOf(b, width)];
  const means = first.mean.reduce((sum, m, i) => sum + (m - second.mean[i]!) ** 2, 0);
  // trace((C1 C2)^(1/2)) is that of (C1^(1/2) C2 C1^(1/2))^(1/2), which is symmetric.
  const root = squareRoot(first.covariance);
  const middle = root.mmul(second.covariance).mmul(root);
  const cross = eigenvalues(middle).reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0);
  return Math.max(0, means + first.covariance.trace() + second.covariance.trace() - 2 * cross);
}

interface Moments {
  readonly mean: readonly number[];
  /** Divided by N - 1. */
  readonly covariance: Matrix;
}

function momentsOf(values: Float32Array, width: number): Moments {
  const count = values.length / width;
  const mean = Array.from({ length: width }, (_, j) => {
    let sum = 0;
    for (let i = j; i < values.length; i += width) sum += values[i]!;
    return sum / count;
  });
  const centred = Matrix.from1DArray(
    count,
    width,
    Array.from(values, (v, i) => v - mean[i % width]!),
  );
  return {
    mean,
    covariance: centred
      .transpose()
      .mmul(centred)
      .div(count - 1),
  };
}

const decompose = (symmetric: Matrix) => new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
const eigenvalues = (symmetric: Matrix): number[] => decompose(symmetric).realEigenvalues;

/** Of a symmetric matrix without negative eigenvalues but for rounding. */
function squareRoot(symmetric: Matrix): Matrix {
  const { eigenvectorMatrix: v, realEigenvalues } = decompose(symmetric);
  const roots = Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
  return v.mmul(roots).mmul(v.transpose());
}
