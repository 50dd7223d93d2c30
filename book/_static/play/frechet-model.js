/* The Fréchet distance of two Gaussians, in its two terms, and of two sets of draws through their moments. */
(function () {
  "use strict";

  const square = (d) => Array.from({ length: d }, () => new Float64Array(d));

  /** L, lower triangular, with L Lᵀ = matrix. */
  function cholesky(matrix) {
    const d = matrix.length, L = square(d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        let rest = matrix[i][j];
        for (let k = 0; k < j; k++) rest -= L[i][k] * L[j][k];
        L[i][j] = i === j ? Math.sqrt(Math.max(rest, 0)) : L[j][j] && rest / L[j][j];
      }
    }
    return L;
  }

  /** The eigenvalues of a symmetric matrix, by Jacobi's rotations. */
  function eigenvalues(matrix) {
    const d = matrix.length, a = matrix.map((row) => Float64Array.from(row));
    const size = a.reduce((sum, row) => sum + row.reduce((s, v) => s + v * v, 0), 0);
    for (let sweep = 0; sweep < 40; sweep++) {
      let off = 0;
      for (let p = 0; p < d; p++) {
        for (let q = p + 1; q < d; q++) {
          off += a[p][q] ** 2;
          if (a[p][q] === 0) continue;
          const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
          const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
          const c = 1 / Math.hypot(t, 1), s = t * c;
          for (let k = 0; k < d; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
          for (let k = 0; k < d; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
        }
      }
      if (off <= 1e-26 * size) break;
    }
    return a.map((row, i) => row[i]);
  }

  const trace = (matrix) => matrix.reduce((sum, row, i) => sum + row[i], 0);

  /** ‖m₁ − m₂‖², and tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½): with C₁ = L Lᵀ, Lᵀ C₂ L has the same eigenvalues. */
  function terms(one, other) {
    const means = one.mean.reduce((sum, v, i) => sum + (v - other.mean[i]) ** 2, 0);
    const L = cholesky(one.covariance), d = L.length, right = square(d), inner = square(d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) for (let k = j; k < d; k++) right[i][j] += other.covariance[i][k] * L[k][j];
    }
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) for (let k = i; k < d; k++) inner[i][j] += L[k][i] * right[k][j];
    }
    const cross = eigenvalues(inner).reduce((sum, v) => sum + Math.sqrt(Math.max(v, 0)), 0);
    return { means, covariances: Math.max(trace(one.covariance) + trace(other.covariance) - 2 * cross, 0) };
  }

  /** Mean and unbiased covariance of draws, one after the other in one array. */
  function moments(draws, d) {
    const n = draws.length / d, mean = new Float64Array(d), covariance = square(d);
    for (let at = 0; at < draws.length; at++) mean[at % d] += draws[at] / n;
    for (let at = 0; at < draws.length; at += d) {
      for (let i = 0; i < d; i++) {
        const from = draws[at + i] - mean[i];
        for (let j = 0; j <= i; j++) covariance[i][j] += from * (draws[at + j] - mean[j]) / (n - 1);
      }
    }
    covariance.forEach((row, i) => { for (let j = 0; j < i; j++) covariance[j][i] = row[j]; });
    return { mean, covariance };
  }

  /** What two sets of n draws each from one N(0, I) read on average: 2d/n of the means, (d² + d)/2n of the covariances. */
  const bias = (d, n) => ({ means: 2 * d / n, covariances: (d * d + d) / (2 * n) });

  globalThis.playFrechet = { terms, moments, bias, eigenvalues };
})();
