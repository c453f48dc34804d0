"""The app's own Streamlit components: the chart and the job rows."""
