"""What makes the docs' picture and figures, so that neither is drawn by hand."""
