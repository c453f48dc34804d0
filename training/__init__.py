"""Training of the pretrained network on made-up series; an environment of its own (`requirements-training.txt`)."""
