"""Training. A stage's trainer lives between requests."""


class Trainer:
    """What is trained, its gradients and moments."""
