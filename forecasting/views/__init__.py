"""Tables and Plotly figures as pages and reports show them: pure functions."""
