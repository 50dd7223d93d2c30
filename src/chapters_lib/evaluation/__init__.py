"""What is measured: likelihoods, distances, judged samples."""
