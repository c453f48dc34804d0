"""Networks in PyTorch, which is optional: nothing here is imported before a fit, or a training, needs it."""
