"""What one visitor has open, as values and plain methods: no Streamlit, no pictures, no threads."""
